"""How the server is: for people, load balancers and Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from steersman import __version__
from steersman.core.errors import SteersmanError
from steersman.server import metrics
from steersman.server.access import Parts
from steersman.server.problems import problem

router = APIRouter(tags=["system"])


@router.get("/healthz")
async def alive() -> Response:
    """Say that this process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def ready(request: Request, parts: Parts) -> Response:
    """Say whether requests should come here: store and blobs answer, and we are not leaving."""
    if request.app.state.closing.is_set():
        return problem(503, "not ready", "the server is stopping")
    try:
        await parts.store.check()
        await parts.blobs.check()
    except SteersmanError as error:
        return problem(503, "not ready", str(error))
    return PlainTextResponse("ready\n")


@router.get("/version")
async def version() -> Response:
    """Say which version this is."""
    return JSONResponse({"name": "steersman", "version": __version__})


@router.get("/metrics")
async def measured(parts: Parts) -> Response:
    """Return figures for Prometheus."""
    text = await metrics.text(parts)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/", include_in_schema=False)
@router.get("/runs/{identity:path}", include_in_schema=False)
@router.get("/projects/{identity:path}", include_in_schema=False)
async def page(identity: str = "") -> Response:
    """Answer a browser that was sent here: there are no pages yet, but there are commands."""
    shown = "".join(each for each in identity[:120] if each.isalnum() or each in "-_./")
    command = f"steer show {shown}" if shown else "steer runs"
    return PlainTextResponse(
        f"This is Steersman {__version__}. It has no pages yet; in a terminal:\n\n  {command}\n\n"
        "The API is described at /openapi.json.\n"
    )
