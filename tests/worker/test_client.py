"""What a client makes of answers and of silence."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

from steersman.cli.installing import certificates
from steersman.client import MOST_SAID, Away, Client, InConflict, Patience, patiently
from steersman.core.errors import (
    Forbidden,
    NotFound,
    Refused,
    SteersmanError,
    Unavailable,
    Unknown,
    UserError,
)
from tests.worker.answering import Answer, serving

T = TypeVar("T")


Asked = Callable[[Answer, Callable[[Client], Awaitable[Any]]], Any]


def by_library(answer: Answer, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do *work* with a client of the library, whose server answers so."""

    async def whole() -> T:
        transport = httpx2.MockTransport(answer)
        async with Client("http://ci.test/base/", "secret", transport=transport) as client:
            return await work(client)

    return asyncio.run(whole())


def by_light(answer: Answer, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do *work* with a light client, at a real port where somebody answers so."""

    async def whole() -> T:
        async with serving(answer) as port:
            address = f"http://127.0.0.1:{port}/base/"
            async with Client(address, "secret", light=True) as client:
                return await work(client)

    return asyncio.run(whole())


@pytest.fixture(params=[by_library, by_light])
def asked(request: pytest.FixtureRequest) -> Any:
    """Return what does some work with a client of each kind."""
    return request.param


def says(status: int, body: Any = None, **headers: str) -> Answer:
    return lambda request: httpx2.Response(status, json=body, headers=headers)


def test_a_call_sends_json_below_the_base_address_with_the_token(asked: Asked) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert str(request.url) == "http://ci.test/base/worker/v1/lease"
        assert request.headers["authorization"] == "Bearer secret"
        assert request.headers["content-type"] == "application/json"
        return httpx2.Response(200, json={"heard": json.loads(request.content)})

    found = asked(answer, lambda client: client.call("POST", "/worker/v1/lease", {"take": 1}))
    assert found == {"heard": {"take": 1}}


def test_an_empty_answer_is_none(asked: Asked) -> None:
    assert asked(lambda request: httpx2.Response(204), lambda c: c.call("GET", "/")) is None


ERRORS = [
    (400, UserError),
    (401, Unknown),
    (403, Forbidden),
    (404, NotFound),
    (409, InConflict),
    (413, Refused),
    (422, UserError),
    (429, Away),
    (500, Away),
    (503, Away),
]


@pytest.mark.parametrize(("status", "kind"), ERRORS)
def test_a_problem_is_told_in_the_server_s_words(
    asked: Asked, status: int, kind: type[SteersmanError]
) -> None:
    problem = {"status": status, "title": "no", "detail": "not so", "hint": "do it thus"}
    with pytest.raises(kind, match="not so") as caught:
        asked(says(status, problem), lambda client: client.call("GET", "/x"))
    assert type(caught.value) is kind
    assert caught.value.hint == "do it thus"


def test_a_redirection_is_refused_as_the_token_must_not_wander(asked: Asked) -> None:
    answer = says(301, None, location="https://other.test/")
    with pytest.raises(Refused, match=r"https://other\.test/"):
        asked(answer, lambda client: client.call("GET", "/x"))


def test_a_conflict_carries_the_whole_answer(asked: Asked) -> None:
    with pytest.raises(InConflict) as caught:
        asked(says(409, {"detail": "a gap", "size": 7}), lambda client: client.call("PUT", "/log"))
    assert caught.value.said["size"] == 7


@pytest.mark.parametrize(
    ("text", "expected"), [("2", 2.0), ("999999", 30.0), ("Wed, 21 Oct 2026", None), ("", None)]
)
def test_when_to_try_again_is_taken_from_the_answer(
    asked: Asked, text: str, expected: float | None
) -> None:
    with pytest.raises(Away) as caught:
        asked(says(503, None, **{"retry-after": text}), lambda client: client.call("GET", "/"))
    assert caught.value.after == expected


@pytest.mark.parametrize("body", ["<html>", "[]", "null"])
def test_an_error_that_is_no_problem_still_has_words(asked: Asked, body: str) -> None:
    with pytest.raises(UserError, match="the server answers with 400"):
        asked(lambda r: httpx2.Response(400, text=body), lambda client: client.call("GET", "/"))


def test_an_answer_that_is_no_json_is_no_answer(asked: Asked) -> None:
    with pytest.raises(Away, match="no JSON"):
        asked(lambda r: httpx2.Response(200, text="<html>"), lambda c: c.call("GET", "/"))


FAULTS = [
    httpx2.ConnectError("refused"),
    httpx2.ReadTimeout("slow"),
    httpx2.RemoteProtocolError("cut"),
    httpx2.ReadError(""),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_fault_of_the_connection_is_worth_another_try(asked: Asked, fault: Exception) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise fault

    with pytest.raises(Away, match=r"GET http.*/base/x: "):
        asked(answer, lambda client: client.send("GET", "/x"))


def test_an_answer_without_end_is_refused(asked: Asked) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=bytes(MOST_SAID + 1))

    with pytest.raises(Refused, match="larger"):
        asked(answer, lambda client: client.send("GET", "/x"))


def test_a_download_comes_piece_by_piece(asked: Asked) -> None:
    async def work(client: Client) -> bytes:
        async with client.stream("GET", "/blob") as download:
            return b"".join([piece async for piece in download.pieces])

    assert asked(lambda r: httpx2.Response(200, content=b"abc"), work) == b"abc"


def test_a_download_that_is_cut_is_worth_another_try(asked: Asked) -> None:
    class Cut(httpx2.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b"ab"
            raise httpx2.ReadError("cut")

    async def work(client: Client) -> list[bytes]:
        async with client.stream("GET", "/blob") as download:
            return [piece async for piece in download.pieces]

    with pytest.raises(Away, match=r"GET http.*/base/blob: "):
        asked(lambda r: httpx2.Response(200, stream=Cut()), work)


def test_what_goes_wrong_with_a_reader_is_none_of_the_connection_s_faults(asked: Asked) -> None:
    async def work(client: Client) -> None:
        async with client.stream("GET", "/blob"):
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        asked(lambda r: httpx2.Response(200, content=b"abc"), work)


def test_what_is_sent_piece_by_piece_arrives_whole(asked: Asked) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(100_000)

    async def work(client: Client) -> bytes:
        return (await client.send("PUT", "/blob", pieces())).body

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=str(len(request.content)).encode())

    # The transport of tests wants the whole body to be read first.
    assert asked is by_library or asked(answer, work) == b"300000"


def test_requests_follow_each_other_and_may_be_many_at_once(asked: Asked) -> None:
    async def work(client: Client) -> list[Any]:
        first = [await client.call("POST", "/x", {"n": n}) for n in range(3)]
        return first + await asyncio.gather(*(client.call("POST", "/x", n) for n in range(9)))

    found = asked(lambda r: httpx2.Response(200, json=json.loads(r.content)), work)
    assert found == [{"n": n} for n in range(3)] + list(range(9))


HEADERS: dict[str, dict[str, str]] = {"/kept": {}, "/closed": {"connection": "close"}}


def test_a_light_client_uses_a_connection_again_unless_it_was_closed() -> None:
    async def work() -> list[int]:
        found = []
        async with (
            serving(lambda r: httpx2.Response(200, headers=HEADERS[r.url.path])) as port,
            Client(f"http://127.0.0.1:{port}", "secret", light=True) as client,
        ):
            for path in ("/kept", "/closed", "/kept"):
                await client.send("GET", path)
                found.append(len(client._carrier._idle))  # type: ignore[attr-defined]
        return found

    assert asyncio.run(work()) == [1, 0, 1]


def test_a_light_client_trusts_the_ca_it_was_given_and_no_other(tmp_path: Path) -> None:
    made = certificates.make(["localhost"], datetime.now(UTC))
    (tmp_path / "tls").write_text(made.key + made.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls")

    async def work(ca: str | None) -> bytes:
        async with serving(lambda r: httpx2.Response(200, content=b"abc"), context) as port:
            address = f"https://localhost:{port}"
            async with Client(address, "secret", ca=ca, light=True) as client:
                return (await client.send("GET", "/")).body

    assert asyncio.run(work(made.authority)) == b"abc"
    with pytest.raises(Away, match="certificate"):
        asyncio.run(work(None))


def test_a_token_that_no_header_can_carry_is_refused() -> None:
    with pytest.raises(UserError):
        Client("http://ci.test", "se\ncret", light=True)


def test_a_light_client_gives_way_where_a_proxy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    client = Client("https://ci.test", "secret", light=True)
    assert type(client._carrier).__name__ == "Library"


@pytest.mark.parametrize("light", [True, False])
@pytest.mark.parametrize("address", ["ci.example.com", "ftp://x", "", "http://[::1"])
def test_what_is_no_address_is_refused_before_anything_is_sent(address: str, light: bool) -> None:
    with pytest.raises(UserError):
        Client(address, "secret", light=light)


class Time:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, chance: float = 1.0) -> Patience:
        return Patience(self.sleep, lambda: chance, lambda: self.now, first=1.0, most=4.0)


def failing(*errors: Exception) -> Callable[[], Awaitable[str]]:
    left: Iterator[Exception] = iter(errors)

    async def work() -> str:
        for error in left:
            raise error
        return "done"

    return work


def test_pauses_grow_up_to_a_bound_and_chance_makes_them_uneven() -> None:
    assert [Time().patience().pause(tries) for tries in (1, 2, 3, 4, 99)] == [1, 2, 4, 4, 4]
    assert Time().patience(chance=0.0).pause(2) == 1.0


def test_work_is_done_again_until_it_succeeds() -> None:
    time = Time()
    work = failing(Unavailable("x"), Away("y", after=9.0))
    assert asyncio.run(patiently(work, pause=time.patience(), give_up_after=None)) == "done"
    assert time.slept == [1.0, 9.0]


def test_patience_ends_with_the_last_error() -> None:
    time = Time()
    work = failing(*(Unavailable(f"{n}") for n in range(9)))
    with pytest.raises(Unavailable, match="3"):
        asyncio.run(patiently(work, pause=time.patience(), give_up_after=8.0))
    assert time.slept == [1.0, 2.0, 4.0]


def test_what_is_refused_is_not_tried_again() -> None:
    time = Time()
    with pytest.raises(Refused):
        asyncio.run(patiently(failing(Refused("no")), pause=time.patience(), give_up_after=None))
    assert time.slept == []
