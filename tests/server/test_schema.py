"""The whole API against requests made from its own description, fitting and unfitting ones.

`FUZZ_EXAMPLES=500` tries each route that often; without it a few examples each must do.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from steersman.server import app as apps
from steersman.server.platform import Platform
from tests.server.conftest import URL, Repository
from tests.server.kept import Attempt, Shop, shop, tar

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0")) or settings().max_examples // 25
PATIENCE = 20.0
# These answer for as long as somebody listens.
ENDLESS = {"/api/v1/events", "/api/v1/attempts/{identity}/log/stream"}
NAMES = {"name": "shop", "project": "shop", "user": "guest", "forge": "github", "path": "README"}
WHO = ("admin", "worker", "runner")
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


class Prepared(NamedTuple):
    """A shop in which there is one of everything, and the loop it lives on."""

    loop: asyncio.Runner
    shop: Shop
    attempt: Attempt
    known: dict[str, dict[str, str]]

    def tokens(self) -> dict[str, str]:
        here = self.shop.here
        return {"admin": here.admin, "worker": here.worker, "runner": self.attempt.token}

    def send(self, request: httpx2.Request) -> httpx2.Response:
        return self.loop.run(asyncio.wait_for(self.shop.here.http.send(request), PATIENCE))


async def _prepared(opened: Shop) -> tuple[Attempt, dict[str, dict[str, str]]]:
    """Let there be one of everything, and return what it is called in addresses."""
    attempt = await opened.push()
    await attempt.say("PUT", "log?offset=0", content=b"one\ntwo\n")
    artifact = await attempt.leave(tar({"README": b"a shop\n"}))
    await attempt.say("PUT", "cache", content=tar({"kept": b"1"}))
    cache = (await opened.get("projects/shop/caches")).json()["items"][0]["id"]
    await opened.call("PUT", "projects/shop/secrets/KEY", json={"value": "x"})
    await opened.call("POST", "users", json={"name": "guest"})
    token = (await opened.call("POST", "workers/tokens/spare")).json()["id"]
    run = (await opened.get("runs")).json()["items"][0]
    trigger = await opened.call("POST", "projects/shop/triggers", json={"branch": "main"})
    return attempt, {
        "runs": {"identity": run["id"]},
        "attempts": {"identity": attempt.id},
        "artifacts": {"identity": artifact},
        "caches": {"identity": cache},
        "triggers": {"identity": trigger.json()["id"]},
        "tokens": {"identity": token, "name": "spare"},
        "users": {"name": "guest"},
        "workers": {"name": "w"},
        "secrets": {"secret": "KEY"},
        "runner": {"kind": "output", "owner": "steersman", "name": "output"},
    }


@pytest.fixture
def prepared(platform_on: Platform, repository: Repository) -> Iterator[Prepared]:
    with asyncio.Runner() as loop:
        stack = AsyncExitStack()
        opened = loop.run(stack.enter_async_context(shop(platform_on, repository)))
        yield Prepared(loop, opened, *loop.run(_prepared(opened)))
        loop.run(stack.aclose())


def _real(path: str, known: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return parameters under which the route finds something."""
    found = dict(NAMES)
    for part in path.split("/"):
        found |= known.get(part, {})
    return found


def _bounded(value: Any) -> Any:
    """Let nobody wait for long: a number of seconds, as it may be, is none at all."""
    if isinstance(value, dict) and isinstance(value.get("wait"), int | float):
        return {**value, "wait": type(value["wait"])()}
    return value


def _query(case: Case) -> list[tuple[str, str]]:
    pairs = []
    for name, value in (case.query or {}).items():
        for each in value if isinstance(value, list | tuple) else [value]:
            if name not in ("follow", "wait"):
                pairs.append((name, str(each)))
    return pairs


def _request(case: Case, path: dict[str, str], token: str) -> httpx2.Request:
    said = case.as_transport_kwargs(base_url=URL)
    url = said["url"]
    if path:
        filled = case.operation.path
        for name, value in path.items():
            filled = filled.replace(f"{{{name}}}", quote(value))
        url = URL + filled
    body = said.get("data", b"")
    if "json" in said:
        body = json.dumps(_bounded(said["json"])).encode()
    headers = [
        (name.encode("latin-1", "replace"), str(value).encode("utf-8", "replace"))
        for name, value in said["headers"].items()
        if name.lower() not in ("authorization", "content-length", "host")
    ]
    headers.append((b"Authorization", b"Bearer " + token.encode()))
    content = body.encode("utf-8", "replace") if isinstance(body, str) else body
    return httpx2.Request(
        said["method"], url, params=_query(case) or None, headers=headers, content=content
    )


def check(answer: httpx2.Response) -> None:
    """Every error is a problem in words, and none is ours."""
    told = f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:500]}"
    assert answer.status_code < 500, told
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", told
        said = answer.json()
        assert said["status"] == answer.status_code, told
        assert said["detail"], told


def _order(operation: Any) -> int:
    """Remove things when nothing else is to be tried with them; the whole project last."""
    path, method = operation.path, operation.method.upper()
    ends = path.endswith(("/record", "/cancel", "/decline"))
    return 2 * (method == "DELETE") + ends + 2 * path.endswith("/projects/{name}")


def _try(prepared: Prepared, operation: Any, mode: GenerationMode, token: str) -> None:
    real = _real(operation.path, prepared.known)

    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.sampled_from([True, True, False]))
    def tried(case: Case, hits: bool) -> None:
        named = real if hits and "{" in operation.path else {}
        check(prepared.send(_request(case, named, token)))

    try:
        tried()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label


@pytest.mark.parametrize("who", WHO)
def test_nothing_that_is_asked_is_a_bug_of_ours(prepared: Prepared, who: str) -> None:
    document = apps.build(prepared.shop.here.parts).openapi()
    schema = schemathesis.openapi.from_dict(document)
    operations = [each.ok() for each in schema.get_all_operations()]
    mine = [each for each in operations if each.path not in ENDLESS and _whose(each.path) == who]
    assert len(mine) >= 3
    for operation in sorted(mine, key=_order):
        for mode in MODES:
            try:
                _try(prepared, operation, mode, prepared.tokens()[who])
            except AssertionError as e: print('FOUND', str(e)[:400].replace(chr(10),' '))
    assert 0


def _whose(path: str) -> str:
    """Return who a route is for: those of nobody else are the admin's."""
    first = path.split("/")[1]
    return first if first in WHO else "admin"
