"""A shop with one of everything, and every route of the API asked as somebody who wishes it ill.

What can be asked is read from the API's own description, so that a new route is tried as well.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, NoReturn

import httpx2
import pytest

from steersman.server import runner_api, worker_api
from steersman.server.platform import Platform
from tests.server.conftest import Repository, application
from tests.server.kept import Attempt, Shop, shop, tar

ZEROS, ONES = "0" * 40, "1" * 40
# One fitting body for each route that takes JSON.
BODIES: dict[str, Any] = {
    "POST /api/v1/attempts/{identity}/shell": {"columns": 80, "rows": 24},
    "PUT /api/v1/shells/{identity}/resize": {"columns": 80, "rows": 24},
    "POST /runner/v1/shell": {"runner": "r", "wait": 0.0},
    "POST /api/v1/projects": {
        "name": "new",
        "repository": "https://example.com/a.git",
        "settings": {"weight": 1, "notify": [], "retention": {}, "pools": ["a"]},
        "credentials": {"user": "a", "password": "b"},
        "default_branch": "main",
    },
    "PATCH /api/v1/projects/{name}": {
        "forge": "github",
        "default_branch": "main",
        "settings": {"weight": 2.5, "pool": "a"},
        "credentials": {"key": "k"},
    },
    "POST /api/v1/projects/{name}/triggers": {
        "kind": "api",
        "branch": "main",
        "commit": ONES,
        "before": ONES,
        "target": "ship",
        "deploy_target": "x",
        "variables": {"A": "b"},
    },
    "PATCH /api/v1/artifacts/{identity}": {"expires_in": 5.0},
    "POST /api/v1/runs/{identity}/retry": {"jobs": ["build"]},
    "POST /api/v1/runs/{identity}/approve": {"job": "build"},
    "POST /api/v1/runs/{identity}/decline": {"job": "build"},
    "PUT /api/v1/projects/{name}/secrets/{secret}": {
        "value": "v",
        "pipelines": ["build"],
        "branches": ["main"],
        "events": ["push"],
    },
    "POST /api/v1/projects/{name}/schedules": {
        "name": "hourly",
        "target": "ship",
        "spec": {"cron": "H * * * *", "jitter": "5m", "overlap": {"queue": 3}},
    },
    "PATCH /api/v1/projects/{name}/schedules/{schedule}": {
        "target": "ship",
        "spec": {"cron": "H 4 * * *", "catch-up": "none"},
    },
    "POST /api/v1/projects/{name}/schedules/{schedule}/trigger": {"reason": "now"},
    "POST /api/v1/projects/{name}/schedules/{schedule}/pause": {
        "reason": "holidays",
        "until": "2030-01-01T00:00:00Z",
    },
    "POST /api/v1/projects/{name}/schedules/{schedule}/backfill": {
        "since": "2026-01-01",
        "until": "2026-01-03",
        "reason": "lost",
        "dry_run": False,
    },
    "POST /api/v1/projects/{name}/webhook-secret": {"secret": "a" * 20},
    "POST /api/v1/hooks/git/{name}": {
        "updates": [{"old": ZEROS, "new": ONES, "ref": "refs/heads/main"}],
        "pusher": "ada",
    },
    "POST /api/v1/users": {"name": "bob", "email": "bob@example.com", "admin": False},
    "PATCH /api/v1/users/{name}": {"email": "g@example.com", "admin": False, "disabled": False},
    "POST /api/v1/tokens": {
        "name": "t",
        "kind": "personal",
        "scopes": ["read"],
        "expires_in": 60,
        "project": "shop",
    },
    "PUT /api/v1/projects/{name}/members/{user}": {"role": "viewer"},
    "POST /api/v1/login": {"name": "guest", "password": "wrong"},
    "POST /api/v1/login/token": {"token": "wrong"},
    "POST /worker/v1/lease": {
        "worker": "v",
        "pools": ["default"],
        "capabilities": ["a"],
        "slots": 0,
        "take": 0,
        "wait": 0.0,
        "version": "1",
        "holds": ["x"],
    },
    "POST /worker/v1/renew": {
        "worker": "w",
        "held": [{"attempt": "ID", "lease": 1, "phase": "running", "placed": True, "note": "n"}],
        "adopt": ["x"],
    },
    "POST /worker/v1/report": {
        "attempt": "ID",
        "lease": 99,
        "kind": "lost",
        "reason": "runner-gone",
        "message": "m",
    },
    "POST /runner/v1/started": {"runner": "r", "where": "here"},
    "POST /runner/v1/heartbeat": {"runner": "r", "wait": 0.0},
    "POST /runner/v1/steps": {
        "runner": "r",
        "steps": [
            {
                "number": 1,
                "name": "a",
                "phase": "steps",
                "state": "passed",
                "began": 1.0,
                "log_start": 0,
                "seconds": 1.5,
                "exit_code": 0,
                "message": "m",
                "log_stop": 4,
                "memory": 5,
                "cpu": 0.5,
            }
        ],
    },
    "PUT /runner/v1/tests": {
        "totals": {"passed": 1, "seconds": 0.5},
        "cases": [["suite", "name", 0.5, "passed", "m"]],
    },
    # Longer than the log is, so that the attempt goes on.
    "POST /runner/v1/record": {
        "runner": "r",
        "state": "failed",
        "log_size": 10**6,
        "reason": "step-failed",
        "message": "m",
        "log": {"offset": 0, "at": 1.0, "data": "bG9n"},
    },
}


class Route(NamedTuple):
    """What can be asked, by whom, and what its parameters are called."""

    method: str
    path: str
    said: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def parameters(self, place: str) -> list[str]:
        return [each["name"] for each in self.said.get("parameters", ()) if each["in"] == place]

    @property
    def streams(self) -> bool:
        return self.path.endswith("/log/stream") or self.path == "/api/v1/events"


def routes_of(parts: Platform) -> list[Route]:
    """Return all that is described."""
    described = application(parts).openapi()["paths"]
    return [
        Route(method.upper(), path, said)
        for path, methods in described.items()
        for method, said in methods.items()
    ]


class Hostile(NamedTuple):
    """A shop with one of everything, and somebody who wishes it ill."""

    shop: Shop
    attempt: Attempt
    routes: list[Route]
    real: dict[str, dict[str, str]]

    def address(self, route: Route, **other: str) -> str:
        """Return the address at which the route finds something, but for what is *other*."""
        names = {"name": "shop", "project": "shop", "user": "guest", "forge": "github"}
        names |= {"path": "README", "owner": "steersman", "version": "1.0.0", "kind": "output"}
        for part in route.path.split("/"):
            names |= self.real.get(part, {})
        path = route.path
        for name in route.parameters("path"):
            path = path.replace(f"{{{name}}}", other.get(name, names[name]))
        return path

    def token(self, route: Route) -> str:
        here = self.shop.here
        whose = {"worker": here.worker, "runner": self.attempt.token}
        return whose.get(route.path.split("/")[1], here.admin)

    async def ask(
        self, route: Route, path: str = "", token: str | None = None, **more: Any
    ) -> httpx2.Response:
        """Ask as whom the route is for, or by *token*, and look at how it answers."""
        if route.name in BODIES and "content" not in more:
            more["content"] = self.body(route)
        given = self.token(route) if token is None else token
        headers = [("Authorization", f"Bearer {given}")] if given else []
        if route.name in BODIES:
            headers.append(("Content-Type", more.pop("kind", "application/json")))
        sent = self.shop.here.http.request(
            route.method,
            path or self.address(route),
            headers=[*headers, *more.pop("headers", [])],
            **more,
        )
        answer = await asyncio.wait_for(sent, 20)
        check(answer)
        return answer

    def body(self, route: Route) -> bytes:
        return json.dumps(BODIES[route.name]).replace('"ID"', f'"{self.attempt.id}"').encode()

    async def look_round(self) -> None:
        """Read everything: what was sent before may have spoilt it."""
        for route in self.routes:
            if route.method == "GET" and not route.streams:
                await self.ask(route)


def check(answer: httpx2.Response) -> None:
    """Every error is a problem in words and none is ours; whatever is JSON, every JSON reads."""
    asked = f"{answer.request.method} {str(answer.request.url)[:300]}"
    told = f"{asked}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, told
    if answer.status_code >= 400 and answer.status_code != 416:
        assert answer.headers["content-type"] == "application/problem+json", told
        said = answer.json()
        assert said["status"] == answer.status_code, told
        assert len(said["detail"]) in range(3, 3000), told
    elif answer.headers.get("content-type") == "application/json":
        json.loads(answer.content, parse_constant=_no_json)


def _no_json(text: str) -> NoReturn:
    raise AssertionError(f"{text} is no JSON")


async def prepared(opened: Shop) -> Hostile:
    """Let there be one of everything."""
    attempt = await opened.push()
    await attempt.say("PUT", "log?offset=0", content=b"one\ntwo\n")
    artifact = await attempt.leave(tar({"README": b"a shop\n"}))
    await attempt.say("PUT", "cache", content=tar({"kept": b"1"}))
    cache = (await opened.get("projects/shop/caches")).json()["items"][0]["id"]
    await opened.call("PUT", "projects/shop/secrets/KEY", json={"value": "x"})
    await opened.call("POST", "users", json={"name": "guest"})
    token = (await opened.call("POST", "workers/tokens/spare")).json()["id"]
    schedule = {"name": "nightly", "target": "ship", "spec": {"cron": "0 3 * * *"}}
    await opened.call("POST", "projects/shop/schedules", json=schedule)
    run = (await opened.get("runs")).json()["items"][0]["id"]
    trigger = await opened.call("POST", "projects/shop/triggers", json={"branch": "main"})
    real = {
        "runs": {"identity": run},
        "attempts": {"identity": attempt.id},
        "artifacts": {"identity": artifact, "kind": "output", "name": "other"},
        "caches": {"identity": cache},
        "shells": {"identity": cache},
        "outbox": {"identity": cache},
        "deliveries": {"identity": cache},
        "triggers": {"identity": trigger.json()["id"]},
        "tokens": {"identity": token, "name": "spare"},
        "users": {"name": "guest"},
        "workers": {"name": "w"},
        "secrets": {"secret": "KEY"},
        "schedules": {"schedule": "nightly"},
        "steps": {"name": "step"},
    }
    return Hostile(opened, attempt, routes_of(opened.here.parts), real)


def last(path: str, method: str) -> tuple[bool, bool, bool]:
    """Sort by this, to end and remove things when nothing else is to be tried with them."""
    ends = path.endswith(("/record", "/cancel", "/decline"))
    return ends, method == "DELETE", path.endswith("/projects/{name}")


Test = Callable[[Hostile], Awaitable[None]]


def hostile(test: Test) -> Callable[[Platform, Repository], None]:
    """Make a test, on each database, of what somebody tries who wishes us ill."""

    def run(platform_on: Platform, repository: Repository) -> None:
        async def tried() -> None:
            async with shop(platform_on, repository) as opened:
                await test(await prepared(opened))

        with pytest.MonkeyPatch.context() as patch:
            # Whoever asks to wait gets it; nobody here shall.
            patch.setattr(worker_api, "LONGEST_WAIT", 0.001)
            patch.setattr(runner_api, "LONGEST_WAIT", 0.001)
            asyncio.run(tried())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
