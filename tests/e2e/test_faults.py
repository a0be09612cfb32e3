"""Engines that hang or are not there, and boxes that do not come up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import engines
from tests.e2e.program import (
    left_at_engine,
    project,
    run_ids,
    steer,
)

QUICK = "box: busybox\nbuild:\n  steps:\n    - script: {name: hi, code: echo hi}\n"


def test_an_engine_that_hangs_is_given_up_and_never_replaced_by_the_host(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    with engines.silent(tmp_path / "e.sock") as address:
        ended = steer(
            "build", cwd=folder, DOCKER_CONFIG=engines.as_context(tmp_path / "docker", address)
        )
    assert (ended.code, ended.out) == (3, "")
    assert "did not answer within 5 seconds" in ended.err
    assert "hint:" in ended.err


def test_the_host_takes_over_where_no_engine_listens_and_says_so(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    nobody = engines.as_context(tmp_path / "docker", f"unix://{tmp_path}/no.sock")
    ended = steer("build", cwd=folder, DOCKER_CONFIG=nobody)
    assert (ended.code, ended.out) == (0, "hi\n")
    assert "no container engine answers" in ended.err
    assert "no.sock" in ended.err


@pytest.mark.parametrize("flags", [["--on", "containers"], ["--direct-mount"]])
def test_the_host_does_not_take_over_where_containers_are_asked_for(
    tmp_path: Path, flags: list[str]
) -> None:
    folder = project(tmp_path / "p", QUICK)
    nobody = engines.as_context(tmp_path / "docker", f"unix://{tmp_path}/no.sock")
    ended = steer("build", *flags, cwd=folder, DOCKER_CONFIG=nobody)
    assert (ended.code, ended.out) == (3, "")
    assert "hint: start Docker or Podman" in ended.err


def test_an_engine_that_was_named_is_not_replaced_by_the_host(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    ended = steer("build", cwd=folder, DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert (ended.code, ended.out) == (3, "")
    assert "no.sock" in ended.err
    assert "hint:" in ended.err


@pytest.fixture
def empty_image() -> Iterator[str]:
    """Make an image in which there is nothing at all."""
    name = f"steersman-test-empty:{os.getpid()}"
    nothing = bytes(10240)
    subprocess.run(["docker", "import", "-", name], input=nothing, check=True, capture_output=True)
    yield name
    subprocess.run(["docker", "rmi", name], check=True, capture_output=True)


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
class TestBoxes:
    """Boxes that are none."""

    def test_a_box_without_a_shell_is_named(self, tmp_path: Path, empty_image: str) -> None:
        folder = project(tmp_path / "p", QUICK.replace("busybox", empty_image))
        ended = steer("build", "--pull", "never", cwd=folder)
        assert ended.code == 3
        assert f"/bin/sh is missing in image {empty_image}" in ended.err
        assert "hint: use an image with a POSIX shell" in ended.err
        assert left_at_engine(run_ids(folder)) == []

    @pytest.mark.parametrize(
        ("box", "says", "code"),
        [
            ("{id: busybox, entrypoint: /bin/true}", "the box ended before its shell was ready", 3),
            ("{id: busybox, entrypoint: sh -c 'echo last words'}", "it said: last words", 3),
            ("{id: busybox, cmd: /bin/nowhere}", "/bin/nowhere", 2),
            ("{id: busybox, user: nobody-here}", "user nobody-here is not in /etc/passwd", 3),
        ],
    )
    def test_a_box_that_does_not_come_up_says_why(
        self, tmp_path: Path, box: str, says: str, code: int
    ) -> None:
        folder = project(tmp_path / "p", QUICK.replace("box: busybox", f"box: {box}"))
        ended = steer("build", cwd=folder)
        assert ended.code == code
        assert says in ended.err
        assert "hint:" in ended.err
        assert "Traceback" not in ended.err
        assert left_at_engine(run_ids(folder)) == []

    def test_a_step_that_kills_shell_and_supervisor_has_failed_and_nothing_else(
        self, tmp_path: Path
    ) -> None:
        folder = project(tmp_path / "p", QUICK.replace("echo hi", "kill -9 $PPID $$; sleep 9"))
        ended = steer("build", cwd=folder)
        assert ended.code == 1, ended.err
        assert "step hi failed" in ended.err
        assert "error:" not in ended.err
        assert left_at_engine(run_ids(folder)) == []
