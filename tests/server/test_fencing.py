"""Who was replaced is refused at every door, and green is said by the record alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx2
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select

from steersman.server import app as apps
from steersman.server import runner_api, worker_api
from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.tables import attempts
from tests.server.conftest import Repository, Site, site

FILE = "box: busybox\nbuild:\n  steps: [{script: {code: echo}}]\n"
STEP = {"number": 1, "name": "s", "phase": "main", "state": "running", "began": 1.0, "log_start": 0}
# Every route of a runner, and a request that its own runner may make.
REQUESTS: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/runner/v1/started"): {"json": {"runner": "r"}},
    ("POST", "/runner/v1/heartbeat"): {"json": {"runner": "r", "wait": 0.0}},
    ("PUT", "/runner/v1/log"): {"params": {"offset": 0}, "content": b"late\n"},
    ("POST", "/runner/v1/steps"): {"json": {"runner": "r", "steps": [STEP]}},
    ("GET", "/runner/v1/source"): {},
    ("GET", "/runner/v1/cache"): {},
    ("PUT", "/runner/v1/cache"): {"content": b"cache"},
    ("PUT", "/runner/v1/artifacts/{kind}/{name:path}"): {"content": b"made"},
    ("PUT", "/runner/v1/tests"): {"json": {"totals": {}, "cases": []}},
    ("GET", "/runner/v1/steps/{owner}/{name}"): {},
    ("POST", "/runner/v1/record"): {"json": {"runner": "r", "state": "succeeded", "log_size": 0}},
}
NOT_PUBLISHED = ("GET", "/runner/v1/steps/{owner}/{name}")
RECORD = ("POST", "/runner/v1/record")
PARAMETERS = {"{kind}": "output", "{name:path}": "output", "{owner}": "o", "{name}": "n"}
NAMES_ITS_RUNNER = [key for key, more in REQUESTS.items() if "runner" in more.get("json", {})]


class Granted(NamedTuple):
    """An attempt as it was given to a worker."""

    here: Site
    id: str
    lease: int
    token: str

    async def ask(self, route: tuple[str, str], **changes: Any) -> httpx2.Response:
        """Make the request of *route* by the token of this attempt."""
        method, path = route
        for name, value in PARAMETERS.items():
            path = path.replace(name, value)
        return await self.here.call(method, path, token=self.token, **REQUESTS[route] | changes)

    async def record(self, runner: str = "r", state: str = "succeeded", size: int = 0) -> Any:
        said = {"runner": runner, "state": state, "log_size": size}
        return await self.ask(RECORD, json=said)

    async def append(self, offset: int, data: bytes) -> httpx2.Response:
        route = ("PUT", "/runner/v1/log")
        return await self.ask(route, params={"offset": offset}, content=data)

    async def begin(self, runner: str = "r") -> None:
        answer = await self.ask(("POST", "/runner/v1/started"), json={"runner": runner})
        assert answer.status_code == 200, answer.text

    async def lost(self) -> None:
        """Let the worker say that this attempt's runner is gone, before it ever spoke."""
        said = {"attempt": self.id, "lease": self.lease, "kind": "lost"}
        answer = await self.here.call("POST", "/worker/v1/report", said, token=self.here.worker)
        assert answer.json() == {"hearing": "news"}


async def granted(here: Site) -> Granted:
    """Lease the next attempt."""
    says = {"worker": "w", "pools": ["default"], "capabilities": [], "slots": 9, "take": 1}
    answer = await here.call("POST", "/worker/v1/lease", {**says, "wait": 5.0}, token=here.worker)
    [given] = answer.json()["granted"]
    return Granted(here, given["attempt"], given["lease"], given["token"])


@asynccontextmanager
async def begun(parts: Platform, repository: Repository, times: int = 1) -> AsyncIterator[Site]:
    """Let a project have runs whose one job waits in the queue."""
    repository.commit({"wercker.yml": FILE})
    async with site(parts) as here:
        wanted = {"name": "shop", "repository": str(repository.folder)}
        assert (await here.call("POST", "/api/v1/projects", wanted)).status_code == 201
        for _ in range(times):
            asked = {"kind": "push", "branch": "main"}
            await here.call("POST", "/api/v1/projects/shop/triggers", asked)
        await here.plan()
        yield here


async def everything(parts: Platform) -> list[dict[str, Any]]:
    """Return all attempts as they are stored."""

    def load(tx: Transaction) -> list[dict[str, Any]]:
        return [dict(row) for row in tx.all(select(attempts).order_by(attempts.c.id))]

    return await parts.store.read(load)


async def run_state(here: Site, number: int = 1) -> str:
    return str((await here.call("GET", f"/api/v1/runs/shop/{number}")).json()["state"])


def routes(prefix: str) -> set[tuple[str, str]]:
    """Return every route of the API for runners or workers."""
    router = {"runner": runner_api, "worker": worker_api}[prefix].router
    return {
        (method, route.path)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }


def test_every_route_of_a_runner_is_in_this_file() -> None:
    assert routes("runner") == set(REQUESTS)


Check = Callable[[Platform, Repository], Awaitable[None]]


@pytest.fixture
def run(platform: Platform, repository: Repository) -> Callable[[Check], None]:
    """Run a coroutine over a server on SQLite."""
    import asyncio

    return lambda check: asyncio.run(check(platform, repository))  # type: ignore[arg-type]


async def _living(parts: Platform, repository: Repository, route: tuple[str, str]) -> None:
    async with begun(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        answer = await mine.ask(route)
        assert answer.status_code == 404 if route == NOT_PUBLISHED else answer.is_success


async def _replaced(parts: Platform, repository: Repository, route: tuple[str, str]) -> None:
    async with begun(parts, repository) as here:
        first = await granted(here)
        await first.lost()
        second = await granted(here)
        await second.begin("second")
        before = await everything(parts)
        answer = await first.ask(route)
        if route == RECORD:
            assert answer.json() == {"hearing": "fenced"}
        else:
            assert (answer.status_code, answer.json().get("hint")) == (409, "stop"), answer.text
        assert await everything(parts) == before
        assert (await here.call("GET", "/api/v1/runs/shop/1/artifacts")).json()["items"] == []


@pytest.mark.parametrize("route", REQUESTS, ids=" ".join)
def test_a_route_is_open_to_the_runner_of_the_newest_attempt(
    run: Callable[[Any], None], route: tuple[str, str]
) -> None:
    run(lambda parts, repository: _living(parts, repository, route))


@pytest.mark.parametrize("route", REQUESTS, ids=" ".join)
def test_a_route_is_closed_to_the_first_attempt_once_the_second_began(
    run: Callable[[Any], None], route: tuple[str, str]
) -> None:
    run(lambda parts, repository: _replaced(parts, repository, route))


async def _late_log(parts: Platform, repository: Repository, size: int) -> None:
    async with begun(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        assert (await mine.append(0, b"kept\n")).json() == {"size": 5}
        assert (await mine.record(size=5)).json() == {"hearing": "news"}
        before = await everything(parts)
        for offset in (0, 5, 9):
            answer = await mine.append(offset, b"x" * size)
            assert (answer.status_code, answer.json().get("hint")) == (409, "stop"), offset
        assert await everything(parts) == before
        kept = await here.call("GET", f"/api/v1/attempts/{mine.id}/log")
        assert kept.content == b"kept\n"


@pytest.mark.parametrize("size", [20, 40_000])
def test_nothing_is_added_to_the_log_of_an_attempt_that_has_ended(
    run: Callable[[Any], None], size: int
) -> None:
    run(lambda parts, repository: _late_log(parts, repository, size))


async def _second_runner(parts: Platform, repository: Repository) -> None:
    async with begun(parts, repository) as here:
        mine = await granted(here)
        await mine.begin("first")
        before = await everything(parts)
        assert len(NAMES_ITS_RUNNER) == 4
        for route in NAMES_ITS_RUNNER:
            said = {**REQUESTS[route]["json"], "runner": "second"}
            answer = await mine.ask(route, json=said)
            refused = answer.status_code == 409 and answer.json()["hint"] == "stop"
            assert refused or answer.json() == {"hearing": "fenced"}, route
        assert await everything(parts) == before
        assert await run_state(here) == "running"


def test_a_second_runner_of_one_attempt_is_refused(run: Callable[[Any], None]) -> None:
    run(_second_runner)


async def _again(parts: Platform, repository: Repository) -> None:
    async with begun(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        assert (await mine.record()).json() == {"hearing": "news"}
        before = await everything(parts)
        assert (await mine.record()).json() == {"hearing": "known"}
        assert (await mine.record(state="failed")).json() == {"hearing": "known"}
        assert (await mine.record(runner="other")).json() == {"hearing": "fenced"}
        assert await everything(parts) == before
        assert await run_state(here) == "succeeded"


def test_succeeded_twice_is_once_and_no_later_word_changes_it(run: Callable[[Any], None]) -> None:
    run(_again)


async def _not_whole(parts: Platform, repository: Repository) -> None:
    async with begun(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        await mine.append(0, b"12345")
        answer = await mine.record(size=10)
        assert answer.status_code == 409
        assert "only 5 of 10 bytes" in answer.json()["detail"]
        assert await run_state(here) == "running"
        assert (await mine.append(7, b"890")).status_code == 409, "a gap is refused"
        await mine.append(5, b"67890")
        assert (await mine.record(size=10)).json() == {"hearing": "news"}
        assert await run_state(here) == "succeeded"


def test_a_record_waits_until_the_log_is_whole(run: Callable[[Any], None]) -> None:
    run(_not_whole)


async def _no_record(parts: Platform, repository: Repository) -> None:
    async with begun(parts, repository) as here:
        for left in (2, 1, 0):
            mine = await granted(here)
            await mine.append(0, b"all done\n")
            done = {**STEP, "state": "succeeded"}
            await mine.ask(("POST", "/runner/v1/steps"), json={"runner": "r", "steps": [done]})
            await mine.lost()
            state = await run_state(here)
            assert state == ("running" if left else "errored")


def test_a_runner_that_ends_without_a_record_is_never_green(run: Callable[[Any], None]) -> None:
    run(_no_record)


def _open_to_all(route: APIRoute) -> bool:
    """Tell whether a route asks for no bearer token: by what it depends on."""
    found, names = [route.dependant], set()
    while found:
        each = found.pop()
        names.add(getattr(each.call, "__name__", ""))
        found += each.dependencies
    return "caller" not in names


async def _elsewhere(parts: Platform, repository: Repository) -> None:
    async with begun(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        asked = [
            (method, route.path)
            for route in _all_routes()
            if not route.path.startswith("/runner/") and not _open_to_all(route)
            for method in route.methods
        ]
        assert len(asked) > 50
        for method, path in asked:
            answer = await here.call(method, _filled(path, mine.id), token=mine.token, json={})
            # Some look at the body first: then nothing was opened either.
            assert answer.status_code in (401, 422), f"{method} {path}: {answer.text}"


def _all_routes() -> list[APIRoute]:
    routers = [*apps.PARTS, worker_api.router]
    found = [route for router in routers for route in router.routes]
    return [route for route in found if isinstance(route, APIRoute)]


def _filled(path: str, attempt: str) -> str:
    base = "" if path.startswith("/worker") else apps.API
    words = path.replace("{identity:path}", "shop/1").replace("{identity}", attempt)
    words = words.replace("{path:path}", "x").replace("{name}", "shop")
    return base + "".join("x" if "{" in part else part for part in _parts(words))


def _parts(path: str) -> list[str]:
    return [part for piece in path.split("{") for part in _named(piece)]


def _named(piece: str) -> list[str]:
    name, closed, rest = piece.partition("}")
    return ["{", rest] if closed else [name]


def test_the_token_of_an_attempt_opens_nothing_but_what_is_for_runners(
    run: Callable[[Any], None],
) -> None:
    run(_elsewhere)


async def _worker_elsewhere(parts: Platform, repository: Repository) -> None:
    async with begun(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        before = await everything(parts)
        for method, path in REQUESTS:
            answer = await mine._replace(token=here.worker).ask((method, path))
            assert answer.status_code == 401, path
        for route in _all_routes():
            if route.path.startswith("/worker/") or _open_to_all(route):
                continue
            for method in route.methods:
                path = _filled(route.path, mine.id)
                answer = await here.call(method, path, token=here.worker, json={})
                seen = f"{method} {path}: {answer.status_code} {answer.text}"
                assert answer.status_code >= 400 or _is_empty(answer), seen
        assert await everything(parts) == before


def _is_empty(answer: httpx2.Response) -> bool:
    """Tell whether a list that everybody may ask for holds nothing for this one."""
    return bool(answer.json().get("items") == [])


def test_the_token_of_a_worker_opens_nothing_of_people_and_of_runners(
    run: Callable[[Any], None],
) -> None:
    run(_worker_elsewhere)


async def _another(parts: Platform, repository: Repository) -> None:
    async with begun(parts, repository, times=2) as here:
        mine, other = await granted(here), await granted(here)
        await mine.begin("r")
        await other.begin("other")
        await mine.append(0, b"mine\n")
        await mine.ask(("PUT", "/runner/v1/artifacts/{kind}/{name:path}"))
        await mine.record(size=5)
        assert await run_state(here, 1) == "succeeded"
        assert await run_state(here, 2) == "running"
        log = await here.call("GET", f"/api/v1/attempts/{other.id}/log")
        assert log.content == b""
        left = await here.call("GET", "/api/v1/runs/shop/2/artifacts")
        assert left.json()["items"] == []
        forged = mine.token.replace(mine.id, other.id)
        answer = await other._replace(token=forged).ask(RECORD)
        assert answer.status_code == 401
        assert await run_state(here, 2) == "running"


def test_an_attempt_changes_nothing_of_another_one(run: Callable[[Any], None]) -> None:
    run(_another)
