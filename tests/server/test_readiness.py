"""Whether a server wants requests, and what it says where something is away."""

from __future__ import annotations

import asyncio

import httpx2

from steersman.core.errors import Unavailable
from steersman.server.platform import Platform
from steersman.server.readiness import Readiness
from tests.server.conftest import URL, application


class Door:
    """A door that answers as it is told, once it is opened."""

    def __init__(self, *, away: bool = False, hangs: bool = False) -> None:
        self.away = away
        self.asked = 0
        self.opened = asyncio.Event()
        if not hangs:
            self.opened.set()

    async def check(self) -> None:
        self.asked += 1
        await self.opened.wait()
        if self.away:
            raise Unavailable("it is away")


async def _answer(parts: Platform, readiness: Readiness | None = None) -> tuple[int, str]:
    app = application(parts)
    if readiness is not None:
        app.state.readiness = readiness
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=URL) as http:
        answer = await http.get("/readyz")
    return answer.status_code, answer.text


def test_a_server_is_ready_while_its_doors_answer(platform_on: Platform) -> None:
    assert asyncio.run(_answer(platform_on)) == (200, "ready\n")


def test_blobs_that_are_away_are_said_and_take_no_server_out(platform: Platform) -> None:
    async def tried() -> tuple[int, str]:
        return await _answer(platform, Readiness(Door(), Door(away=True)))

    assert asyncio.run(tried()) == (200, "ready, but not whole: it is away\n")


def test_without_its_store_a_server_wants_no_requests(platform: Platform) -> None:
    async def tried() -> tuple[int, str]:
        return await _answer(platform, Readiness(Door(away=True), Door()))

    status, text = asyncio.run(tried())
    assert status == 503
    assert "it is away" in text


def test_a_store_that_hangs_is_asked_once_however_many_probes_come() -> None:
    async def tried() -> None:
        door = Door(hangs=True)
        readiness = Readiness(door, Door(), patience=0.0)
        for _ in range(5):
            found = await readiness.look()
            assert not found.ready
            assert "did not answer" in found.words
        assert door.asked == 1
        door.opened.set()
        assert any([(await readiness.look()).ready for _ in range(10)])

    asyncio.run(tried())
