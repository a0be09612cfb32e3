"""The mailbox by what a runner and a laptop see of it, over real connections."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from steersman.client import Away, Client, InConflict
from steersman.core.errors import NotFound, Unknown
from steersman.runner.mailbox import http
from steersman.runner.mailbox.box import Box, Kept
from steersman.runner.mailbox.for_laptop import HEADER, ForLaptop, digest
from steersman.runner.mailbox.for_runner import ForRunner

TOKEN, KEY = "the-runner", "the-laptop"
STEP = {"number": 1, "name": "a", "phase": "main", "state": "running", "began": 1.0, "log_start": 0}


class Sides(NamedTuple):
    """A mailbox, and who speaks to it."""

    box: Box
    runner: Client
    laptop: httpx2.AsyncClient
    stranger: Client

    async def put(self, name: str, what: Any) -> None:
        answer = await self.laptop.post(f"/laptop/v1/{name}", json=what)
        assert answer.status_code == 200, answer.text

    async def news(self, log: int = 0, seen: int = 0, wait: float = 0.0) -> dict[str, Any]:
        asked = {"log": str(log), "seen": str(seen), "wait": str(wait)}
        answer = await self.laptop.get("/laptop/v1/news", params=asked)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def log(self, offset: int, data: bytes) -> int:
        answer = await self.runner.send("PUT", f"/runner/v1/log?offset={offset}&at=1", data)
        return int(httpx2.Response(200, content=answer.body).json()["size"])


def port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def between(folder: Path, work: Callable[[Sides], Awaitable[None]]) -> None:
    """Do *work* with a mailbox on *folder*."""

    async def whole() -> None:
        box = Box(folder, time.monotonic)
        inner = await http.serve(ForRunner(box, TOKEN), "127.0.0.1", 0)
        outer = await http.serve(ForLaptop(box, digest(KEY)), "127.0.0.1", 0)
        here = f"http://127.0.0.1:{port(inner)}"
        async with (
            Client(here, TOKEN) as runner,
            Client(here, KEY) as stranger,
            httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{port(outer)}", headers={HEADER: KEY}, timeout=30
            ) as laptop,
        ):
            await work(Sides(box, runner, laptop, stranger))
        for each in (inner, outer):
            each.close()

    asyncio.run(whole())


def test_nobody_is_answered_who_does_not_show_the_key_of_their_side(tmp_path: Path) -> None:
    async def work(sides: Sides) -> None:
        for shown in ({}, {HEADER: "guessed"}, {HEADER: TOKEN}, {HEADER: digest(KEY)}):
            fresh = httpx2.AsyncClient(base_url=str(sides.laptop.base_url), headers=shown)
            async with fresh:
                for path in ("news?log=0&seen=0", "kept/0", "anything"):
                    assert (await fresh.get(f"/laptop/v1/{path}")).status_code == 401
                assert (await fresh.post("/laptop/v1/cancel", json={"why": "x"})).status_code == 401
        with pytest.raises(Unknown):
            await sides.stranger.call("POST", "/runner/v1/started", {"runner": "r"})
        assert sides.box.cancel is None

    between(tmp_path, work)


def test_a_runner_that_is_early_waits_for_its_job(tmp_path: Path) -> None:
    async def work(sides: Sides) -> None:
        waiting = asyncio.ensure_future(
            sides.runner.call("POST", "/runner/v1/started", {"runner": "r"})
        )
        await sides.news()
        assert not waiting.done()
        await sides.put("job", {"attempt": "a1", "cache": False})
        assert (await waiting)["attempt"] == "a1"
        assert (await sides.runner.send("GET", "/runner/v1/cache")).status == 204

    between(tmp_path, work)


def test_what_the_laptop_brings_arrives_as_it_was(tmp_path: Path) -> None:
    whole = bytes(range(256)) * 9000

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(whole), 70_001):
            yield whole[at : at + 70_001]

    async def work(sides: Sides) -> None:
        await sides.put("job", {"cache": True})
        for name in ("source", "cache"):
            await sides.laptop.post(f"/laptop/v1/{name}", content=pieces())
            assert (await sides.runner.send("GET", f"/runner/v1/{name}")).body == whole

    between(tmp_path, work)


def test_a_source_of_which_half_came_is_not_delivered(tmp_path: Path) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        raise ConnectionResetError

    async def work(sides: Sides) -> None:
        with pytest.raises(ConnectionResetError):
            await sides.laptop.post("/laptop/v1/source", content=half())
        assert not sides.box.came("source").exists()

    between(tmp_path, work)


def test_each_byte_of_the_log_is_kept_once_and_none_is_left_out(tmp_path: Path) -> None:
    async def work(sides: Sides) -> None:
        assert await sides.log(0, b"hello ") == 6
        assert await sides.log(0, b"hello ") == 6
        with pytest.raises(InConflict) as refused:
            await sides.log(10, b"later")
        assert refused.value.said["size"] == 6
        assert await sides.log(3, b"lo world") == 11
        assert await sides.log(0, b"") == 11
        news = await sides.news(log=4)
        assert base64.b64decode(news["log"]) == b"o world"
        assert news["log_size"] == 11

    between(tmp_path, work)


def test_the_laptop_hears_at_once_what_it_waits_for(tmp_path: Path) -> None:
    async def work(sides: Sides) -> None:
        waiting = asyncio.ensure_future(sides.news(wait=20))
        await sides.runner.call("POST", "/runner/v1/steps", {"runner": "r", "steps": [STEP]})
        news = await waiting
        assert news["steps"] == [STEP]
        again = asyncio.ensure_future(sides.news(seen=news["seen"], wait=20))
        await sides.log(0, b"x")
        assert (await again)["steps"] == []

    between(tmp_path, work)


def test_a_runner_hears_of_notes_and_of_a_cancellation_while_it_waits(tmp_path: Path) -> None:
    note = {"kind": "pulling", "container": "box", "text": "pulling busybox"}

    async def work(sides: Sides) -> None:
        said: dict[str, Any] = {"runner": "r", "wait": 20.0, "notes": []}
        beat = asyncio.ensure_future(sides.runner.call("POST", "/runner/v1/heartbeat", said))
        await sides.put("notes", {"notes": [note]})
        assert await beat == {"cancel": None, "notes": [note]}
        said["notes"] = [note]
        beat = asyncio.ensure_future(sides.runner.call("POST", "/runner/v1/heartbeat", said))
        await sides.put("cancel", {"why": "interrupted"})
        await sides.put("cancel", {"why": "once more"})
        assert (await beat)["cancel"] == "interrupted"

    between(tmp_path, work)


def test_what_the_runner_leaves_comes_home_as_it_was(tmp_path: Path) -> None:
    async def work(sides: Sides) -> None:
        for path, body in (
            ("artifacts/output/output?files=1", b"first"),
            ("artifacts/report/my%2Fstep-1", b"report"),
            ("artifacts/output/output?files=1", b"output" * 100_000),
            ("cache", b"cache"),
        ):
            await sides.runner.send("PUT", f"/runner/v1/{path}", body)
        kept = [tuple(each) for each in (await sides.news())["kept"]]
        assert kept == [("output", "output"), ("report", "my/step-1"), ("cache", "cache")]
        bodies = [(await sides.laptop.get(f"/laptop/v1/kept/{at}")).content for at in range(3)]
        assert bodies == [b"output" * 100_000, b"report", b"cache"]
        assert (await sides.laptop.get("/laptop/v1/kept/3")).status_code == 404
        assert (await sides.laptop.get("/laptop/v1/kept/-1")).status_code == 404

    between(tmp_path, work)


def test_an_ending_counts_once_and_only_with_its_whole_log(tmp_path: Path) -> None:
    async def work(sides: Sides) -> None:
        record = {"runner": "r", "state": "succeeded", "log_size": 3, "message": ""}
        with pytest.raises(InConflict):
            await sides.runner.call("POST", "/runner/v1/record", record)
        await sides.log(0, b"abc")
        await sides.runner.call("POST", "/runner/v1/record", record)
        await sides.runner.call("POST", "/runner/v1/record", {**record, "state": "failed"})
        assert (await sides.news())["record"] == record

    between(tmp_path, work)


def test_what_only_a_server_has_is_not_found(tmp_path: Path) -> None:
    async def work(sides: Sides) -> None:
        with pytest.raises(NotFound):
            await sides.runner.send("GET", "/runner/v1/steps/steersman/script?version=*")
        with pytest.raises(NotFound):
            await sides.runner.call("GET", "/laptop/v1/started")

    between(tmp_path, work)


def test_the_next_process_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    async def before(sides: Sides) -> None:
        await sides.log(0, b"before ")
        await sides.runner.call("POST", "/runner/v1/steps", {"runner": "r", "steps": [STEP]})
        await sides.runner.send("PUT", "/runner/v1/artifacts/output/output", b"made")
        await sides.put("job", {"secret": "sesame"})
        await sides.put("cancel", {"why": "interrupted"})

    async def after(sides: Sides) -> None:
        assert await sides.log(7, b"after") == 12
        news = await sides.news()
        assert base64.b64decode(news["log"]) == b"before after"
        assert news["steps"] == [STEP]
        assert sides.box.kept == [Kept("output", "output")]
        assert (await sides.laptop.get("/laptop/v1/kept/0")).content == b"made"
        beat = {"runner": "r"}
        orders = await sides.runner.call("POST", "/runner/v1/heartbeat", beat)
        assert orders["cancel"] == "interrupted"

    between(tmp_path, before)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"sesame" not in kept
    between(tmp_path, after)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"steps": 7}', b'{"steps": [{}]}', b"\xff" * 9]
)
def test_what_cannot_be_understood_is_refused_and_the_next_request_is_answered(
    tmp_path: Path, body: bytes
) -> None:
    async def work(sides: Sides) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx2.AsyncClient(base_url=sides.runner.base_url, headers=headers) as http:
            answer = await http.post("/runner/v1/steps", content=body)
            assert answer.status_code == 400
            assert answer.json()["detail"]
            assert (await http.post("/runner/v1/heartbeat", json={})).status_code == 200

    between(tmp_path, work)


def test_who_says_no_http_is_left(tmp_path: Path) -> None:
    async def work(sides: Sides) -> None:
        host, at = "127.0.0.1", sides.laptop.base_url.port
        reader, writer = await asyncio.open_connection(host, at)
        writer.write(b"\x16\x03\x01 what is this\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        await sides.news()

    between(tmp_path, work)


def test_a_job_that_does_not_come_lets_the_runner_ask_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steersman.runner.mailbox.for_runner.WAIT", 0.0)

    async def work(sides: Sides) -> None:
        with pytest.raises(Away):
            await sides.runner.call("POST", "/runner/v1/started", {"runner": "r"})

    between(tmp_path, work)
