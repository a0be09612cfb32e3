"""The server's HTTP application, from its parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig

from steersman import __version__
from steersman.server import pages, problems, runner_api, worker_api
from steersman.server.api import (
    artifacts,
    audit,
    badges,
    caches,
    deliveries,
    events,
    hooks,
    logs,
    members,
    outbox,
    projects,
    queue,
    replay,
    runs,
    schedules,
    schedules_everywhere,
    schedules_ledger,
    schedules_orders,
    schedules_overview,
    secrets,
    sessions,
    shells,
    steps,
    system,
    tests,
    token_sessions,
    tokens,
    users,
)
from steersman.server.limits import Limits
from steersman.server.oidc import OidcSettings
from steersman.server.platform import Platform
from steersman.server.readiness import Readiness
from steersman.server.short_ways import ShortWays, way

Task = Callable[[], Coroutine[Any, Any, None]]
API = "/api/v1"
# What is measured stands at /metrics; asking for each request who else traces it costs 2 % of it.
UNTRACED: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
PARTS: tuple[APIRouter, ...] = (
    projects.router,
    # These begin like a run's, whose own address takes whatever is left.
    artifacts.router,
    tests.router,
    runs.router,
    caches.router,
    steps.router,
    replay.router,
    logs.router,
    shells.router,
    queue.router,
    secrets.router,
    schedules.router,
    schedules_ledger.router,
    schedules_orders.router,
    schedules_everywhere.router,
    schedules_overview.router,
    events.router,
    hooks.router,
    deliveries.router,
    users.router,
    tokens.router,
    members.router,
    sessions.router,
    token_sessions.router,
    audit.router,
    outbox.router,
)
RUNNER_WAYS = [
    ("POST", "/runner/v1/started", way(runner_api.started)),
    ("POST", "/runner/v1/heartbeat", way(runner_api.heartbeat)),
    ("PUT", "/runner/v1/log", way(runner_api.log)),
    ("POST", "/runner/v1/steps", way(runner_api.steps)),
    ("POST", "/runner/v1/record", way(runner_api.record)),
]
WORKER_WAYS = [
    ("POST", "/worker/v1/lease", way(worker_api.lease)),
    ("POST", "/worker/v1/renew", way(worker_api.renew)),
    ("POST", "/worker/v1/report", way(worker_api.report)),
]
PEOPLE_WAYS = [("POST", f"{API}/projects/{{name}}/triggers", way(projects.trigger))]


def build(
    platform: Platform, tasks: tuple[Task, ...] = (), oidc: OidcSettings | None = None
) -> FastAPI:
    """Return the application; *tasks* run beside it, from its start to its end."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        running = [
            asyncio.create_task(task(), name=getattr(task, "__qualname__", repr(task)))
            for task in tasks
        ]
        try:
            yield
        finally:
            for each in running:
                each.cancel()
            for each in running:
                with suppress(asyncio.CancelledError):
                    await each

    app = FastAPI(
        title="Steersman",
        version=__version__,
        lifespan=life,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=problems.DESCRIBED,
        telemetry=UNTRACED,
    )
    app.state.platform = platform
    app.state.oidc = oidc
    app.state.readiness = Readiness(platform.store, platform.blobs)
    app.state.closing = asyncio.Event()
    problems.install(app)
    # Addresses are looked through in this order: what is asked most often comes first.
    app.include_router(runner_api.router)
    app.include_router(worker_api.router)
    for router in PARTS:
        app.include_router(router, prefix=API)
    app.include_router(badges.router)
    app.include_router(system.router)
    app.include_router(pages.router)
    app.add_middleware(ShortWays, ways=[*RUNNER_WAYS, *WORKER_WAYS, *PEOPLE_WAYS])
    app.add_middleware(Limits, most=platform.settings.body_limit)
    return app


def build_for_runners(platform: Platform) -> FastAPI:
    """Return what the port for runners serves: nothing but what their tokens open."""
    app = FastAPI(
        title="Steersman for runners", version=__version__, openapi_url=None, telemetry=UNTRACED
    )
    app.state.platform = platform
    app.state.closing = asyncio.Event()
    problems.install(app)
    app.include_router(runner_api.router)
    app.add_middleware(ShortWays, ways=RUNNER_WAYS)
    app.add_middleware(Limits, most=platform.settings.body_limit)
    return app
