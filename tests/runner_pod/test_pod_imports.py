"""What the programs of a pod may import: it is most of their start, and so of every job's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from steersman.cli import pod_runner
from steersman.cluster.kubernetes import preparing

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
NEVER = ("httpx2", "click", "rich", "pydantic", "multiprocessing", "email", "uuid", "decimal")


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


def test_a_runner_asks_for_its_job_before_it_imports_what_does_it() -> None:
    found = modules("import steersman.cli.pod_runner")
    assert not below(found, (*FIRST, *LATER, *NEVER))


def test_a_runner_fetches_its_source_before_it_imports_what_reads_it() -> None:
    found = modules("import steersman.cli.pod_parts, steersman.client.light")
    assert below(found, FIRST)
    assert not below(found, (*LATER, *NEVER))


def test_what_cannot_be_prepared_is_said_where_the_node_shows_it(tmp_path: Path) -> None:
    said = tmp_path / "termination"
    (tmp_path / "session").mkdir()
    words = preparing.command(str(tmp_path), str(tmp_path / "none"), str(said))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == preparing.FAILED
    assert re.fullmatch(r"prepare: cp: .*/none/sessions/session\.sh.*\n", said.read_text())
    assert said.read_text() == done.stderr


def test_an_image_that_is_newer_than_its_worker_says_so(tmp_path: Path) -> None:
    said = tmp_path / "termination"
    (tmp_path / "spool").mkdir()
    assert pod_runner.main(["prepare"], pod_runner.Volumes(tmp_path, said)) == 2
    assert "of the same version" in said.read_text()
