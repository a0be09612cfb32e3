"""Who was replaced is refused at every door, and green is said by the record alone."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from steersman.server import app as apps
from steersman.server import runner_api, worker_api
from steersman.server.platform import Platform
from tests.platform.faults import Granted, everything, granted, queued, run_state
from tests.server.conftest import Repository

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
    ("POST", "/runner/v1/shell"): {"json": {"runner": "r", "wait": 0.0}},
    ("GET", "/runner/v1/shells/{identity}/input"): {},
    ("PUT", "/runner/v1/shells/{identity}/output"): {"content": b"printed"},
    ("POST", "/runner/v1/record"): {"json": {"runner": "r", "state": "succeeded", "log_size": 0}},
}
# What these ask for is not there, in these tests.
ABSENT = {
    ("GET", "/runner/v1/steps/{owner}/{name}"): 404,
    ("GET", "/runner/v1/shells/{identity}/input"): 409,
    ("PUT", "/runner/v1/shells/{identity}/output"): 409,
}
RECORD = ("POST", "/runner/v1/record")
STEPS = ("POST", "/runner/v1/steps")
ARTIFACT = ("PUT", "/runner/v1/artifacts/{kind}/{name:path}")
PARAMETERS = {
    "{kind}": "output",
    "{name:path}": "output",
    "{owner}": "o",
    "{name}": "n",
    "{identity}": "0" * 26,
}
NAMES_ITS_RUNNER = [key for key, more in REQUESTS.items() if "runner" in more.get("json", {})]


async def ask(mine: Granted, route: tuple[str, str], **changes: Any) -> httpx2.Response:
    """Make the request of *route* by the token of *mine*."""
    method, path = route
    for name, value in PARAMETERS.items():
        path = path.replace(name, value)
    return await mine.ask(method, path, **REQUESTS[route] | changes)


def test_every_route_of_a_runner_is_in_this_file() -> None:
    found = [route for route in runner_api.router.routes if isinstance(route, APIRoute)]
    assert {(method, each.path) for each in found for method in each.methods or ()} == set(REQUESTS)


Check = Callable[[Platform, Repository], Awaitable[None]]


@pytest.fixture
def run(platform: Platform, repository: Repository) -> Callable[[Check], None]:
    """Run a coroutine over a server on SQLite."""
    return lambda check: asyncio.run(check(platform, repository))  # type: ignore[arg-type]


async def _living(parts: Platform, repository: Repository) -> None:
    async with queued(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        assert list(REQUESTS)[-1] == RECORD, "it ends the attempt"
        for route in REQUESTS:
            answer = await ask(mine, route)
            if route in ABSENT:
                assert answer.status_code == ABSENT[route], (route, answer.text)
                assert answer.json().get("hint") != "stop"
            else:
                assert answer.is_success, (route, answer.text)
        assert await run_state(here) == "succeeded"


def test_every_route_is_open_to_the_runner_of_the_newest_attempt(
    run: Callable[[Any], None],
) -> None:
    run(_living)


async def _replaced(parts: Platform, repository: Repository) -> None:
    async with queued(parts, repository) as here:
        first = await granted(here)
        await first.lost()
        second = await granted(here)
        await second.begin("second")
        before = await everything(parts)
        for route in REQUESTS:
            answer = await ask(first, route)
            if route == RECORD:
                assert answer.json() == {"hearing": "fenced"}
            else:
                seen = (answer.status_code, answer.json().get("hint"))
                assert seen == (409, "stop"), (route, answer.text)
            assert await everything(parts) == before, route
        assert (await here.call("GET", "/api/v1/runs/shop/1/artifacts")).json()["items"] == []
        assert (await here.call("GET", "/api/v1/projects/shop/caches")).json()["items"] == []
        assert await run_state(here) == "running"


def test_every_route_is_closed_to_the_first_attempt_once_the_second_began(
    run: Callable[[Any], None],
) -> None:
    run(_replaced)


async def _late_log(parts: Platform, repository: Repository, size: int) -> None:
    async with queued(parts, repository) as here:
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
    async with queued(parts, repository) as here:
        mine = await granted(here)
        await mine.begin("first")
        before = await everything(parts)
        assert len(NAMES_ITS_RUNNER) == 5
        for route in NAMES_ITS_RUNNER:
            said = {**REQUESTS[route]["json"], "runner": "second"}
            answer = await ask(mine, route, json=said)
            refused = answer.status_code == 409 and answer.json()["hint"] == "stop"
            assert refused or answer.json() == {"hearing": "fenced"}, route
        assert await everything(parts) == before
        assert await run_state(here) == "running"


def test_a_second_runner_of_one_attempt_is_refused(run: Callable[[Any], None]) -> None:
    run(_second_runner)


async def _again(parts: Platform, repository: Repository) -> None:
    async with queued(parts, repository) as here:
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
    async with queued(parts, repository) as here:
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


async def _rest_with_it(parts: Platform, repository: Repository) -> None:
    async with queued(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        await mine.append(0, b"12345")
        done = {**STEP, "state": "succeeded"}
        said = {"runner": "r", "state": "succeeded", "log_size": 8, "steps": [done]}
        before = await everything(parts)
        for offset, text in ((6, b"78"), (0, b"1234567"), (5, b"")):
            piece = {"offset": offset, "at": 1.0, "data": base64.b64encode(text).decode()}
            answer = await ask(mine, RECORD, json=said | {"log": piece})
            assert answer.status_code == 409, answer.text
            assert await everything(parts) == before
        piece = {"offset": 3, "at": 1.0, "data": base64.b64encode(b"45678").decode()}
        strange = said | {"runner": "other", "log_size": 0, "log": piece}
        assert (await ask(mine, RECORD, json=strange)).json() == {"hearing": "fenced"}
        assert await everything(parts) == before
        assert (await ask(mine, RECORD, json=said | {"log": piece})).json() == {"hearing": "news"}
        kept = [each async for each in parts.logs.read(mine.id)]
        assert b"".join(kept) == b"12345678"
        after = await everything(parts)
        assert (await ask(mine, RECORD, json=said | {"log": piece})).json() == {"hearing": "known"}
        assert await everything(parts) == after


def test_the_last_of_a_log_comes_with_its_record_or_not_at_all(run: Callable[[Any], None]) -> None:
    run(_rest_with_it)


async def _no_record(parts: Platform, repository: Repository) -> None:
    async with queued(parts, repository) as here:
        for left in (2, 1, 0):
            mine = await granted(here)
            await mine.append(0, b"all done\n")
            done = {**STEP, "state": "succeeded"}
            await ask(mine, STEPS, json={"runner": "r", "steps": [done]})
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
    return "known" not in names


async def _elsewhere(parts: Platform, repository: Repository, whose: str, status: int) -> None:
    async with queued(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        token = mine.token if whose == "attempt" else here.worker
        doors = _for_people() + (_of(worker_api.router) if whose == "attempt" else [])
        before = await everything(parts)
        assert len(doors) > 50
        for method, path in doors:
            answer = await here.call(method, _filled(path, mine.id), token=token, json={})
            assert answer.status_code == status, f"{method} {path}: {answer.text}"
        assert await everything(parts) == before


def _for_people() -> list[tuple[str, str]]:
    """Return what asks people for a token."""
    return [(method, f"{apps.API}{path}") for each in apps.PARTS for method, path in _of(each)]


def _of(router: APIRouter) -> list[tuple[str, str]]:
    return [
        (method, route.path)
        for route in router.routes
        if isinstance(route, APIRoute) and not _open_to_all(route)
        for method in sorted(route.methods or ())
    ]


def _filled(path: str, attempt: str) -> str:
    words = path.replace("{identity:path}", "shop/1").replace("{identity}", attempt)
    return re.sub(r"{[^}]*}", "shop", words)


@pytest.mark.parametrize(("whose", "status"), [("attempt", 401), ("worker", 403)])
def test_a_token_opens_nothing_that_it_is_not_for(
    run: Callable[[Any], None], whose: str, status: int
) -> None:
    run(lambda parts, repository: _elsewhere(parts, repository, whose, status))


async def _not_for_runners(parts: Platform, repository: Repository) -> None:
    async with queued(parts, repository) as here:
        mine = await granted(here)
        await mine.begin()
        before = await everything(parts)
        for token in (here.worker, here.admin, "", "steer_att_x"):
            for route in REQUESTS:
                assert (await ask(mine._replace(token=token), route)).status_code == 401, route
        assert await everything(parts) == before


def test_no_other_token_opens_what_is_for_runners(run: Callable[[Any], None]) -> None:
    run(_not_for_runners)


async def _another(parts: Platform, repository: Repository) -> None:
    async with queued(parts, repository, times=2) as here:
        mine, other = await granted(here), await granted(here)
        await mine.begin("r")
        await other.begin("other")
        await mine.append(0, b"mine\n")
        await ask(mine, ARTIFACT)
        await mine.record(size=5)
        assert await run_state(here, 1) == "succeeded"
        assert await run_state(here, 2) == "running"
        log = await here.call("GET", f"/api/v1/attempts/{other.id}/log")
        assert log.content == b""
        left = await here.call("GET", "/api/v1/runs/shop/2/artifacts")
        assert left.json()["items"] == []
        forged = mine.token.replace(mine.id, other.id)
        answer = await ask(other._replace(token=forged), RECORD)
        assert answer.status_code == 401
        assert await run_state(here, 2) == "running"


def test_an_attempt_changes_nothing_of_another_one(run: Callable[[Any], None]) -> None:
    run(_another)
