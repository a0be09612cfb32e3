"""The box as an image: checkpoints to begin at another time, and `--commit`."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import left_at_engine, project, run_ids, steer

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("engine")]

STEPS = """\
box: {0}
build:
  base-path: /app
  steps:
    - script: {{code: 'mkdir /kept; echo slow > /kept/it; echo old > stale', checkpoint: ready}}
    - script: {{code: 'echo "has $(cat /kept/it)"; ls', checkpoint: later}}
"""


@pytest.fixture
def box() -> Iterator[str]:
    """A name for busybox that is ours alone, so that nothing else has its tags."""
    name = f"steersman-test-{uuid.uuid4().hex[:8]}"
    subprocess.run(["docker", "tag", "busybox", name], check=True)
    yield name
    listed = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", name]
    found = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(["docker", "rmi", *found], check=True, capture_output=True)


def test_a_run_begins_after_a_checkpoint_with_its_box_and_todays_source(
    tmp_path: Path, box: str
) -> None:
    folder = project(tmp_path / "p", STEPS.format(box), {"first.txt": ""})
    early = steer("build", "--docker-local", "--checkpoint", "ready", cwd=folder)
    assert (early.code, "was not made here yet" in early.err) == (2, True), early.err
    first = steer("build", "--docker-local", cwd=folder)
    assert first.code == 0, first.err
    (folder / "first.txt").rename(folder / "second.txt")
    again = steer("build", "--docker-local", "--checkpoint", "ready", cwd=folder)
    assert again.code == 0, again.err
    assert again.out.splitlines() == ["has slow", "second.txt", "wercker.yml"]
    unknown = steer("build", "--docker-local", "--checkpoint", "nix", cwd=folder)
    assert (unknown.code, "it has ready, later" in unknown.err) == (2, True)
    assert left_at_engine(run_ids(folder)) == []


def test_the_box_becomes_an_image_only_when_all_has_succeeded(tmp_path: Path, box: str) -> None:
    folder = project(tmp_path / "p", STEPS.format(box))
    words = ("build", "--docker-local", "--commit", f"{box}:made")
    failed = steer(*words, "-e", "X_A=1", cwd=project(tmp_path / "f", f"box: {box}\n" + FAILING))
    assert (failed.code, found(f"{box}:made")) == (1, None)
    done = steer(*words, "--message", "by hand", cwd=folder, XXX_SECRET="very-hidden-value")
    assert done.code == 0, done.err
    image = found(f"{box}:made")
    assert image is not None
    assert image["Comment"] == "by hand"
    assert image["Config"]["Cmd"] == ["sh"]
    assert "very-hidden-value" not in json.dumps(image)
    cat = ["docker", "run", "--rm", f"{box}:made", "cat", "/kept/it", "/app/stale"]
    assert subprocess.run(cat, capture_output=True, text=True).stdout == "slow\nold\n"


FAILING = "build:\n  steps:\n    - script: {code: exit 1}\n"


def found(name: str) -> dict[str, Any] | None:
    done = subprocess.run(["docker", "inspect", name], capture_output=True, text=True)
    return dict(json.loads(done.stdout)[0]) if done.returncode == 0 else None


def test_where_no_images_are_made_that_is_said(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", STEPS.format("busybox").replace("  base-path: /app\n", ""))
    for words in (("--commit", "a"), ("--checkpoint", "ready")):
        ended = steer("build", "--on", "host", *words, cwd=folder)
        assert (ended.code, f"needs {words[0]}" in ended.err) == (2, True), ended.err
