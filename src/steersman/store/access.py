"""Users, their roles and tokens, as rows."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, or_, select, update

from steersman.store.base import Row, Transaction
from steersman.store.prepared import Prepared
from steersman.store.tables import members, projects, tokens, users

_OF_DIGEST = Prepared(
    select(
        tokens,
        users.c.name.label("user_name"),
        users.c.admin.label("admin"),
        users.c.disabled.label("disabled"),
    )
    .join_from(tokens, users, tokens.c.user_id == users.c.id, isouter=True)
    .where(tokens.c.digest == bindparam("wanted"))
)

_PROJECT_AND_ROLE = Prepared(
    select(projects, members.c.role.label("role"))
    .join_from(
        projects,
        members,
        and_(members.c.project_id == projects.c.id, members.c.user_id == bindparam("user")),
        isouter=True,
    )
    .where(or_(projects.c.name == bindparam("named"), projects.c.id == bindparam("named")))
)


def of_digest(tx: Transaction, digest: str) -> Row | None:
    """Return a token with its user's name, rights and state; None for one nobody made."""
    return tx.one(_OF_DIGEST, {"wanted": digest})


def used(tx: Transaction, token_id: str) -> None:
    """Note that a token was used."""
    tx.execute(update(tokens).where(tokens.c.id == token_id).values(used=tx.now))


def role(tx: Transaction, project_id: str, user_id: str) -> str | None:
    """Return the role of a user in a project."""
    where = (members.c.project_id == project_id, members.c.user_id == user_id)
    found = tx.value(select(members.c.role).where(*where))
    return None if found is None else str(found)


def project_and_role(
    tx: Transaction, name_or_id: str, user_id: str
) -> tuple[Row, str | None] | None:
    """Return a project and the role of a user in it; None when there is no such project."""
    row = tx.one(_PROJECT_AND_ROLE, {"named": name_or_id, "user": user_id})
    return None if row is None else (row, row["role"])
