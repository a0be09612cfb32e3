"""What an attempt was given, so that somebody can try the same at home. No secret is among it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from steersman.core.permissions import Action
from steersman.server import delivering, downloads
from steersman.server.access import Parts, Who
from steersman.server.answers import answer
from steersman.server.api.runs import attempt
from steersman.server.downloads import TAR
from steersman.server.paths import Identity
from steersman.server.streaming import Streamed

router = APIRouter(tags=["replay"])


@router.get("/attempts/{identity}/replay")
async def replay(request: Request, identity: Identity, parts: Parts, who: Who) -> Response:
    """Return what the runner got; of secrets only the names, as they would be given now."""
    await attempt(parts, who, identity, Action.SEE_LOG)
    wanted = await parts.store.read(lambda tx: delivering.order(tx, identity))
    spec = delivering.spec(parts, wanted)
    base = f"{parts.settings.url}/api/v1/attempts/{identity}"
    places = {"source": f"{base}/source", "cache": f"{base}/cache"}
    return answer(request, {**spec, "hidden": sorted(spec["hidden"]), "archives": places})


@router.get("/attempts/{identity}/source")
async def source(identity: Identity, parts: Parts, who: Who) -> Response:
    """Return the source an attempt began with, a tar."""
    row = await attempt(parts, who, identity, Action.ARTIFACT_GET)
    pieces = await downloads.primed(await delivering.source(parts, identity))
    return Streamed(pieces, media_type=TAR, headers=_headers(row["job"], "source"))


@router.get("/attempts/{identity}/cache")
async def cache(identity: Identity, parts: Parts, who: Who) -> Response:
    """Return the cache an attempt would be given now, a tar; 204 without one."""
    row = await attempt(parts, who, identity, Action.ARTIFACT_GET)
    blob = await delivering.cache(parts, identity)
    if blob is None or await parts.blobs.size(blob) is None:
        return Response(status_code=204)
    headers = _headers(row["job"], "cache")
    return Streamed(parts.blobs.get(blob), media_type=TAR, headers=headers)


def _headers(job: str, what: str) -> dict[str, str]:
    name = downloads.attachment(f"{job}-{what}.tar")
    return {"Content-Disposition": name, **downloads.HARMLESS}
