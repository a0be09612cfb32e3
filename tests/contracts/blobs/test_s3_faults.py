"""What the S3 store does when the server fails, lies or is somebody else."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from steersman.blobs.base import Missing
from steersman.blobs.s3 import S3Blobs, S3Settings
from steersman.core.errors import Refused, Unavailable, UserError
from tests.contracts.blobs.conftest import MIB, Bucket, need, nothing_works, pieces, started

ANSWER = "HTTP/1.1 {}\r\nContent-Length: {}\r\n\r\n{}"
BEGUN = "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
DENIED = "<Error><Code>AccessDenied</Code><Message>Not for you</Message></Error>"


@asynccontextmanager
async def serving(status: str, body: str = "", only: bytes = b"") -> AsyncIterator[Bucket]:
    """Serve one answer to every request, or *only* to those of a method; the rest is silence."""
    tasks: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await reader.readuntil(b"\r\n\r\n")).startswith(only):
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            writer.write(ANSWER.format(status, len(body), body).encode())
        await asyncio.Event().wait()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            tasks.add(task)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await answer(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Bucket(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_a_stopped_server_is_unavailable(caplog: pytest.LogCaptureFixture) -> None:
    server, bucket = started()
    blobs = S3Blobs(bucket.settings())
    asyncio.run(blobs.check())
    server.stop()

    async def body() -> None:
        await nothing_works(blobs)
        with pytest.raises(Unavailable, match="does not answer"):
            await blobs.put("large", pieces(*[bytes(MIB)] * 40))

    asyncio.run(body())
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def test_a_silent_server_is_unavailable() -> None:
    async def body() -> None:
        async with serving("", only=b"nothing") as bucket:
            blobs = S3Blobs(bucket.settings()._replace(silence=0.1, retries=0))
            await nothing_works(blobs)

    asyncio.run(body())


def test_a_server_that_fails_is_unavailable() -> None:
    async def body() -> None:
        async with serving("503 Slow Down") as bucket:
            await nothing_works(S3Blobs(bucket.settings()))

    asyncio.run(body())


def test_a_server_that_denies_refuses_with_its_own_words() -> None:
    async def body() -> None:
        async with serving("403 Forbidden", DENIED) as bucket:
            blobs = S3Blobs(bucket.settings())
            with pytest.raises(Refused, match="AccessDenied: Not for you") as caught:
                await blobs.put_bytes("a", b"data")
            assert "may do" in (caught.value.hint or "")
            with pytest.raises(Unavailable, match="AccessDenied"):
                await blobs.check()

    asyncio.run(body())


def test_a_blob_that_is_cut_off_never_looks_whole() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nETag: x\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        )
        writer.write(b"Content-Length: 100\r\n\r\nonly this")
        await writer.drain()
        writer.close()

    async def body() -> None:
        async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
            bucket = Bucket(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            with pytest.raises(Unavailable):
                await S3Blobs(bucket.settings()).read("a")

    asyncio.run(body())


def test_a_bucket_that_is_not_there_is_not_an_empty_one(bucket: Bucket) -> None:
    async def body() -> None:
        blobs = S3Blobs(bucket._replace(name="nobody").settings())
        for use in (lambda: blobs.put_bytes("a", b"data"), lambda: blobs.read("a")):
            with pytest.raises(Refused, match="NoSuchBucket") as caught:
                await use()
            assert not isinstance(caught.value, Missing)
        with pytest.raises(Unavailable, match="NoSuchBucket"):
            await blobs.check()

    asyncio.run(body())


def test_a_store_that_takes_nothing_holds_the_producer_up() -> None:
    made = 0

    async def produced() -> AsyncIterator[bytes]:
        nonlocal made
        for _ in range(200):
            made += 1
            yield bytes(MIB)

    async def body() -> None:
        async with serving("200 OK", BEGUN, only=b"POST") as bucket:
            blobs = S3Blobs(bucket.settings()._replace(silence=0.3, retries=0))
            with pytest.raises(Unavailable):
                await blobs.put("large", produced())

    asyncio.run(body())
    assert 16 <= made <= 40


def test_a_server_of_something_else_is_no_store() -> None:
    async def body() -> None:
        async with serving("404 Not Found", "<h1>Nothing here</h1>") as bucket:
            blobs = S3Blobs(bucket.settings())
            with pytest.raises(Refused, match="404") as caught:
                await blobs.put_bytes("a", b"data")
            assert not isinstance(caught.value, Missing)
            with pytest.raises(Unavailable, match="404"):
                await blobs.check()

    asyncio.run(body())


def test_a_secret_is_not_shown_with_its_settings(bucket: Bucket) -> None:
    settings = bucket.settings()._replace(secret_key="hush-hush")
    assert "hush" not in f"{settings!r} {settings}"
    assert bucket.endpoint in repr(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bucket": ""},
        {"bucket": "a/b"},
        {"endpoint": "minio:9000"},
        {"endpoint": "http://:x"},
        {"endpoint": "ftp://minio"},
        {"prefix": "../a"},
        {"retries": -1},
    ],
)
def test_settings_that_cannot_be_are_the_users_mistake(wrong: dict[str, Any]) -> None:
    need("obstore")
    with pytest.raises(UserError, match="blob store"):
        S3Blobs(S3Settings("bucket")._replace(**wrong))


def test_the_library_is_loaded_only_when_a_store_is_made() -> None:
    script = "import steersman.blobs.s3, sys; sys.exit('obstore' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
