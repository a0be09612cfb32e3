"""What the programs of a pod may import: it is most of their start, and so of every job's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from steersman.cli import pod_prepare, pod_runner
from steersman.cluster.kubernetes.containers import PREPARE
from steersman.sessions import pipes

SHOWN = "import sys; print(*sys.modules)"
FIRST = (
    "steersman.executor",
    "steersman.containers",
    "steersman.core.pipelines",
    "steersman.trees",
)
"""What a runner imports only while the server answers."""
LATER = ("yaml", "steersman.executor.attempt", "tarfile")
"""What it imports only while the source comes."""
NEVER = (
    "h11",
    "httpx2",
    "click",
    "rich",
    "pydantic",
    "multiprocessing",
    "email",
    "uuid",
    "decimal",
)


def modules(text: str, **env: str) -> set[str]:
    """Return what is imported once *text* has run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"{text}\n{SHOWN}"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **env},
    )
    return set(done.stdout.split())


def below(found: set[str], names: tuple[str, ...]) -> set[str]:
    return {each for each in found if each.startswith(tuple(f"{name}." for name in names))} | (
        found & set(names)
    )


def test_what_all_containers_wait_for_imports_nothing_but_itself(tmp_path: Path) -> None:
    for name in ("session", "work"):
        (tmp_path / name).mkdir()
    words = PREPARE[-1].replace("run()", f"main({str(tmp_path)!r})")
    new = modules(words) - modules("")
    assert {each for each in new if not each.startswith("steersman")} <= {"__future__", "gc"}
    assert len(new) < 12, new
    assert {each.name for each in (tmp_path / "session").iterdir()} > set(pipes.NAMES)


def test_a_runner_asks_for_its_job_before_it_imports_what_does_it() -> None:
    found = modules("import steersman.cli.pod_runner")
    assert not below(found, (*FIRST, *LATER, *NEVER))


def test_a_runner_fetches_its_source_before_it_imports_what_reads_it() -> None:
    found = modules("import steersman.cli.pod_parts, steersman.client.light")
    assert below(found, FIRST)
    assert not below(found, (*LATER, *NEVER))


def test_what_cannot_be_prepared_is_said_where_the_node_shows_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = tmp_path / "termination"
    assert pod_prepare.main(str(tmp_path), str(said)) == pod_prepare.FAILED
    assert said.read_text() == f"prepare: {tmp_path}: No such file or directory\n"
    assert said.read_text() in capfd.readouterr().err


def test_an_image_that_is_newer_than_its_worker_says_so(tmp_path: Path) -> None:
    said = tmp_path / "termination"
    (tmp_path / "spool").mkdir()
    assert pod_runner.main(["prepare"], pod_runner.Volumes(tmp_path, said)) == 2
    assert "of the same version" in said.read_text()
