"""The short way answers just as the framework does, and leaves to it whatever it does not know."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send
from typing_extensions import TypedDict

from steersman.core.errors import Conflict
from steersman.server.platform import Platform
from steersman.server.short_ways import ShortWays, way
from steersman.wire import strict
from tests.server.conftest import Repository, site

LEASE = {
    "worker": "one", "pools": ["default"], "capabilities": [], "slots": 1, "take": 1, "wait": 0.0,
}  # fmt: skip
ADMIN, WORKER, ATTEMPT, NOBODY = "admin", "worker", "attempt", "nobody"
ASKED: tuple[tuple[str, str, Any], ...] = (
    (WORKER, "/worker/v1/lease", LEASE),
    (WORKER, "/worker/v1/lease", LEASE | {"slots": "1"}),
    (WORKER, "/worker/v1/lease", LEASE | {"wait": 0}),
    (WORKER, "/worker/v1/lease", LEASE | {"more": 1}),
    (WORKER, "/worker/v1/lease", {"worker": "one"}),
    (WORKER, "/worker/v1/lease", LEASE | {"worker": ""}),
    (WORKER, "/worker/v1/lease", [LEASE]),
    (WORKER, "/worker/v1/lease", None),
    (ADMIN, "/worker/v1/lease", LEASE),
    (NOBODY, "/worker/v1/lease", LEASE),
    (ATTEMPT, "/worker/v1/lease", LEASE),
    (WORKER, "/worker/v1/renew", {"worker": "one", "held": [], "adopt": []}),
    (WORKER, "/worker/v1/renew", {"worker": "one", "held": [], "adopt": ["x"]}),
    (ATTEMPT, "/runner/v1/started", {"runner": "r"}),
    (WORKER, "/runner/v1/started", {"runner": "r"}),
    (NOBODY, "/runner/v1/heartbeat", {"runner": "r", "wait": 0.0}),
    (ADMIN, "/api/v1/projects/shop/triggers", {"kind": "push", "branch": "main"}),
    (ADMIN, "/api/v1/projects/shop/triggers", {"kind": "odd"}),
    (ADMIN, "/api/v1/projects/shop/triggers", {"commit": "x"}),
    (ADMIN, "/api/v1/projects/none/triggers", {}),
    (WORKER, "/api/v1/projects/shop/triggers", {}),
    (NOBODY, "/api/v1/projects/shop/triggers", {}),
)


@pytest.mark.parametrize(("who", "path", "body"), ASKED)
def test_both_ways_give_the_same_answer(
    platform: Platform, repository: Repository, who: str, path: str, body: Any
) -> None:
    async def scene() -> None:
        async with site(platform) as here:
            project = {"name": "shop", "repository": str(repository.folder)}
            assert (await here.call("POST", "/api/v1/projects", project)).status_code == 201
            token = {ADMIN: here.admin, WORKER: here.worker, ATTEMPT: "steer_att_x"}.get(who, "")
            found = []
            # The framework knows that both are JSON; the short way takes only the first.
            for kind in ("application/json", "application/json; charset=utf-8"):
                headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
                content = json.dumps(body)
                found.append(await here.http.post(path, content=content, headers=headers))
            short, long = found
            assert short.status_code == long.status_code
            assert short.headers["content-type"] == long.headers["content-type"]
            assert _same(short.json()) == _same(long.json())

    asyncio.run(scene())


def _same(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs between any two requests."""
    return {name: value for name, value in answer.items() if name != "id"}


@strict
class Asked(TypedDict):
    """What the function below is asked."""

    number: int


async def double(body: Asked, more: int = 0) -> dict[str, int]:
    if body["number"] < 0:
        raise Conflict("it is negative")
    return {"double": 2 * body["number"] + more}


async def behind(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand for the framework: answer with the body."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message.get("more_body", False)
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": body})


def asked(method: str, path: str, content: bytes, kind: str = "application/json") -> Any:
    app = ShortWays(behind, [("POST", "/double", way(double))])

    async def scene() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as http:
            headers = {"Content-Type": kind}
            return await http.request(method, path, content=content, headers=headers)

    return asyncio.run(scene())


def test_a_request_as_described_takes_the_short_way() -> None:
    answer = asked("POST", "/double?more=1", b'{"number": 4}')
    assert (answer.status_code, answer.json()) == (200, {"double": 9})


def test_an_error_of_ours_is_answered_in_words() -> None:
    answer = asked("POST", "/double", b'{"number": -4}')
    assert (answer.status_code, answer.json()["detail"]) == (409, "it is negative")


@pytest.mark.parametrize(
    ("method", "path", "content", "kind"),
    [
        ("PUT", "/double", b'{"number": 4}', "application/json"),
        ("POST", "/double/", b'{"number": 4}', "application/json"),
        ("POST", "/double", b'{"number": 4}', "text/plain"),
        ("POST", "/double", b'{"number": "4"}', "application/json"),
        ("POST", "/double", b'{"number": 4, "more": 1}', "application/json"),
        ("POST", "/double", b'{"number": 4', "application/json"),
        ("POST", "/double", b"", "application/json"),
        ("POST", "/double?more=x", b'{"number": 4}', "application/json"),
    ],
)
def test_every_other_goes_on_as_it_came(method: str, path: str, content: bytes, kind: str) -> None:
    answer = asked(method, path, content, kind)
    assert (answer.status_code, answer.content) == (299, content)


def test_a_function_whose_arguments_come_from_elsewhere_has_no_short_way() -> None:
    async def function(body: dict[str, int]) -> None:
        raise AssertionError

    with pytest.raises(TypeError, match="body comes from elsewhere"):
        way(function)
