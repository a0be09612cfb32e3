"""What the API says of itself: it is true, whole, and nothing it allows is a bug of ours.

`FUZZ_EXAMPLES=500` tries each route that often; without it a few examples each must do.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import httpx2
import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from steersman.server import app as apps
from steersman.server.platform import Platform
from tests.server.conftest import URL, Repository, application
from tests.server.hostile import Hostile, Route, check, hostile, last, prepared
from tests.server.kept import shop

pytestmark = pytest.mark.timeout(400)
"""Each asks every route there is, many times."""
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0")) or max(2, settings().max_examples // 50)
PATIENCE = 20.0
WHO = ("admin", "worker", "runner")
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
# Who comes here has no token yet, or proves by a signature who they are.
OPEN = {
    "GET /api/v1/login",
    "POST /api/v1/login",
    "POST /api/v1/login/token",
    "GET /api/v1/login/oidc",
    "GET /api/v1/login/oidc/callback",
    "POST /api/v1/hooks/{forge}/{name}",
}
# It ends the session that asks, whatever that may do otherwise.
OWN = {"POST /api/v1/logout"}


def _json_routes(here: Hostile) -> list[Route]:
    return [each for each in here.routes if each.path.startswith("/api/v1/")]


def _changing(here: Hostile) -> list[Route]:
    """Return the routes that change something for somebody else; those that remove last."""
    found = [each for each in _json_routes(here) if each.method != "GET"]
    mine = [each for each in found if each.name not in OPEN | OWN]
    return sorted(mine, key=lambda each: last(each.path, each.method))


async def _noted(here: Hostile) -> list[Any]:
    return list((await here.shop.get("audit?limit=200")).json()["items"])


def test_every_route_there_is_is_described(platform: Platform) -> None:
    described = application(platform).openapi()["paths"]
    there = {
        (method.lower(), apps.API + route.path.replace(":path}", "}"))
        for router in apps.PARTS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    found = {
        (method, path)
        for path, methods in described.items()
        if path.startswith(apps.API)
        for method in methods
    }
    assert found == there
    assert len(found) > 60


def test_the_description_is_valid_and_says_something_of_every_route(platform: Platform) -> None:
    document = application(platform).openapi()
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()
    said = [each for methods in document["paths"].values() for each in methods.values()]
    for each in said:
        assert each["summary"], each
        assert len(each["description"]) > 10, each
        assert len(each["tags"]) == 1, each
    names = [each["operationId"] for each in said]
    assert len(set(names)) == len(names)


def test_the_description_says_which_routes_need_a_token(platform: Platform) -> None:
    document = application(platform).openapi()
    schemes = document["components"]["securitySchemes"]
    assert {(each["type"], each["scheme"]) for each in schemes.values()} == {("http", "bearer")}
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            name = f"{method.upper()} {path}"
            scheme = "attempt" if path.startswith("/runner/") else "token"
            needs = path.startswith(("/api/", "/worker/", "/runner/")) and name not in OPEN
            assert said.get("security", []) == ([{scheme: []}] if needs else []), name


@hostile
async def test_nothing_of_the_api_opens_without_a_token(here: Hostile) -> None:
    tried = [each for each in here.routes if not each.path.startswith("/api/v1/")]
    doors = [each for each in tried if each.path.startswith(("/worker/", "/runner/"))]
    for route in [*_json_routes(here), *doors]:
        if route.name not in OPEN:
            answer = await here.ask(route, token="")
            assert answer.status_code == 401, route.name
            assert answer.headers["www-authenticate"] == "Bearer"


@hostile
async def test_a_viewer_of_another_project_changes_nothing(here: Hostile) -> None:
    eve = await here.shop.person("eve", None, "read", "trigger", "write", "admin")
    other = {"name": "other", "repository": "https://example.com/other.git"}
    await here.shop.call("POST", "projects", json=other)
    role = {"role": "viewer"}
    made = await here.shop.call("PUT", "projects/other/members/eve", json=role)
    assert made.status_code == 201
    before = await _noted(here)
    for route in _changing(here):
        answer = await here.ask(route, token=eve)
        assert answer.status_code in (403, 404), route.name
    assert await _noted(here) == before


@hostile
async def test_a_token_for_reading_changes_nothing_though_it_is_an_admins(here: Hostile) -> None:
    wanted = {"name": "reader", "scopes": ["read"]}
    token = (await here.shop.call("POST", "tokens", json=wanted)).json()["token"]
    before = await _noted(here)
    for route in _changing(here):
        answer = await here.ask(route, token=token)
        # Nobody has opened a shell, so there is none to be refused.
        allowed = (403, 404) if "/shells/" in route.path else (403,)
        assert answer.status_code in allowed, route.name
    assert await _noted(here) == before


@hostile
async def test_a_token_opens_no_door_of_others(here: Hostile) -> None:
    admin, worker, runner = here.shop.here.admin, here.shop.here.worker, here.attempt.token
    wrong = {"api": (runner, 401), "worker": (admin, 403), "runner": (worker, 401)}
    for route in here.routes:
        first = route.path.split("/")[1]
        if first in wrong and route.name not in OPEN:
            token, status = wrong[first]
            assert (await here.ask(route, token=token)).status_code == status, route.name
    for route in _changing(here):
        assert (await here.ask(route, token=worker)).status_code in (403, 404), route.name


class Prepared(NamedTuple):
    """A shop in which there is one of everything, and the loop it lives on."""

    loop: asyncio.Runner
    here: Hostile

    def send(self, request: httpx2.Request) -> httpx2.Response:
        sent = self.here.shop.here.http.send(request)
        return self.loop.run(asyncio.wait_for(sent, PATIENCE))


@pytest.fixture
def opened(platform_on: Platform, repository: Repository) -> Iterator[Prepared]:
    async def begin(stack: AsyncExitStack) -> Hostile:
        return await prepared(await stack.enter_async_context(shop(platform_on, repository)))

    with asyncio.Runner() as loop:
        stack = AsyncExitStack()
        yield Prepared(loop, loop.run(begin(stack)))
        loop.run(stack.aclose())


def _bounded(value: Any) -> Any:
    """Let nobody wait for long: a number of seconds, as it may be, is none at all."""
    if isinstance(value, dict) and isinstance(value.get("wait"), int | float):
        return {**value, "wait": type(value["wait"])()}
    return value


def _query(case: Case[Any]) -> list[tuple[str, Any]]:
    return [
        (name, str(each))
        for name, value in (case.query or {}).items()
        for each in (value if isinstance(value, list | tuple) else [value])
        if name not in ("follow", "wait")
    ]


def _request(case: Case[Any], address: str, token: str) -> httpx2.Request:
    """Return what *case* asks, at *address* if there is one."""
    said = case.as_transport_kwargs(base_url=URL)
    body = said.get("data", b"")
    if "json" in said:
        body = json.dumps(_bounded(said["json"])).encode()
    headers = [
        (name.encode("latin-1", "replace"), str(value).encode("utf-8", "replace"))
        for name, value in said["headers"].items()
        if name.lower() not in ("authorization", "content-length", "host")
    ]
    return httpx2.Request(
        said["method"],
        URL + address if address else said["url"],
        params=_query(case) or None,
        headers=[*headers, (b"Authorization", b"Bearer " + token.encode())],
        content=body.encode("utf-8", "replace") if isinstance(body, str) else body,
    )


def _try(opened: Prepared, operation: Any, route: Route, mode: GenerationMode) -> None:
    real, token = opened.here.address(route), opened.here.token(route)

    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.sampled_from([True, True, False]))
    def tried(case: Case[Any], hits: bool) -> None:
        check(opened.send(_request(case, real if hits else "", token)))

    try:
        tried()
    except Unsatisfiable:
        # Where everything fits, nothing can be made that does not.
        assert mode is GenerationMode.NEGATIVE, operation.label


def _whose(path: str) -> str:
    """Return who a route is for: those of nobody else are the admin's."""
    first = path.split("/")[1]
    return first if first in WHO else "admin"


@pytest.mark.parametrize("who", WHO)
def test_nothing_that_is_described_is_a_bug_of_ours(opened: Prepared, who: str) -> None:
    document = application(opened.here.shop.here.parts).openapi()
    schema = schemathesis.openapi.from_dict(document)
    mine = [each for each in opened.here.routes if _whose(each.path) == who and not each.streams]
    assert len(mine) >= 3
    for route in sorted(mine, key=lambda each: last(each.path, each.method)):
        for mode in MODES:
            _try(opened, schema[route.path][route.method], route, mode)
    opened.loop.run(opened.here.look_round())
