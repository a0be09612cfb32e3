"""Users, their tokens and memberships, as rows that are changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, or_, select, update

from steersman.core.permissions import Role
from steersman.core.tokens import Kind
from steersman.store.base import Row, Transaction
from steersman.store.tables import answers, members, projects, tokens, users


def user(tx: Transaction, name: str) -> Row | None:
    """Return the user of this name."""
    return tx.one(select(users).where(users.c.name == name))


def user_of(tx: Transaction, identity: str) -> Row | None:
    """Return the user of this id."""
    return tx.one(select(users).where(users.c.id == identity))


def of_subject(tx: Transaction, subject: str) -> Row | None:
    """Return the user whom an issuer of identities knows by *subject*."""
    return tx.one(select(users).where(users.c.subject == subject))


def local_of_email(tx: Transaction, email: str) -> Row | None:
    """Return the one user of this e-mail address whom no issuer vouches for yet."""
    where = (func.lower(users.c.email) == email.lower(), users.c.subject.is_(None))
    found = tx.all(select(users).where(*where).limit(2))
    return found[0] if len(found) == 1 else None


def add_user(tx: Transaction, row: Mapping[str, Any]) -> Row:
    """Add a user."""
    tx.execute(insert(users), {"created": tx.now, **row})
    found = user_of(tx, row["id"])
    assert found is not None  # noqa: S101 - it was added a line before
    return found


def change_user(tx: Transaction, identity: str, columns: Mapping[str, Any]) -> None:
    """Change these columns of a user, if any."""
    if columns:
        tx.execute(update(users).where(users.c.id == identity).values(**columns))


def remove_user(tx: Transaction, identity: str) -> None:
    """Remove a user, and with them their tokens, sessions and memberships."""
    tx.execute(delete(users).where(users.c.id == identity))


def has_other_admin(tx: Transaction, identity: str) -> bool:
    """Tell whether somebody else is an admin who is not disabled, and keep it so until the end."""
    query = select(users.c.id).where(users.c.admin, ~users.c.disabled).order_by(users.c.id)
    return any(row["id"] != identity for row in tx.all(_held(tx, query)))


def _held(tx: Transaction, query: Select[Any]) -> Select[Any]:
    """Two who take each other's rights away must not both find the other there."""
    return query.with_for_update() if tx.postgres else query


def add_token(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Add a token."""
    tx.execute(insert(tokens), {"created": tx.now, **row})


def token(tx: Transaction, identity: str) -> Row | None:
    """Return a token with the names of its user and its project."""
    return tx.one(_tokens().where(tokens.c.id == identity))


def tokens_page(
    tx: Transaction, where: ColumnElement[bool], before: str | None, limit: int
) -> list[Row]:
    """Return tokens that still work, newest first, up to one more than *limit*."""
    lasting = or_(tokens.c.expires.is_(None), tokens.c.expires > tx.now)
    query = _tokens().where(where, tokens.c.revoked.is_(None), lasting)
    if before is not None:
        query = query.where(tokens.c.id < before)
    return tx.all(query.order_by(tokens.c.id.desc()).limit(limit + 1))


def _tokens() -> Select[Any]:
    names = (users.c.name.label("user"), projects.c.name.label("project"))
    whole = tokens.outerjoin(users, tokens.c.user_id == users.c.id)
    whole = whole.outerjoin(projects, tokens.c.project_id == projects.c.id)
    return select(tokens, *names).select_from(whole)


def revoke(tx: Transaction, identity: str) -> None:
    """End a token."""
    _revoke(tx, tokens.c.id == identity)


def end_tokens(tx: Transaction, user_id: str) -> None:
    """End every token and session of a user."""
    _revoke(tx, tokens.c.user_id == user_id)


def end_sessions(tx: Transaction, user_id: str, but: str) -> None:
    """End the sessions of a user in every browser, except for the one whose token's id is *but*."""
    mine = (tokens.c.user_id == user_id) & (tokens.c.kind == Kind.SESSION.value)
    _revoke(tx, mine & (tokens.c.id != but))


def _revoke(tx: Transaction, where: ColumnElement[bool]) -> None:
    statement = update(tokens).where(where, tokens.c.revoked.is_(None))
    tx.execute(statement.values(revoked=tx.now))


def members_of(tx: Transaction, project_id: str) -> list[Row]:
    """Return the members of a project with their names, by name."""
    query = (
        select(users.c.name, users.c.disabled, members.c.role)
        .join_from(members, users, members.c.user_id == users.c.id)
        .where(members.c.project_id == project_id)
        .order_by(users.c.name)
    )
    return tx.all(query)


def set_role(tx: Transaction, project_id: str, user_id: str, role: Role) -> None:
    """Give a user a role in a project; the one they had is replaced."""
    where = (members.c.project_id == project_id, members.c.user_id == user_id)
    if tx.execute(update(members).where(*where).values(role=role.value)).rowcount == 0:
        row = {"project_id": project_id, "user_id": user_id, "role": role.value}
        tx.execute(insert(members), row)


def remove_member(tx: Transaction, project_id: str, user_id: str) -> None:
    """Take a user's role in a project away."""
    where = (members.c.project_id == project_id, members.c.user_id == user_id)
    tx.execute(delete(members).where(*where))


def has_other_maintainer(tx: Transaction, project_id: str, user_id: str) -> bool:
    """Tell whether somebody else maintains a project, and keep it so until the end."""
    where = (members.c.project_id == project_id, members.c.role == Role.MAINTAINER.value)
    query = select(members.c.user_id).where(*where).order_by(members.c.user_id)
    return any(row["user_id"] != user_id for row in tx.all(_held(tx, query)))


def use_once(tx: Transaction, key: str) -> bool:
    """Note that *key* was used; False when it had been before."""
    if tx.value(select(answers.c.key).where(answers.c.key == key)) is not None:
        return False
    row = {"key": key, "request": "", "status": 204, "body": None, "created": tx.now}
    tx.execute(insert(answers), row)
    return True
