"""Disks that are full, and files a step left to do harm."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import (
    STEER,
    environment,
    project,
    steer,
)

QUICK = "box: busybox\nbuild:\n  steps:\n    - script: {name: hi, code: echo hi}\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 256 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=20", "tmpfs", str(disk)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "code",
    [
        "head -c 1000000 /dev/zero >$WERCKER_OUTPUT_DIR/big",
        "head -c 1000000 /dev/zero >$WERCKER_CACHE_DIR/big",
        "cd $WERCKER_OUTPUT_DIR; touch $(seq 1 99)",
    ],
)
def test_a_full_disk_is_said_and_leaves_nothing_half_done(
    tmp_path: Path, small_disk: Path, code: str
) -> None:
    folder = project(tmp_path / "p", QUICK.replace("echo hi", code))
    ended = steer("build", "-w", str(small_disk), cwd=folder)
    assert ended.code == 3, ended.err
    assert "the disk is full: cannot write" in ended.err
    assert "hint: free some space" in ended.err
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == []
    assert not (small_disk / "cache").exists()


@pytest.mark.parametrize("spare", [0, 1, 2, 3, 5, 7, 9])
def test_a_disk_that_is_full_from_the_start_is_said(
    tmp_path: Path, small_disk: Path, spare: int
) -> None:
    folder = project(tmp_path / "p", QUICK)
    for number in range(19 - spare):
        (small_disk / f"{number}").touch()
    ended = steer("build", "--on", "host", "-w", str(small_disk), cwd=folder)
    assert ended.code == 3, ended.err
    assert re.search(r"error: .*(No space left on device|the disk is full)", ended.err)
    assert "Traceback" not in ended.err
    assert list(small_disk.glob("host/*")) == []


def test_a_working_directory_on_a_read_only_disk_is_named(tmp_path: Path, small_disk: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    for name in ("builds", "steps"):
        (small_disk / name).mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for place in (small_disk, small_disk / "new"):
        ended = steer("build", "--on", "host", "-w", str(place), cwd=folder)
        assert ended.code == 2, ended.err
        assert f"cannot write to the working directory {place}" in ended.err
        assert "hint: name another one by --working-dir" in ended.err


PLANT = """\
cd "$D"
ln -s /etc/passwd to-a-file; ln -s /etc to-a-folder; ln -s . loop; ln -s ../../../.. up
mkfifo pipe; mkdir -p deep/er; echo real >deep/er/file; ln deep/er/file hard
[ -z "$MAKE_DEVICE" ] || mknod device c 1 5
"""


def test_what_is_planted_in_output_and_cache_takes_nothing_from_outside(
    tmp_path: Path, where: str
) -> None:
    code = "for D in $WERCKER_OUTPUT_DIR $WERCKER_CACHE_DIR; do (. ./plant); done"
    folder = project(tmp_path / "p", QUICK.replace("echo hi", code), {"plant": PLANT})
    device = "1" if where == "containers" else ""
    ended = steer("build", "--on", where, "--env", f"MAKE_DEVICE={device}", cwd=folder)
    assert ended.code == 0, ended.err
    for kept in (folder / ".wercker/latest/output", folder / ".wercker/cache"):
        names = {path.name for path in kept.rglob("*")}
        assert {"file", "hard", "deep", "er"} <= names
        assert not names & {"pipe", "device"}
        assert (kept / "deep/er/file").read_text() == "real\n"
        assert (kept / "hard").read_text() == "real\n"
        files = [path for path in kept.rglob("*") if path.is_file() and not path.is_symlink()]
        assert {path.name for path in files} == {"file", "hard"}
    assert "left out of the output: pipe" in ended.err
    assert "left out of the cache: pipe" in ended.err
    assert steer("build", "--on", where, "-p", "build", cwd=folder).code in (0, 1)


def test_an_output_folder_that_became_a_link_is_not_followed(tmp_path: Path, where: str) -> None:
    code = "rm -r $WERCKER_OUTPUT_DIR && ln -s /etc $WERCKER_OUTPUT_DIR"
    folder = project(tmp_path / "p", QUICK.replace("echo hi", code))
    assert steer("build", "--on", where, cwd=folder).code in (0, 1)
    assert list(folder.glob(".wercker/latest/output/passwd")) == []


def test_a_large_source_does_not_stay_in_memory(tmp_path: Path, where: str) -> None:
    folder = project(tmp_path / "p", QUICK.replace("echo hi", "wc -c <large"))
    with (folder / "large").open("wb") as file:
        file.truncate(300 << 20)
    code = (
        "import os, sys; pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ);"
        "_, status, used = os.wait4(pid, 0);"
        "print(used.ru_maxrss, file=sys.stderr); sys.exit(status >> 8)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *STEER, "build", "-q", "--on", where],
        cwd=folder, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, str(300 << 20)), done.stderr
    assert int(done.stderr) < 80 << 10
