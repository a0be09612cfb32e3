"""Several outputs as one archive: what strangers put into one stays in its folder."""

from __future__ import annotations

import asyncio
import io
import tarfile
from pathlib import Path

import pytest

from steersman import trees
from steersman.blobs.base import once
from steersman.blobs.folder import FolderBlobs
from steersman.core.errors import SteersmanError, UserError
from steersman.server import outputs
from steersman.server.outputs import Output
from steersman.trees import Limits
from tests.server.kept import member, tar

THEIRS = tar({"good": b"theirs"})


def _joined(folder: Path, *left: bytes | None) -> bytes:
    """Return as one what jobs left: the first in `one`, the second in `two`."""

    async def run() -> bytes:
        blobs, found = FolderBlobs(folder / "blobs"), []
        for name, data in zip(("one", "two"), left, strict=True):
            if data is not None:
                await blobs.put_bytes(name, data)
            found.append(Output("deploy", name, name, name if data is not None else None))
        return b"".join([piece async for piece in await outputs.source(blobs, found)])

    return asyncio.run(run())


def _unpack(data: bytes, into: Path) -> None:
    asyncio.run(trees.unpack(once(data), into, Limits(size=1 << 30)))


def _names(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getnames()


def test_what_leads_outside_is_left_out(tmp_path: Path) -> None:
    hostile = tar(
        {
            "../two/evil": b"!",
            "/evil": b"!",
            "x/../../evil": b"!",
            "out": "/etc",
            "good": b"mine",
        },
        member("stolen", tarfile.LNKTYPE, "../two/good"),
        member("pipe", tarfile.FIFOTYPE),
    )
    assert _names(_joined(tmp_path, hostile, THEIRS)) == [
        "one", "one/out", "one/good", "two", "two/good"
    ]  # fmt: skip


@pytest.mark.parametrize("top", [".", "./", "", ".//."])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.REGTYPE])
def test_no_member_takes_the_place_of_its_folder(tmp_path: Path, top: str, kind: bytes) -> None:
    hostile = tar({}, member(top, kind, "/etc"))
    assert _names(_joined(tmp_path, hostile, THEIRS)) == ["one", "two", "two/good"]


def test_what_a_link_points_at_is_not_written_to(tmp_path: Path) -> None:
    data = _joined(tmp_path, tar({"out": str(tmp_path), "out/evil": b"!"}), THEIRS)
    _unpack(data, tmp_path / "source")
    assert not (tmp_path / "evil").exists()
    assert (tmp_path / "source/two/good").read_bytes() == b"theirs"


def test_one_that_left_nothing_gives_an_empty_folder(tmp_path: Path) -> None:
    _unpack(_joined(tmp_path, None, THEIRS), tmp_path / "source")
    assert list((tmp_path / "source/one").iterdir()) == []
    assert (tmp_path / "source/two/good").is_file()


@pytest.mark.parametrize("cut", [0, 700, 1024, 2000])
def test_a_damaged_output_is_never_taken_for_a_shorter_one(tmp_path: Path, cut: int) -> None:
    whole = tar({"a": b"1", "b": b"2" * 3000})
    data = _joined(tmp_path, THEIRS, whole[:cut])
    with pytest.raises(SteersmanError, match="archive"):
        _unpack(data, tmp_path / "source")
    assert not (tmp_path / "source").exists()


def test_bytes_that_are_gone_are_said_in_words_before_anything_is_sent(tmp_path: Path) -> None:
    found = [Output("deploy", name, name, name) for name in ("one", "two")]
    blobs = FolderBlobs(tmp_path)
    asyncio.run(blobs.put_bytes("one", THEIRS))
    with pytest.raises(
        UserError, match="the output of two, with which deploy begins, was not kept"
    ):
        asyncio.run(outputs.source(blobs, found))
