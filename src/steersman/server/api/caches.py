"""Caches of projects: listed, and removed when something in them is wrong."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import delete

from steersman.core.errors import NotFound
from steersman.core.permissions import Action
from steersman.server import access, auditing, views
from steersman.server.access import Parts, Who
from steersman.server.answers import answer
from steersman.server.paths import Identity, ProjectName
from steersman.store import keeping_lists
from steersman.store.base import Row, Transaction
from steersman.store.tables import caches

router = APIRouter(tags=["caches"])


def _shown(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "scope": row["scope"],
        "name": row["name"],
        "size": row["size"],
        "sha256": row["sha256"],
        "created": views.time(row["created"]),
        "used": views.time(row["used"]),
    }


@router.get("/projects/{name}/caches")
async def list_caches(request: Request, name: ProjectName, parts: Parts, who: Who) -> Response:
    """List the caches of a project, the last used first."""
    project = await access.project(parts, who, name, Action.SEE)
    found = await parts.store.read(lambda tx: keeping_lists.caches_of(tx, project["id"]))
    return answer(request, {"items": [_shown(row) for row in found], "next": None})


@router.delete("/projects/{name}/caches")
async def remove_caches(request: Request, name: ProjectName, parts: Parts, who: Who) -> Response:
    """Remove all caches of a project: what runs next begins without one."""
    project = await access.project(parts, who, name, Action.CACHE_DELETE)

    def remove(tx: Transaction) -> int:
        gone = tx.execute(delete(caches).where(caches.c.project_id == project["id"])).rowcount
        auditing.note(tx, who.name, "cache-remove", project["name"], {"removed": gone})
        return gone

    return answer(request, {"removed": await parts.store.write(remove)})


@router.delete("/projects/{name}/caches/{identity}", status_code=204)
async def remove_cache(name: ProjectName, identity: Identity, parts: Parts, who: Who) -> Response:
    """Remove one cache of a project."""
    project = await access.project(parts, who, name, Action.CACHE_DELETE)
    which = (caches.c.project_id == project["id"], caches.c.id == identity)

    def remove(tx: Transaction) -> int:
        gone = tx.execute(delete(caches).where(*which)).rowcount
        if gone:
            auditing.note(tx, who.name, "cache-remove", f"{project['name']}/{identity}")
        return gone

    if not await parts.store.write(remove):
        raise NotFound(f"the project has no cache {identity}")
    return Response(status_code=204)
