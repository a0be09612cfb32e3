"""How the server is: for people, load balancers and Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from steersman import __version__
from steersman.server import metrics
from steersman.server.access import Parts
from steersman.server.problems import problem
from steersman.server.readiness import Readiness

router = APIRouter(tags=["system"])


@router.get("/healthz")
async def alive() -> Response:
    """Say that this process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """Say whether requests should come here: the store answers, and we are not leaving.

    Blobs that do not answer are said, but every server would miss them alike.
    """
    if request.app.state.closing.is_set():
        return problem(503, "not ready", "the server is stopping")
    readiness: Readiness = request.app.state.readiness
    found = await readiness.look()
    if not found.ready:
        return problem(503, "not ready", found.words)
    return PlainTextResponse(f"{found.words}\n")


@router.get("/version")
async def version() -> Response:
    """Say which version this is."""
    return JSONResponse({"name": "steersman", "version": __version__})


@router.get("/metrics")
async def measured(parts: Parts) -> Response:
    """Return figures for Prometheus."""
    text = await metrics.text(parts)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
