"""Requests that nobody sends by mistake: each is refused in words, and spoils nothing."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import json
import tarfile
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from steersman.server.answers import to_cursor
from steersman.server.limits import STREAMED
from steersman.server.platform import Platform
from tests.server.conftest import Repository
from tests.server.hostile import BODIES, Hostile, Route, hostile, last, prepared
from tests.server.kept import shop

# Some thousand requests in a test, beside everything else that a run of the tests does.
pytestmark = pytest.mark.timeout(400)
LIMIT = 2000
# Only as JSON reads: no text of Python's own would be these. First what a database may take amiss.
STORED = (
    "1e308",
    "-1",
    str(2**31),
    str(2**63),
    "null",
    '"\\u0000"',
    '"\\ud800"',
    '"' + "x" * 10_000 + '"',
)
VALUES = (
    *STORED,
    "NaN",
    "Infinity",
    "-Infinity",
    "-1e308",
    "1e999",
    str(2**64),
    "-" + "9" * 300,
    "9" * 5000,
    "true",
    "{}",
    "[[]]",
    '""',
    '"\\ud83e\\udd21"',
    "[" * 100_000,
    "[" * 900 + "]" * 900,
    '{"a":' * 400 + "0" + "}" * 400,
)
TEXTS = (
    "%00",
    "sh%00op",
    "%ED%A0%80",
    "%FF%FE",
    quote("\N{CLOWN FACE}\u202e"),
    "a" * 10_000,
    quote("../../../etc/passwd", safe=""),
    "%2e%2e",
    "%0d%0aX-Evil:%201",
    quote("'; DROP TABLE projects; --", safe=""),
    "-1",
    str(2**63),
    "9" * 400,
    "%",
    "\u0663",
)


@hostile
async def test_no_text_in_an_address_is_a_bug_of_ours(here: Hostile) -> None:
    for route in here.routes:
        if route.streams:
            continue
        for name in route.parameters("path"):
            for text in TEXTS:
                await here.ask(route, here.address(route, **{name: text}))
    await here.look_round()


@hostile
async def test_no_value_in_a_query_is_a_bug_of_ours(here: Hostile) -> None:
    more = ("nan", "inf", "-inf", "1e308", "true", "", "4", "9" * 5000)
    for route in here.routes:
        if route.streams:
            continue
        for name in set(route.parameters("query")) - {"follow", "wait"}:
            for text in (*TEXTS, *more):
                needed = "offset=8&" if name == "at" else ""
                await here.ask(route, f"{here.address(route)}?{needed}{name}={text}")
    await here.look_round()


def _changed(text: str, values: Iterable[str]) -> Iterator[str]:
    """Give *text*, a JSON, with each of its values replaced by each of the hostile *values*."""
    marker = "\ue000"
    for value in _with(json.loads(text), marker):
        for hostile_value in values:
            yield json.dumps(value, ensure_ascii=False).replace(f'"{marker}"', hostile_value)


def _with(value: Any, marker: str) -> Iterator[Any]:
    yield marker
    if isinstance(value, dict):
        yield {**value, marker: 1}
        for key, inner in value.items():
            yield from ({**value, key: each} for each in _with(inner, marker))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            for each in _with(inner, marker):
                yield [*value[:index], each, *value[index + 1 :]]


@hostile
async def test_no_value_in_a_body_is_a_bug_of_ours(here: Hostile) -> None:
    taking = [route for route in here.routes if route.name in BODIES]
    values = VALUES if here.shop.here.parts.store.url.startswith("sqlite") else STORED
    for route in sorted(taking, key=lambda each: last(each.path, each.method)):
        for body in _changed(here.body(route).decode(), values):
            await here.ask(route, content=body.encode())
        if route.path.startswith("/runner/"):
            await here.look_round()
    await here.look_round()


# What is read by hand, whatever it is said to be.
RAW = "PUT /runner/v1/tests"


def _taking(here: Hostile) -> list[Route]:
    return [route for route in here.routes if route.name in BODIES]


async def _piece_by_piece(body: bytes) -> AsyncIterator[bytes]:
    """Send a body without saying how long it is."""
    for start in range(0, len(body), 500):
        yield body[start : start + 500]


def test_a_body_that_is_a_byte_too_long_is_refused_though_nobody_said_its_length(
    platform: Platform, repository: Repository
) -> None:
    small = platform._replace(settings=platform.settings._replace(body_limit=LIMIT))

    async def tried() -> None:
        async with shop(small, repository) as opened:
            here = await prepared(opened)
            for route in _taking(here):
                assert not route.path.startswith(STREAMED)
                fits = here.body(route).ljust(LIMIT)
                answer = await here.ask(route, content=_piece_by_piece(fits))
                assert answer.status_code != 413, route.name
                answer = await here.ask(route, content=_piece_by_piece(fits + b" "))
                assert answer.status_code == 413, route.name
                assert answer.json()["detail"] == f"the body is larger than {LIMIT} bytes"

    asyncio.run(tried())


@hostile
async def test_a_body_that_is_compressed_is_not_understood(here: Hostile) -> None:
    for route in _taking(here):
        packed = gzip.compress(here.body(route))
        answer = await here.ask(route, content=packed, headers=[("Content-Encoding", "gzip")])
        assert answer.status_code in (400, 422), route.name


@hostile
async def test_a_body_that_is_said_to_be_no_json_is_not_read_as_such(here: Hostile) -> None:
    for route in _taking(here):
        for kind in ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded", "?"):
            answer = await here.ask(route, content=here.body(route), kind=kind)
            assert (answer.status_code == 422) is (route.name != RAW), (route.name, kind)


@hostile
async def test_a_body_that_is_cut_off_or_in_no_encoding_is_refused(here: Hostile) -> None:
    for route in _taking(here):
        whole = here.body(route)
        for body in (whole[:-1], b"\xff" + whole, b'{"a": "\xff"}', b"\0", whole + whole):
            answer = await here.ask(route, content=body)
            assert answer.status_code in (400, 422), (route.name, body[:20])


@hostile
async def test_of_a_key_that_comes_twice_the_last_counts(here: Hostile) -> None:
    create = next(each for each in here.routes if each.name == "POST /api/v1/users")
    answer = await here.ask(create, content=b'{"name": "first", "name": "second"}')
    assert answer.json()["name"] == "second"


def _cursors() -> Iterator[str]:
    values: tuple[Any, ...] = (
        True,
        1.5,
        None,
        {"a": 1},
        [],
        -1,
        2**63,
        2**64,
        "\0",
        "\ud800",
        "a" * 10_000,
    )
    for value in values:
        yield to_cursor(value)
    yield from ("%", "=", "====", "a", "%ED%A0%80")
    for text in (b"\xff", b"[" * 10_000, b"NaN", b"9" * 5000):
        yield base64.urlsafe_b64encode(text).decode()


@hostile
async def test_a_cursor_of_another_list_is_refused(here: Hostile) -> None:
    lists = [route for route in here.routes if "cursor" in route.parameters("query")]
    assert len(lists) >= 6
    for route in lists:
        of_ids = not route.path.endswith("/audit")
        other = to_cursor(7 if of_ids else here.attempt.id)
        answer = await here.ask(route, f"{here.address(route)}?cursor={other}")
        assert (answer.status_code, answer.json()["hint"]) == (400, "use `next` of the last answer")
        for cursor in _cursors():
            await here.ask(route, f"{here.address(route)}?cursor={cursor}")


HEADERS = (
    "Accept", "Cookie", "Idempotency-Key", "If-Match", "If-None-Match", "If-Range", "Last-Event-ID",
    "Origin", "Range", "X-GitHub-Event", "X-Forwarded-For", "Content-Type",
)  # fmt: skip


@hostile
async def test_no_header_is_a_bug_of_ours(here: Hostile) -> None:
    texts = (b"", b"\xff\xfe", b"x" * 10_000, b"bytes=" + b"9" * 5000 + b"-", b'"' * 99, b"-1")
    kept = ("/events", "/log/stream")
    for route in sorted(here.routes, key=lambda each: last(each.path, each.method)):
        if route.path.endswith(kept) or route.method == "DELETE":
            continue
        for text in texts:
            await here.ask(route, headers=[(name.encode(), text) for name in HEADERS])


@hostile
async def test_many_headers_change_nothing(here: Hostile) -> None:
    me = next(each for each in here.routes if each.path == "/api/v1/me")
    answer = await here.ask(me, headers=[(f"X-{number}", "x" * 50) for number in range(2000)])
    assert answer.status_code == 200


@hostile
async def test_a_token_that_is_none_opens_nothing(here: Hostile) -> None:
    me = next(each for each in here.routes if each.path == "/api/v1/me")
    here_admin = here.shop.here.admin
    wrong = (b"Bearer", b"Bearer \xff", b"Bearer " + b"a" * 10_000, b"Basic YTpi", b"Bearer a b c")
    for text in (*wrong, here_admin.encode(), b"Bearer " + here_admin[:-1].encode(), b"\0"):
        answer = await here.ask(me, token="", headers=[(b"Authorization", text)])
        assert answer.status_code == 401, text


RANGES = (
    ("bytes=-0", 416),
    ("bytes=999999999-", 416),
    ("bytes=" + "9" * 15 + "-", 416),
    ("bytes=" + "9" * 5000 + "-", 200),
    ("bytes=-", 200),
    ("bytes=--5", 200),
    ("bytes=a-b", 200),
    ("bytes=0-0" + ",0-0" * 1000, 200),
    ("bytes=\xb2-", 200),
    ("bytes=-" + "9" * 15, 206),
    ("bytes=0-" + "9" * 15, 206),
)


@hostile
async def test_a_range_that_makes_no_sense_gives_all_or_nothing(here: Hostile) -> None:
    artifact = here.real["artifacts"]["identity"]
    for path in (f"artifacts/{artifact}", f"attempts/{here.attempt.id}/log"):
        whole = (await here.shop.get(path)).content
        for asked, status in RANGES:
            answer = await here.shop.get(path, headers={"Range": asked.encode("latin-1")})
            assert answer.status_code == status, (path, asked[:30])
            assert answer.content == (b"" if status == 416 else whole)


@hostile
async def test_no_name_of_an_artifact_leads_out_of_its_folder(here: Hostile) -> None:
    names = ("../../etc/passwd", "/etc/passwd", "..", ".", "a/../../b", "~", "C:\\x", "-rf")
    for name in names:
        await here.attempt.leave(b"data", quote(name, safe="").replace(".", "%2E"))
    run = here.real["runs"]["identity"]
    answer = await here.shop.get(f"runs/{run}/artifacts.tar")
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        members = archive.getnames()
    assert len(members) == len(names) + 1
    for member in members:
        folder, _, file = member.partition("/")
        assert folder == "build-1"
        assert "/" not in file
        assert file.startswith("output-")


@hostile
async def test_no_path_leads_out_of_an_artifact(here: Hostile) -> None:
    artifact = here.real["artifacts"]["identity"]
    for path in ("../README", "/etc/passwd", "./../../README", "README/..", "%00", "a" * 10_000):
        answer = await here.shop.get(f"artifacts/{artifact}/files/{quote(path, safe='%')}")
        assert answer.status_code == 404, path


@hostile
async def test_a_method_that_does_not_work_is_refused_with_those_that_do(here: Hostile) -> None:
    for route in here.routes:
        does = {each.method for each in here.routes if each.path == route.path}
        for method in {"GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} - does:
            answer = await here.ask(route._replace(method=method), here.address(route), content=b"")
            if method == "GET" and "/runs/" in route.path:
                # As it stands, it might be the address of a run.
                assert answer.status_code in (404, 405)
                continue
            assert answer.status_code == 405, (method, route.path)
            assert answer.headers["allow"] in answer.json()["detail"]
