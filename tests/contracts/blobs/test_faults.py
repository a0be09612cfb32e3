"""What the fake and the folder do when what is below them fails."""

from __future__ import annotations

import asyncio
import resource
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from steersman.blobs.fake import FakeBlobs
from steersman.blobs.folder import STALE, FolderBlobs
from steersman.core.errors import Unavailable
from tests.contracts.blobs.conftest import MIB, nothing_works, pieces

WRITER = """
import asyncio, pathlib, sys
from steersman.blobs.folder import FolderBlobs

async def pieces():
    yield bytes(8 << 20)
    print("written", flush=True)
    await asyncio.Event().wait()

asyncio.run(FolderBlobs(pathlib.Path(sys.argv[1])).put("a/b", pieces()))
"""


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


# The fake.


def test_a_fake_that_is_down_does_nothing_until_it_is_up() -> None:
    async def body() -> bytes:
        blobs = FakeBlobs()
        await blobs.put_bytes("a/b", b"kept")
        blobs.down = True
        await nothing_works(blobs)
        blobs.down = False
        return await blobs.read("a/b")

    assert asyncio.run(body()) == b"kept"


def test_a_fake_fails_as_often_as_it_was_told() -> None:
    async def body() -> int | None:
        blobs = FakeBlobs()
        blobs.fail_next(2)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await blobs.put_bytes("a", b"data")
        await blobs.put_bytes("a", b"data")
        return await blobs.size("a")

    assert asyncio.run(body()) == 4


# The folder.


def test_a_root_that_is_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("in the way")
    asyncio.run(nothing_works(FolderBlobs(tmp_path / "store")))
    assert (tmp_path / "store").read_text() == "in the way"


@contextmanager
def longest_file(size: int) -> Iterator[None]:
    """Let the kernel refuse to make any file longer, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [pytest.param(300, id="small"), pytest.param(9 * MIB, id="large")])
def test_a_write_that_fails_half_way_leaves_nothing(tmp_path: Path, size: int) -> None:
    with longest_file(200), pytest.raises(Unavailable, match="does not work"):
        asyncio.run(FolderBlobs(tmp_path).put("a/b", pieces(bytes(size))))
    assert files(tmp_path) == []


def test_a_killed_writer_leaves_only_what_is_swept_a_day_later(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE)
    with writer:
        assert writer.stdout
        assert writer.stdout.readline() == b"written\n"
        writer.send_signal(signal.SIGKILL)
    blobs = FolderBlobs(tmp_path)
    assert asyncio.run(blobs.keys("")) == []
    (part,) = (tmp_path / "~parts").iterdir()
    assert part.stat().st_size == 8 * MIB
    assert asyncio.run(blobs.sweep(part.stat().st_mtime + STALE)) == 0
    assert asyncio.run(blobs.sweep(part.stat().st_mtime + STALE + 1)) == 1
    assert files(tmp_path) == []


def test_sweeping_spares_what_was_stored(tmp_path: Path) -> None:
    async def body() -> bytes:
        blobs = FolderBlobs(tmp_path / "store", sync=True)
        assert await blobs.sweep(time.time()) == 0
        await blobs.put_bytes("a/b.part", b"kept")
        assert await blobs.sweep(time.time() + 10 * STALE) == 0
        return await blobs.read("a/b.part")

    assert asyncio.run(body()) == b"kept"


def test_a_deleted_blob_takes_its_empty_folders_with_it(tmp_path: Path) -> None:
    async def body() -> None:
        blobs = FolderBlobs(tmp_path / "store")
        await blobs.put_bytes("a/b/c", b"")
        await blobs.put_bytes("a/d", b"")
        await blobs.delete("a/b/c")

    asyncio.run(body())
    assert files(tmp_path) == ["d"]
    assert not any(path.name.startswith("b") for path in tmp_path.rglob("*"))


def test_a_folder_that_goes_away_meanwhile_is_made_again(tmp_path: Path) -> None:
    async def body() -> list[str]:
        blobs = FolderBlobs(tmp_path)
        puts = [blobs.put_bytes(f"a/b/{number}", b"x") for number in range(100)]
        deletes = [blobs.delete(f"a/b/{number}") for number in range(100)]
        await asyncio.gather(*(one for both in zip(puts, deletes, strict=True) for one in both))
        await asyncio.gather(*(blobs.delete(f"a/b/{number}") for number in range(100)))
        return [found.key for found in await blobs.keys("")]

    assert asyncio.run(body()) == []
    assert files(tmp_path) == []


def test_a_reader_goes_on_with_what_it_opened(tmp_path: Path) -> None:
    async def body() -> bytes:
        blobs = FolderBlobs(tmp_path)
        await blobs.put_bytes("a", b"1" * 3 * MIB)
        reading = blobs.get("a")
        seen = await anext(reading)
        await blobs.delete("a")
        return seen + b"".join([piece async for piece in reading])

    assert asyncio.run(body()) == b"1" * 3 * MIB


def test_files_of_others_are_no_blobs(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "lost+found" / "x").touch()
    (tmp_path / "editor.txt~").touch()
    assert asyncio.run(FolderBlobs(tmp_path).keys("")) == []


def test_others_cannot_read_what_is_stored(tmp_path: Path) -> None:
    asyncio.run(FolderBlobs(tmp_path / "store").put_bytes("a", b"secret"))
    assert (tmp_path / "store").stat().st_mode & 0o077 == 0
    assert (tmp_path / "store" / "a").stat().st_mode & 0o077 == 0


def test_a_large_stream_needs_little_memory(tmp_path: Path) -> None:
    async def produced() -> AsyncIterator[bytes]:
        for _ in range(800):
            yield bytes(MIB // 16)

    async def body() -> None:
        blobs = FolderBlobs(tmp_path)
        await blobs.put("a", produced())
        async for _ in blobs.get("a"):
            pass

    tracemalloc.start()
    try:
        asyncio.run(body())
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB
    finally:
        tracemalloc.stop()
