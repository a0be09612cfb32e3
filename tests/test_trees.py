"""Trees go where they should, and hostile ones take nothing along and reach nothing outside."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import random
import socket
import subprocess
import tarfile
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import pytest

from steersman import trees
from steersman.core.errors import SteersmanError, Unavailable, UserError
from steersman.trees import Collected, Entry, Kind, Limits, TooLarge
from steersman.trees.base import Damaged, unwritable

LIMITS = Limits(size=64 << 20)
NAMES = ["empty", "a b", "ünï", "line\nbreak", "-rf", "quote'\"", "deep/er/still", "z" * 200]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with a bit of everything that may be copied."""
    root = tmp_path / "tree"
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode() * 3 if name != "empty" else b"")
    (root / "big").write_bytes(random.Random(0).randbytes(700_001))
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "secret").write_text("s")
    (root / "secret").chmod(0o600)
    os.utime(root / "secret", (1_000_000_000, 1_000_000_000))
    os.link(root / "secret", root / "twin")
    (root / "link").symlink_to("deep/er")
    (root / "dangling").symlink_to("/nowhere/at/all")
    (root / "hollow").mkdir(mode=0o700)
    (root / os.fsdecode(b"not-utf8-\xff")).write_text("x")
    return root


def shown(root: Path) -> dict[str, object]:
    """Describe everything below a folder."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name, mode = str(path.relative_to(root)), path.lstat().st_mode & 0o7777
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_dir():
            found[name] = ("folder", mode)
        else:
            found[name] = (path.read_bytes(), mode, int(path.stat().st_mtime), path.stat().st_nlink)
    return found


async def cut(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def unpack(data: bytes, into: Path, limits: Limits = LIMITS, **more: int) -> Collected:
    size = more.pop("size", 1000)
    return asyncio.run(trees.unpack(cut(data, size), into, limits, **more))


Member = tuple[str, bytes, dict[str, object]]


def archive(*members: Member, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Make an archive of (name, content, fields of the header)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, content, fields in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = 0o644
            for field, value in fields.items():
                setattr(info, field, value)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def file(name: str, content: bytes = b"x", **fields: object) -> Member:
    return name, content, fields


def special(name: str, kind: bytes, target: str = "", **fields: object) -> Member:
    return name, b"", {"type": kind, "linkname": target, **fields}


# Scanning


def test_a_scan_is_in_order_and_folders_come_before_what_is_in_them(tree: Path) -> None:
    names = [entry.name for entry in trees.scan(tree)]
    assert names[0] == ""
    assert len(names) == len(set(names)) == len(list(tree.rglob("*"))) + 1
    for at, name in enumerate(names[1:], 1):
        assert name.rpartition("/")[0] in names[:at]
    assert names == [entry.name for entry in trees.scan(tree)]


def test_what_is_skipped_is_not_entered(tree: Path) -> None:
    asked: list[tuple[str, bool]] = []

    def skip(name: str, is_folder: bool) -> bool:
        asked.append((name, is_folder))
        return name == "deep"

    names = {entry.name for entry in trees.scan(tree, skip)}
    assert "deep" not in names
    assert "deep/er" not in {name for name, _ in asked}
    assert ("deep", True) in asked
    assert ("link", False) in asked


def test_pipes_and_sockets_are_left_out_and_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        left_out: list[str] = []
        assert [entry.name for entry in trees.scan(tmp_path, left_out=left_out)] == [""]
    assert left_out == ["pipe", "socket"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (entry,) = trees.scan(tmp_path)[1:]
    assert (entry.kind, entry.target) == (Kind.SYMLINK, str(tmp_path))


@pytest.mark.parametrize("name", ["missing", "file"])
def test_what_is_no_folder_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=name):
        trees.scan(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(UserError, match="closed"):
        trees.scan(tmp_path)


# Copying


def test_a_copy_is_the_same(tree: Path, tmp_path: Path) -> None:
    trees.copy(trees.scan(tree), tmp_path / "copy")
    assert shown(tmp_path / "copy") == shown(tree)
    assert (tmp_path / "copy" / "twin").samefile(tmp_path / "copy" / "secret")


def test_a_copy_replaces_what_is_there_and_writes_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    into = tmp_path / "into"
    into.mkdir()
    (into / "file").symlink_to(tmp_path / "outside")
    (into / "folder").mkdir()
    entries = [
        Entry("folder", Kind.FOLDER, 0o755),
        Entry("file", Kind.FILE, 0o644, b"new", 3),
        Entry("made/on/the/way", Kind.FILE, 0o600, b"new", 3),
    ]
    trees.copy(entries, into)
    assert (tmp_path / "outside").read_text() == "mine"
    assert (into / "file").read_text() == "new"
    assert (into / "made/on/the/way").stat().st_mode & 0o777 == 0o600


def test_a_file_that_vanished_is_left_out_with_its_links(tree: Path, tmp_path: Path) -> None:
    entries = trees.scan(tree)
    (tree / "secret").unlink()
    (tree / "big").unlink()
    trees.copy(entries, tmp_path / "copy")
    names = set(shown(tmp_path / "copy"))
    assert {"secret", "twin", "big"} & names == set()
    assert len(names) == len(entries) - 4
    assert not {"secret", "twin", "big"} & {member.name for member in members(trees.pack(entries))}


def test_a_file_that_became_a_pipe_or_a_link_is_left_out(tree: Path, tmp_path: Path) -> None:
    entries = trees.scan(tree)
    for name in ("run", "empty", "secret"):
        (tree / name).unlink()
    os.mkfifo(tree / "run")
    (tree / "empty").symlink_to("/etc/passwd")
    (tree / "secret").symlink_to("secret")
    trees.copy(entries, tmp_path / "copy")
    gone = {"run", "empty", "secret", "twin"}
    assert not gone & {path.name for path in (tmp_path / "copy").iterdir()}
    assert not gone & {member.name for member in members(trees.pack(entries))}


def test_read_only_folders_are_copied_with_what_is_in_them(tmp_path: Path) -> None:
    (tmp_path / "a" / "closed").mkdir(parents=True)
    (tmp_path / "a" / "closed" / "file").touch()
    (tmp_path / "a" / "closed").chmod(0o555)
    trees.copy(trees.scan(tmp_path / "a"), tmp_path / "copy")
    assert (tmp_path / "copy" / "closed" / "file").exists()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_with_advice(error: int) -> None:
    said = unwritable("/some/where", OSError(error, "x"))
    assert isinstance(said, Unavailable)
    assert "disk is full" in str(said)
    assert said.hint


def test_a_full_disk_is_an_error_of_ours_and_not_a_short_file(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    (tmp_path / "full").symlink_to("/dev/full")
    source = os.open(__file__, os.O_RDONLY)
    out = os.open(tmp_path / "full", os.O_WRONLY)
    try:
        from steersman.trees.copying import copy_bytes

        with pytest.raises(OSError, match="space"):
            copy_bytes(source, out, 100)
    finally:
        os.close(source)
        os.close(out)


# Packing


def members(pieces: Iterable[bytes]) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        return tar.getmembers()


def test_tar_unpacks_what_we_pack(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    data = b"".join(trees.pack(trees.scan(tree), prefix="pre/fix"))
    subprocess.run(["tar", "-xpf", "-"], input=data, cwd=tmp_path / "out", check=True)
    assert shown(tmp_path / "out" / "pre" / "fix") == shown(tree)


def test_we_unpack_what_we_pack(tree: Path, tmp_path: Path) -> None:
    data = b"".join(trees.pack(trees.scan(tree)))
    got = unpack(data, tmp_path / "out")
    assert shown(tmp_path / "out") == shown(tree)
    files = [path for path in tree.rglob("*") if path.is_symlink() or not path.is_dir()]
    assert got.files == len(files)
    assert got.skipped == ()


def test_pieces_are_neither_tiny_nor_huge(tree: Path) -> None:
    sizes = list(map(len, trees.pack(trees.scan(tree))))
    assert all(size >= 200_000 for size in sizes[:-1])
    assert max(sizes) <= 600_000


def test_owner_and_mode_are_as_asked(tree: Path) -> None:
    packed = members(trees.pack(trees.scan(tree), uid=3_000_000, gid=7))
    found = {member.name: member for member in packed}
    assert (found["run"].uid, found["run"].gid, found["run"].mode) == (3_000_000, 7, 0o755)
    assert found["secret"].mtime == 1_000_000_000


def test_a_file_that_shrinks_while_it_is_packed_spoils_nothing(tree: Path) -> None:
    entries = [entry for entry in trees.scan(tree) if entry.name in ("big", "run")]
    pieces = trees.pack(entries)
    data = next(pieces)
    os.truncate(tree / "big", 10)
    data += b"".join(pieces)
    found = members([data])
    assert [(member.name, member.size) for member in found] == [("big", 700_001), ("run", 10)]


def test_a_file_that_grew_since_the_scan_is_packed_as_it_is(tree: Path) -> None:
    entries = [entry for entry in trees.scan(tree) if entry.name == "empty"]
    (tree / "empty").write_text("grown")
    assert [member.size for member in members(trees.pack(entries))] == [5]


def test_content_may_be_given_directly() -> None:
    data = b"".join(trees.pack([Entry("run.sh", Kind.FILE, 0o755, b"echo", 4)], prefix="/x"))
    (member,) = members([data])
    assert member.size == 4


# Unpacking


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("size", [1, 511, 512, 513, 1 << 20])
def test_archives_of_each_format_are_read_however_they_are_cut(
    tmp_path: Path, form: int, size: int
) -> None:
    long = "n" * 60 + "/" + "m" * 90
    data = archive(
        special("folder/", tarfile.DIRTYPE, mode=0o750),
        file(long, b"long"),
        file("folder/file", b"y" * 1025, mtime=1_000_000_000),
        special("folder/link", tarfile.SYMTYPE, "t" * 90),
        form=form,
    )
    got = unpack(data, tmp_path / "out", size=size)
    assert got == Collected(files=3, size=1029)
    found = shown(tmp_path / "out")
    assert found["folder"] == ("folder", 0o750)
    assert found["folder/link"] == ("link", "t" * 90)
    assert (tmp_path / "out" / long).read_bytes() == b"long"
    assert (tmp_path / "out" / "folder" / "file").stat().st_mtime == 1_000_000_000


def test_names_longer_than_a_header_and_odd_bytes_are_kept(tmp_path: Path) -> None:
    name = "/".join(["d" * 100] * 5) + "/ünï"
    data = archive(file(name), special("l", tarfile.SYMTYPE, "t" * 300))
    unpack(data, tmp_path / "out")
    assert (tmp_path / "out" / name).exists()
    assert os.readlink(tmp_path / "out" / "l") == "t" * 300


def test_components_are_stripped(tmp_path: Path) -> None:
    data = archive(
        special("top/", tarfile.DIRTYPE, mode=0o700),
        file("top/a"),
        special("top/b", tarfile.LNKTYPE, "top/a"),
        special("top/c", tarfile.SYMTYPE, "top/a"),
    )
    got = unpack(data, tmp_path / "out", strip=1)
    assert got.files == 3
    assert (tmp_path / "out" / "b").samefile(tmp_path / "out" / "a")
    assert os.readlink(tmp_path / "out" / "c") == "top/a"
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


OUTSIDE = "outside"
HOSTILE = {
    "a name with dots": [file("../outside/x")],
    "dots in the middle": [file("a/../../outside/x")],
    "an absolute name": [file("{out}/x")],
    "through a link to a folder": [special("l", tarfile.SYMTYPE, "{out}"), file("l/x")],
    "through a link up": [special("l", tarfile.SYMTYPE, "../outside"), file("l/x")],
    "through a link, as a folder": [
        special("l", tarfile.SYMTYPE, "{out}"),
        special("l/", tarfile.DIRTYPE),
        file("l/x"),
    ],
    "through a chain": [
        special("a", tarfile.SYMTYPE, "."),
        special("a/b", tarfile.SYMTYPE, "{out}"),
        file("a/b/x"),
    ],
    "onto a link": [special("l", tarfile.SYMTYPE, "{out}/victim"), file("l", b"written through")],
    "a hard link outside": [special("h", tarfile.LNKTYPE, "{out}/victim"), file("h", b"written")],
    "a hard link up": [special("h", tarfile.LNKTYPE, "../outside/victim"), file("h", b"w")],
    "a hard link to a link": [
        special("l", tarfile.SYMTYPE, "{out}/victim"),
        special("h", tarfile.LNKTYPE, "l"),
        file("h", b"written"),
    ],
    "a folder replaced by a link": [
        special("d/", tarfile.DIRTYPE),
        special("d", tarfile.SYMTYPE, "{out}"),
        file("d/x"),
    ],
    "a file as a folder": [file("f"), file("f/x")],
}


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("attack", HOSTILE)
def test_nothing_is_written_outside(tmp_path: Path, attack: str, form: int) -> None:
    outside = tmp_path / OUTSIDE
    outside.mkdir()
    (outside / "victim").write_text("untouched")
    put = [
        (name.format(out=outside), content, {
            key: str(value).format(out=outside) if key == "linkname" else value
            for key, value in fields.items()
        })
        for name, content, fields in HOSTILE[attack]
    ]  # fmt: skip
    unpack(archive(file("before"), *put, file("after"), form=form), tmp_path / "out")
    assert shown(outside) == {"victim": shown(outside)["victim"]}
    assert (outside / "victim").read_text() == "untouched"
    assert (outside / "victim").stat().st_nlink == 1
    assert (tmp_path / "out" / "before").exists()
    assert (tmp_path / "out" / "after").exists()
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_symlink() or path.is_dir() or path.stat().st_nlink == 1


def test_what_is_left_out_is_named_with_the_reason(tmp_path: Path) -> None:
    data = archive(
        special("pipe", tarfile.FIFOTYPE),
        special("null", tarfile.CHRTYPE, devmajor=1, devminor=3),
        file("../up"),
        special("hard", tarfile.LNKTYPE, "elsewhere"),
        special("\x1b[31mred", tarfile.BLKTYPE),
        file("/absolute"),
    )
    got = unpack(data, tmp_path / "out")
    assert got.files == 0
    assert got.skipped == (
        "pipe (a pipe, a socket or a device)",
        "null (a pipe, a socket or a device)",
        "../up (a name that leads outside)",
        "hard (a hard link to something that is not in the archive)",
        "'\\x1b[31mred' (a pipe, a socket or a device)",
        "/absolute (a name that leads outside)",
    )


def test_only_so_many_names_are_kept(tmp_path: Path) -> None:
    data = archive(*(special(f"p{n}", tarfile.FIFOTYPE) for n in range(50)))
    assert len(unpack(data, tmp_path / "out").skipped) == 20


def test_set_id_bits_go_and_cleaning_up_stays_possible(tmp_path: Path) -> None:
    data = archive(
        special("d/", tarfile.DIRTYPE, mode=0o4000),
        file("d/f", mode=0o6755),
        file("d/none", mode=0),
    )
    unpack(data, tmp_path / "out")
    assert (tmp_path / "out/d").stat().st_mode & 0o7777 == 0o700
    assert (tmp_path / "out/d/f").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "out/d/none").stat().st_mode & 0o7777 == 0o600


def test_a_later_member_replaces_an_earlier_one(tmp_path: Path) -> None:
    data = archive(file("a", b"first"), special("b", tarfile.LNKTYPE, "a"), file("a", b"second"))
    unpack(data, tmp_path / "out")
    assert (tmp_path / "out/a").read_bytes() == b"second"
    assert (tmp_path / "out/b").read_bytes() == b"first"


def test_names_that_no_file_may_have_are_left_out(tmp_path: Path) -> None:
    pax: dict[str, object] = {"pax_headers": {"path": "nul\0byte"}}
    data = archive(
        file("x" * 300), file("/".join(["y" * 99] * 60)), ("n", b"z", pax),
        special("e", tarfile.SYMTYPE, ""), file("good"),
    )  # fmt: skip
    got = unpack(data, tmp_path / "out")
    assert (tmp_path / "out/good").exists()
    assert len(got.skipped) == 4


@pytest.mark.parametrize("mtime", [-1, 1 << 40, 1e300])
def test_a_time_that_makes_no_sense_is_no_time(tmp_path: Path, mtime: float) -> None:
    unpack(archive(file("a", mtime=mtime)), tmp_path / "out")
    assert (tmp_path / "out/a").stat().st_mtime == 0


def test_a_file_with_holes_is_left_out_and_the_next_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with (folder / "holes").open("wb") as out:
        for at in range(100):
            out.seek(at * 1_000_000)
            out.write(b"data")
    (folder / "next").write_text("found")
    for form in ("gnu", "posix"):
        words = ["tar", f"--format={form}", "-cSf", "-", "holes", "next"]
        data = subprocess.run(words, cwd=folder, capture_output=True, check=True).stdout
        got = unpack(data, tmp_path / form)
        assert (tmp_path / form / "next").read_text() == "found"
        assert got.skipped == ("holes (a file with holes)",)


def test_more_than_the_limit_is_refused_before_it_is_written(tmp_path: Path) -> None:
    data = archive(file("a", bytes(1000)), file("b", bytes(1000)))
    with pytest.raises(TooLarge):
        unpack(data, tmp_path / "out", Limits(size=1999))
    assert not (tmp_path / "out").exists()
    assert unpack(data, tmp_path / "out", Limits(size=2000)).size == 2000


@pytest.mark.parametrize(
    "put",
    [
        [file(f"f{n}", b"") for n in range(11)],
        [special(f"p{n}", tarfile.FIFOTYPE) for n in range(11)],
        [special("d/", tarfile.DIRTYPE)] * 11,
        [file("a/b/c/d/e/f/g/h/i/j/k")],
    ],
)
def test_too_many_entries_are_refused_whatever_they_are(tmp_path: Path, put: list[Member]) -> None:
    with pytest.raises(TooLarge):
        unpack(archive(*put), tmp_path / "out", Limits(size=100, entries=10))
    assert not (tmp_path / "out").exists()


def broken() -> dict[str, bytes]:
    good = archive(file("a", bytes(5000)), file("b"))
    pax = archive(("a", b"", {"pax_headers": {"path": "longer" * 30}}))
    huge = bytearray(archive(file("n" * 200), form=tarfile.GNU_FORMAT))
    huge[124:136] = b"77777777777\0"
    huge[148:156] = b"%06o\0 " % (sum(huge[:148]) + 8 * 32 + sum(huge[156:512]))
    return {
        "empty": b"",
        "text": b"this is not an archive at all\n" * 40,
        "cut in a header": good[:300],
        "cut in a file": good[:3000],
        "cut between members": good[: 512 + 5120],
        "a spoilt checksum": b"X" + good[1:],
        "a spoilt pax record": pax.replace(b"190 path=", b"999 path="),
        "a name of 8 GiB": bytes(huge),
        "a name of 2 MiB": archive(file("n" * (2 << 20), b""), form=tarfile.GNU_FORMAT),
    }


@pytest.mark.parametrize("what", ["empty", *broken()])
def test_what_is_no_whole_archive_is_refused_and_leaves_nothing(tmp_path: Path, what: str) -> None:
    with pytest.raises(Damaged):
        unpack(broken()[what], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_any_damage_ends_in_words_and_never_outside(tmp_path: Path) -> None:
    chance = random.Random(7)
    good = archive(
        special("d/", tarfile.DIRTYPE), file("d/f", b"y" * 600), file("n" * 150),
        special("l", tarfile.SYMTYPE, "/etc"), special("h", tarfile.LNKTYPE, "d/f"),
    )  # fmt: skip
    for number in range(300):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(len(data))] = chance.choice(b"\0 /.09xLK5g" + bytes([255]))
        into = tmp_path / f"out{number}"
        try:
            unpack(bytes(data), into, Limits(size=1 << 20, entries=100), size=4096)
        except (SteersmanError, TooLarge):
            assert not into.exists()
    assert {path.name[:3] for path in tmp_path.iterdir()} <= {"out"}


def test_a_folder_that_exists_is_neither_filled_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").touch()
    with pytest.raises(SteersmanError, match="out"):
        unpack(archive(file("a")), tmp_path / "out")
    assert (tmp_path / "out" / "precious").exists()


def test_cancelling_leaves_nothing_behind(tmp_path: Path) -> None:
    async def body() -> None:
        started = asyncio.Event()

        header = archive(file("big", bytes(10)), form=tarfile.GNU_FORMAT)[:512]

        async def stream() -> AsyncIterator[bytes]:
            yield archive(file("a", bytes(2 << 20)))[: 512 + (2 << 20)]
            yield header
            started.set()
            await asyncio.Event().wait()

        work = asyncio.create_task(trees.unpack(stream(), tmp_path / "out", LIMITS))
        await started.wait()
        assert (tmp_path / "out" / "a").exists()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(body())
    assert not (tmp_path / "out").exists()


def test_an_error_of_the_stream_comes_through_and_leaves_nothing(tmp_path: Path) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield archive(file("a"))[:600]
        raise Unavailable("the engine is gone")

    with pytest.raises(Unavailable, match="gone"):
        asyncio.run(trees.unpack(failing(), tmp_path / "out", LIMITS))
    assert not (tmp_path / "out").exists()


# Collecting


def test_what_was_collected_is_the_same(tree: Path, tmp_path: Path) -> None:
    got = trees.collect(tree, tmp_path / "out", LIMITS)
    assert shown(tmp_path / "out") == shown(tree)
    assert got.skipped == ()
    assert got.size == sum(entry.size for entry in trees.scan(tree))


def test_nothing_to_collect_is_no_error(tmp_path: Path) -> None:
    assert trees.collect(tmp_path / "missing", tmp_path / "out", LIMITS).missing
    (tmp_path / "link").symlink_to(tmp_path)
    assert trees.collect(tmp_path / "link", tmp_path / "out", LIMITS).missing
    assert not (tmp_path / "out").exists()


def test_traps_are_neither_followed_nor_waited_for(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    os.mkfifo(root / "pipe")
    (root / "passwd").symlink_to("/etc/passwd")
    (root / "self").symlink_to("/proc/self")
    (root / "good").write_text("good")
    (root / "good").chmod(0o4000)
    got = trees.collect(root, tmp_path / "out", LIMITS)
    assert got.skipped == ("pipe (a pipe, a socket or a device)",)
    found = shown(tmp_path / "out")
    assert found["passwd"] == ("link", "/etc/passwd")
    assert found["self"] == ("link", "/proc/self")
    assert (tmp_path / "out" / "good").stat().st_mode & 0o7777 == 0o600


def test_too_much_to_collect_is_refused_and_leaves_nothing(tree: Path, tmp_path: Path) -> None:
    for limits in (Limits(size=1000), Limits(size=1 << 30, entries=5)):
        with pytest.raises(TooLarge):
            trees.collect(tree, tmp_path / "out", limits)
        assert not (tmp_path / "out").exists()


def test_a_file_larger_than_the_limit_is_not_even_begun(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with (tmp_path / "root" / "holes").open("wb") as out:
        out.truncate(1 << 40)
    with pytest.raises(TooLarge):
        trees.collect(tmp_path / "root", tmp_path / "out", LIMITS)


def test_very_deep_folders_end_the_way_down(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    held = os.open(root, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=held)
        below = os.open("d", os.O_RDONLY, dir_fd=held)
        os.close(held)
        held = below
    os.close(held)
    got = trees.collect(root, tmp_path / "out", LIMITS)
    assert got.skipped[0].endswith("(too deep)")


def test_a_tree_that_changes_all_the_time_is_collected_within_its_own(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "a").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_text("secret")
    ended = threading.Event()

    def play() -> None:
        while not ended.is_set():
            flip(root, outside)

    player = threading.Thread(target=play)
    player.start()
    try:
        for number in range(60):
            trees.collect(root, tmp_path / f"out{number}", LIMITS)
            for path in (tmp_path / f"out{number}").rglob("*"):
                assert path.is_symlink() or path.is_dir() or b"secret" not in path.read_bytes()
    finally:
        ended.set()
        player.join()


def flip(root: Path, outside: Path) -> None:
    """Let one name be a folder, a link to elsewhere, a growing file and a pipe in turn."""
    path = root / "a"
    steps: list[Callable[[], object]] = [
        lambda: path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(),
        lambda: path.symlink_to(outside),
        path.unlink,
        lambda: os.mkfifo(path),
        path.unlink,
        lambda: path.symlink_to(outside / "secret"),
        path.unlink,
        path.mkdir,
    ]
    for step in steps:
        step()
