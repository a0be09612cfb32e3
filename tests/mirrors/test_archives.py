"""Commits as archives."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from steersman import trees
from steersman.core.errors import Refused, UserError
from steersman.mirrors import Mirrors, Rules
from steersman.mirrors.tars import END, Body
from tests.mirrors.repositories import collected, commit, contents, git, opened, repository, script


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(tmp_path / "mirrors", rules=Rules(allow_local=True))


def archived(
    mirrors: Mirrors, origin: Path, *, submodules: bool = False, lfs: bool = False
) -> bytes:
    """Fetch *origin* and archive what is checked out there."""

    async def both() -> bytes:
        await mirrors.fetch("p", str(origin), credentials=None)
        sha = git(origin, "rev-parse", "HEAD")
        return await collected(mirrors.archive("p", sha, submodules=submodules, lfs=lfs))

    return asyncio.run(both())


def add_submodule(parent: Path, url: str, path: str) -> None:
    git(parent, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, path)
    commit(parent, f"add {path}")


def test_an_archive_is_what_a_checkout_would_be(tmp_path: Path, mirrors: Mirrors) -> None:
    files = {"a": "1\n", "dir/b": "", "run.sh": "#!/bin/sh\n", f"{'deep/' * 40}{'n' * 120}": "long"}
    origin = repository(tmp_path / "origin", **files)
    (origin / "run.sh").chmod(0o755)
    (origin / "link").symlink_to("dir/b")
    (origin / "zeros").write_bytes(bytes(5000))
    (origin / "secret").write_text("not in releases\n")
    (origin / "version").write_text("$Format:%H$\n")
    attributes = "secret export-ignore\nversion export-subst\ndir export-ignore\n"
    commit(origin, "all", **{".gitattributes": attributes})
    data = archived(mirrors, origin)
    with opened(data) as archive:
        archive.extractall(tmp_path / "out", filter="data")

    async def pieces() -> AsyncIterator[bytes]:
        yield data

    asyncio.run(trees.unpack(pieces(), tmp_path / "ours", trees.Limits(1_000_000, 1000)))
    for out in (tmp_path / "out", tmp_path / "ours"):
        assert _listing(out) == _listing(origin)


def _listing(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if name == ".git" or name.startswith(".git/"):
            continue
        if path.is_symlink():
            found[name] = path.readlink()
        elif path.is_file():
            found[name] = (path.read_bytes(), path.stat().st_mode & 0o777)
    return found


def test_an_unknown_commit_has_no_archive(tmp_path: Path, mirrors: Mirrors) -> None:
    archived(mirrors, repository(tmp_path / "origin"))
    with pytest.raises(UserError, match="the mirror has no commit 1111"):
        asyncio.run(collected(mirrors.archive("p", "1" * 40)))


def test_who_goes_away_leaves_no_process(tmp_path: Path, mirrors: Mirrors) -> None:
    origin = repository(tmp_path / "origin")
    (origin / "large").write_bytes(bytes(8_000_000))
    sha = commit(origin, "large")

    async def first_piece() -> tuple[int, set[str]]:
        await mirrors.fetch("p", str(origin), credentials=None)
        async with aclosing(mirrors.archive("p", sha)) as pieces:
            size = len(await anext(pieces))
            during = _archiving(tmp_path)
        return size, during

    size, during = asyncio.run(first_piece())
    # It waits for us: the rest neither was read ahead nor has been made.
    assert 0 < size < 1_000_000
    assert during
    assert not _archiving(tmp_path)


def _archiving(folder: Path) -> set[str]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if b"archive" in words and str(folder).encode() in words:
            found.add(path.parent.name)
    return found


def test_submodules_are_put_in_their_place(tmp_path: Path, mirrors: Mirrors) -> None:
    inner = repository(tmp_path / "inner", deepest="3")
    middle = repository(tmp_path / "middle", file="2")
    add_submodule(middle, str(inner), "lib/inner")
    origin = repository(tmp_path / "origin", top="1")
    add_submodule(origin, "../middle", "vendor/middle")
    commit(middle, "later", file="not yet")
    plain = contents(archived(mirrors, origin))
    assert set(plain) == {".gitmodules", "top"}
    data = archived(mirrors, origin, submodules=True)
    held = contents(data)
    assert held["vendor/middle/file"] == b"2"
    assert held["vendor/middle/lib/inner/deepest"] == b"3"
    assert data.endswith(END)
    with opened(data) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    assert (tmp_path / "out" / "top").read_text() == "1"
    assert len(list((tmp_path / "mirrors").glob("p-*.git"))) == 2
    asyncio.run(mirrors.remove("p"))
    assert not list((tmp_path / "mirrors").glob("p*"))


def test_a_submodule_that_has_not_its_commit_is_named(tmp_path: Path, mirrors: Mirrors) -> None:
    inner = repository(tmp_path / "inner")
    origin = repository(tmp_path / "origin")
    add_submodule(origin, str(inner), "lib")
    git(origin, "update-index", "--cacheinfo", f"160000,{'1' * 40},lib")
    git(origin, "commit", "-q", "-m", "to nowhere")
    with pytest.raises(UserError, match=r"the submodule lib: .*no such ref or commit"):
        archived(mirrors, origin, submodules=True)


def test_a_hostile_submodule_reaches_nothing(tmp_path: Path, mirrors: Mirrors) -> None:
    origin = repository(tmp_path / "origin")
    marked = tmp_path / "marked"
    for url in (f"ext::touch {marked}", "--upload-pack=touch", "http://127.0.0.1:1/x"):
        text = f'[submodule "x"]\n\tpath = lib\n\turl = {url}\n\tupdate = !touch {marked}\n'
        (origin / ".gitmodules").write_text(text)
        git(origin, "add", ".gitmodules")
        git(origin, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
        git(origin, "commit", "-q", "--allow-empty", "-m", "hostile")
        # git itself finds most of them out, while it fetches.
        with pytest.raises((UserError, Refused), match=r"submodule|broken or hostile"):
            archived(mirrors, origin, submodules=True)
    assert not marked.exists()


def test_submodules_that_never_end_are_cut_off(tmp_path: Path, mirrors: Mirrors) -> None:
    below = repository(tmp_path / "r0")
    for number in range(1, 8):
        above = repository(tmp_path / f"r{number}")
        add_submodule(above, str(below), "in")
        below = above
    with pytest.raises(UserError, match="more than 5 levels deep"):
        archived(mirrors, below, submodules=True)
    assert "in/in/in/in/in/README" in contents(archived(mirrors, tmp_path / "r5", submodules=True))


def test_without_git_lfs_large_files_are_refused(
    tmp_path: Path, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "bin" / "git-lfs", "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    with pytest.raises(Refused, match="need `git lfs`"):
        archived(mirrors, repository(tmp_path / "origin"), lfs=True)


def test_large_files_take_the_place_of_their_pointers(
    tmp_path: Path, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = f'echo "$@" >>{tmp_path}/words; if [ "$1" = smudge ]; then cat >&2; echo large; fi'
    script(tmp_path / "bin" / "git-lfs", record)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    files = {".gitattributes": "*.bin filter=lfs\n", "a.bin": "pointer\n", "b": "plain\n"}
    origin = repository(tmp_path / "origin", **files)
    assert contents(archived(mirrors, origin))["a.bin"] == b"pointer\n"
    held = contents(archived(mirrors, origin, lfs=True))
    assert (held["a.bin"], held["b"]) == (b"large\n", b"plain\n")
    sha = git(origin, "rev-parse", "HEAD")
    words = (tmp_path / "words").read_text().splitlines()
    assert words == ["version", f"fetch origin {sha}", "smudge"]


@given(
    some.lists(some.tuples(some.text("ab\N{SNOWMAN}", min_size=1, max_size=150), some.binary())),
    some.lists(some.integers(1, 700), min_size=1),
)
def test_a_body_is_all_but_the_end_however_it_is_cut(
    members: list[tuple[str, bytes]], cuts: list[int]
) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        length = archive.offset
    whole, body, out, at = file.getvalue(), Body(), b"", 0
    while at < len(whole):
        size = cuts[at % len(cuts)]
        out += body.feed(whole[at : at + size])
        at += size
    assert out == whole[:length]


def test_a_size_too_large_for_tar_is_believed() -> None:
    info = tarfile.TarInfo("huge")
    info.size = 1 << 34
    header = info.tobuf(tarfile.PAX_FORMAT).replace(b"20000000000\0", b"00000000000\0")
    body = Body()
    assert body.feed(header) == header
    assert body.feed(bytes(1024)) == bytes(1024)
