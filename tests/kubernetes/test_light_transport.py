"""An API server spoken to by the light client: the same answers, the same errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from steersman.cli.light_transport import LightTransport
from steersman.cluster.kubernetes.api import Api, connect
from steersman.cluster.kubernetes.refusals import Exists
from steersman.core.errors import Unavailable
from steersman.patience import patience
from tests.worker.answering import Answer, certified, serving


def asked(folder: Path, answer: Answer, work: Callable[[Api], Awaitable[Any]]) -> Any:
    """Do *work* with an API server at a real port, found by a kubeconfig."""
    context = certified(folder)

    async def whole() -> Any:
        async with serving(answer, context) as port:
            cluster = {
                "server": f"https://localhost:{port}",
                "certificate-authority": str(folder / "ca"),
            }
            said = {
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": {"token": "t0ken"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
            (folder / "kubeconfig").write_text(json.dumps(said))
            api = connect(patience(), folder / "kubeconfig", LightTransport)
            try:
                return await work(api)
            finally:
                await api.close()

    return asyncio.run(whole())


def test_objects_go_and_come_with_who_we_are(tmp_path: Path) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["authorization"] == "Bearer t0ken"
        asked = {"path": request.url.raw_path.decode(), "body": json.loads(request.content)}
        return httpx2.Response(201, json=asked)

    async def work(api: Api) -> list[Any]:
        calls = [api.call("POST", "/pods", {"n": n}, {"dryRun": "All"}) for n in range(5)]
        return list(await asyncio.gather(*calls))

    found = asked(tmp_path, answer, work)
    assert found == [{"path": "/pods?dryRun=All", "body": {"n": n}} for n in range(5)]


def test_a_refusal_is_read_as_ever(tmp_path: Path) -> None:
    said = {"kind": "Status", "code": 409, "reason": "AlreadyExists", "message": "it is there"}
    with pytest.raises(Exists, match="it is there"):
        asked(tmp_path, lambda r: httpx2.Response(409, json=said), lambda a: a.call("GET", "/x"))


def test_a_watch_comes_piece_by_piece_until_it_breaks(tmp_path: Path) -> None:
    class Cut(httpx2.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b"one"
            yield b"two"
            raise httpx2.ReadError("cut")

    heard = bytearray()

    async def work(api: Api) -> None:
        async with api.stream("/pods", {"watch": "1"}, 10.0) as pieces:
            async for piece in pieces:
                heard.extend(piece)

    with pytest.raises(Unavailable, match="GET /pods"):
        asked(tmp_path, lambda r: httpx2.Response(200, stream=Cut()), work)
    assert heard == b"onetwo"


def test_silence_is_an_absence(tmp_path: Path) -> None:
    over = asyncio.Event()

    class Silent(httpx2.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b"one"
            await over.wait()

    async def work(api: Api) -> None:
        try:
            async with api.stream("/pods", {}, 0.05) as pieces:
                async for _ in pieces:
                    pass
        finally:
            over.set()

    with pytest.raises(Unavailable, match="no answer in time"):
        asked(tmp_path, lambda r: httpx2.Response(200, stream=Silent()), work)


def test_a_server_that_breaks_off_is_an_absence(tmp_path: Path) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("gone")

    with pytest.raises(Unavailable, match="GET /x"):
        asked(tmp_path, answer, lambda api: api.call("GET", "/x"))
