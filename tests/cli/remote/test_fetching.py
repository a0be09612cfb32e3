"""What a run left, brought home; and a job of the server, run here once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.remote.conftest import Stage, Steer, same

FILE = """box: busybox
build:
  retry-on-error: never
  steps:
    - script:
        name: look
        code: |
          echo "it says $(cat note.txt), $GREETING and ${PW:-nothing secret}"
          cat "$WERCKER_CACHE_DIR/kept" 2>/dev/null || echo "no cache"
          exit $CODE
"""


@pytest.fixture(scope="module")
def left(stage: Stage) -> str:
    """A run with an output and two reports, one of a hostile name; it used a secret."""
    stage.repository.commit({"wercker.yml": FILE, "note.txt": "hello"})
    stage.api("PUT", "projects/shop/secrets/PW", {"value": "sesame"})
    variables = {"GREETING": "good morning", "CODE": "4"}
    wanted = {"branch": "main", "variables": variables}
    made = stage.api("POST", "projects/shop/triggers", wanted)
    runner = stage.runner()
    runner.leave("output", "output", {"a/b.txt": b"b", "../../out": b"evil"})
    runner.leave("report", "test", {"one.xml": b"<x/>"})
    runner.leave("report", "%2e%2e", {"two.xml": b"<y/>"})
    runner.end("failed")
    return stage.run_of(made)


def test_artifacts_are_listed(steer: Steer, stage: Stage, left: str) -> None:
    lines = same(steer("artifact", "list", left).out, stage).splitlines()
    assert lines[0] == "ID  JOB  KIND  NAME  SIZE  FILES  EXPIRES"
    assert lines[1].startswith("ID  build  output  output  10.0 KiB  0")
    assert len(lines) == 4


def test_everything_of_a_run_is_pulled_into_one_new_folder(steer: Steer, left: str) -> None:
    folder = left.replace("/", "-")
    assert steer("pull", left) == (0, f"unpacked 3 artifact(s) into {folder}\n", "")
    found = sorted(str(path) for path in Path().rglob("*") if path.is_file())
    assert found == [
        f"{folder}/build/output/a/b.txt",
        f"{folder}/build/reports/%2E%2E/two.xml",
        f"{folder}/build/reports/test/one.xml",
    ]
    again = steer("pull", left)
    assert again.code == 2
    assert again.err == f"error: there is a {folder} already\n\nhint: name a new folder by --into\n"


def test_one_artifact_is_fetched_by_its_id(steer: Steer, left: str) -> None:
    names = steer("artifact", "list", left, "-o", "name").out.split()
    assert steer("artifact", "get", names[1], "--into", "one").code == 0
    assert Path("one/one.xml").read_bytes() == b"<x/>"
    assert steer("artifact", "get", left, "--into", "all").code == 0
    assert Path("all/build/output/a/b.txt").is_file()
    assert steer("artifact", "get", "0" * 26).err.startswith("error: there is no run")


def test_a_damaged_artifact_leaves_nothing_behind(steer: Steer, stage: Stage, left: str) -> None:
    blobs = stage.repository.folder.parent / "data" / "blobs" / "artifacts+"
    blob, whole = next(
        (path, path.read_bytes())
        for path in blobs.rglob("*")
        if path.is_file() and b"<x/>" in path.read_bytes()
    )
    identity = steer("artifact", "list", left, "-o", "name").out.split()[1]
    blob.write_bytes(whole.replace(b"<x/>", b"<z/>"))
    damaged = steer("artifact", "get", identity, "--into", "damaged")
    assert damaged.code == 3
    assert damaged.err.startswith(f"error: the artifact {identity} is damaged")
    assert steer("pull", left, "--into", "all").code == 3
    assert not Path("damaged").exists()
    assert not Path("all").exists()
    blob.write_bytes(whole)


def test_a_job_is_replayed_with_what_it_had(
    steer: Steer, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PW", "other secret")
    replayed = steer("replay", left, "--on", "host", "--log-format", "plain")
    assert replayed.code == 1
    assert "it says hello, good morning and ***" in replayed.out
    assert "no cache" in replayed.out
    assert "step look failed" in replayed.err
    assert "exit code 4" in replayed.err


def test_a_replay_asks_for_its_secrets(steer: Steer, left: str) -> None:
    refused = steer("replay", left, "--on", "host")
    assert refused == (
        2,
        "",
        (
            "error: the job had secrets that your environment does not hold: PW\n\n"
            "hint: set them, or give --skip-secrets\n"
        ),
    )
    skipped = steer("replay", left, "build", "--on", "host", "--skip-secrets", "-q")
    assert (skipped.code, skipped.out) == (
        1,
        "it says hello, good morning and nothing secret\nno cache\n",
    )
    assert not list(Path(".wercker/builds").glob("*/source"))
