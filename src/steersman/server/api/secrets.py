"""Secrets of projects: set and listed, never shown."""

from __future__ import annotations

from typing import Any, NotRequired

from fastapi import APIRouter, Request, Response
from pydantic import with_config
from sqlalchemy import delete, insert, select, update
from typing_extensions import TypedDict

from steersman.core import quoting
from steersman.core.errors import NotFound, UserError
from steersman.core.permissions import Action
from steersman.server import access, auditing, views
from steersman.server.access import Parts, Who
from steersman.server.answers import answer
from steersman.server.checked import STRICT
from steersman.store.base import Transaction
from steersman.store.tables import secrets

router = APIRouter(tags=["secrets"])
LONGEST = 64 * 1024


@with_config(STRICT)
class SecretValue(TypedDict):
    """A secret and where it goes: patterns; none at all means everywhere."""

    value: str
    pipelines: NotRequired[list[str]]
    branches: NotRequired[list[str]]
    events: NotRequired[list[str]]


@router.get("/projects/{name}/secrets")
async def list_secrets(request: Request, name: str, parts: Parts, who: Who) -> Response:
    """List the names of a project's secrets and where each goes."""
    project = await access.project(parts, who, name, Action.SECRET_LIST)
    query = select(secrets).where(secrets.c.project_id == project["id"]).order_by(secrets.c.name)
    found = await parts.store.read(lambda tx: tx.all(query))
    items = [
        {
            "id": row["id"],
            "name": row["name"],
            "pipelines": row["pipelines"] or [],
            "branches": row["branches"] or [],
            "events": row["events"] or [],
            "by": row["author"],
            "changed": views.time(row["changed"]),
        }
        for row in found
    ]
    return answer(request, {"items": items, "next": None})


@router.put("/projects/{name}/secrets/{secret}")
async def set_secret(
    request: Request, name: str, secret: str, body: SecretValue, parts: Parts, who: Who
) -> Response:
    """Set a secret; another one of the same name and scope is replaced."""
    project = await access.project(parts, who, name, Action.SECRET_SET)
    if not quoting.is_name(secret) or len(secret) > 200:
        raise UserError(
            f"{secret[:100]!r} cannot be the name of a variable",
            hint="a name has letters, digits and underscores, and does not begin with a digit",
        )
    value = body["value"].encode("utf-8", "surrogatepass")
    if len(value) > LONGEST or b"\0" in value:
        raise UserError(f"a secret has at most {LONGEST} bytes, and no NUL")
    row = {
        "sealed": parts.keyring.seal(project["id"], secret, value),
        "pipelines": body.get("pipelines") or [],
        "branches": body.get("branches") or [],
        "events": body.get("events") or [],
        "author": who.name,
    }
    identity = parts.clock.new_id()
    made = await parts.store.write(lambda tx: _set(tx, project["id"], secret, identity, row))
    await parts.store.write(
        lambda tx: auditing.note(tx, who.name, "secret-set", f"{project['name']}/{secret}")
    )
    return answer(request, {"name": secret, "created": made}, 201 if made else 200)


def _set(tx: Transaction, project: str, name: str, identity: str, row: dict[str, Any]) -> bool:
    which = (secrets.c.project_id == project, secrets.c.name == name)
    for known in tx.all(select(secrets).where(*which)):
        if all((known[key] or []) == row[key] for key in ("pipelines", "branches", "events")):
            statement = update(secrets).where(secrets.c.id == known["id"])
            tx.execute(statement.values(**row, changed=tx.now))
            return False
    place = {"id": identity, "project_id": project, "name": name, "changed": tx.now}
    tx.execute(insert(secrets), {**row, **place})
    return True


@router.delete("/projects/{name}/secrets/{secret}", status_code=204)
async def remove_secret(name: str, secret: str, parts: Parts, who: Who) -> Response:
    """Remove a secret, by its name (all of that name) or its id."""
    project = await access.project(parts, who, name, Action.SECRET_SET)

    def remove(tx: Transaction) -> None:
        named = (secrets.c.name == secret) | (secrets.c.id == secret)
        which = (secrets.c.project_id == project["id"], named)
        if not tx.execute(delete(secrets).where(*which)).rowcount:
            raise NotFound(f"the project has no secret {secret[:100]}")
        auditing.note(tx, who.name, "secret-remove", f"{project['name']}/{secret}")

    await parts.store.write(remove)
    return Response(status_code=204)
