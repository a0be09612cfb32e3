"""The first start: somebody must be able to log in, and a worker of this machine to work."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, insert, select

from steersman.core import tokens
from steersman.core.errors import UserError
from steersman.core.permissions import EVERY_SCOPE
from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.tables import tokens as token_table
from steersman.store.tables import users

ADMIN = "admin"


async def admin_token(parts: Platform, given: str | None = None) -> str | None:
    """Make the first user, an admin, and return their token; None when there are users already.

    Whoever *given* the token knows it already: where logs are gathered none is to be shown.
    """
    token = given or tokens.make(tokens.Kind.PERSONAL, parts.clock.randomness(20))
    _refuse_others(token, tokens.Kind.PERSONAL)
    user_id, token_id = parts.clock.new_id(), parts.clock.new_id()

    def make(tx: Transaction) -> bool:
        if tx.value(select(func.count()).select_from(users)):
            return False
        tx.execute(insert(users), {"id": user_id, "name": ADMIN, "admin": True, "created": tx.now})
        row = _token(token_id, tokens.Kind.PERSONAL, "first start", token)
        scopes = [scope.value for scope in EVERY_SCOPE]
        tx.execute(
            insert(token_table), {**row, "user_id": user_id, "scopes": scopes, "created": tx.now}
        )
        return True

    return token if await parts.store.write(make) and not given else None


async def let_in(parts: Platform, worker: str) -> None:
    """Let in who has the token *worker*, which was made before any server could make it."""
    _refuse_others(worker, tokens.Kind.WORKER)
    row = _token(parts.clock.new_id(), tokens.Kind.WORKER, "first start", worker)
    query = select(token_table.c.id).where(token_table.c.digest == row["digest"])

    def add(tx: Transaction) -> None:
        # One that was taken back has its row still, and stays what it is.
        if not tx.value(query):
            tx.execute(insert(token_table), {**row, "scopes": [], "created": tx.now})

    await parts.store.write(add)


def _refuse_others(token: str, kind: tokens.Kind) -> None:
    if tokens.kind_of(token) is not kind:
        raise UserError(
            f"what the environment gives as a token that begins with {kind} is none",
            hint="`steer install --secrets` makes them",
        )


async def worker_token(parts: Platform, name: str, known: str | None) -> str:
    """Return a token for the worker that runs beside this server; a *known* one that works."""
    if known is not None:
        digest = tokens.digest(known)
        query = select(token_table.c.id).where(token_table.c.digest == digest)
        if await parts.store.read(lambda tx: tx.value(query)):
            return known
    token = tokens.make(tokens.Kind.WORKER, parts.clock.randomness(20))
    row = _token(parts.clock.new_id(), tokens.Kind.WORKER, name, token)

    def add(tx: Transaction) -> None:
        tx.execute(insert(token_table), {**row, "scopes": [], "created": tx.now})

    await parts.store.write(add)
    return token


def _token(identity: str, kind: tokens.Kind, name: str, token: str) -> dict[str, Any]:
    return {
        "id": identity,
        "kind": kind.value,
        "name": name,
        "digest": tokens.digest(token),
    }
