"""Hidden variables appear nowhere but in the environment of steps."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.program import Ended, end, project, run_ids, started, steer

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("engine")]
SECRET = 's3cr3t-"quoted"-$value/and+more'
STEPS = """\
box: {id: busybox, env: {COPY: "a $TOKEN"}}
build:
  services: [redis:7]
  steps:
    - script:
        name: use it
        code: |
          set -x
          [ "$COPY" = "a $TOKEN" ]
          echo "token: $TOKEN"
          printf '%s' "$TOKEN" | base64
          printf '%s' "$TOKEN" >"$WERCKER_SOURCE_DIR/used"
          END
  after-steps:
    - script:
        name: tell
        code: |
          echo "told: $WERCKER_FAILED_STEP_MESSAGE"
          printenv WERCKER_FAILED_STEP_MESSAGE | grep -cF "$TOKEN" || true
          env | grep -cF "$TOKEN"
"""


def hidden(*texts: str) -> None:
    """Check that the secret, or a good part of it, is in none of *texts*."""
    for text in texts:
        assert "s3cr3t" not in text
        assert "czNjcjN0" not in text, "base64"


def both(ended: Ended) -> str:
    return ended.out + ended.err


@pytest.mark.parametrize("flags", [[], ["-v"], ["--log-format", "json"], ["-q"]])
def test_a_secret_is_masked_in_all_that_is_printed_also_when_a_step_fails_with_it(
    tmp_path: Path, flags: list[str]
) -> None:
    folder = project(tmp_path / "p", STEPS.replace("END", 'fail "no luck with $TOKEN"'))
    ended = steer("build", *flags, cwd=folder, XXX_TOKEN=SECRET)
    assert ended.code == 1, both(ended)
    hidden(both(ended))
    assert "token: ***" in ended.out
    assert "no luck with ***" in both(ended)
    assert "told: no luck with ***" in ended.out
    if not flags:
        assert ended.out.splitlines()[-2:] == ["0", "2"], "the message is masked in the box too"


def test_a_secret_is_not_to_be_seen_in_the_engine_nor_among_processes_nor_on_the_disk(
    tmp_path: Path,
) -> None:
    folder = project(tmp_path / "p", STEPS.replace("END", "sleep 600"))
    with started("build", "-v", cwd=folder, until="token:", XXX_TOKEN=SECRET) as process:
        hidden(seen_at_engine(folder), processes(), kept_below(folder / ".wercker"))
        ended = end(process, signal.SIGINT)
    assert ended.code == 130
    hidden(both(ended), kept_below(folder / ".wercker"))


def seen_at_engine(folder: Path) -> str:
    """Return all the engine says of the containers of a run."""
    (run_id,) = run_ids(folder)
    words = ["docker", "ps", "-aq", "--filter", f"label=steersman.run={run_id}"]
    ids = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert len(ids) == 2, "box and service"
    told = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=True)
    assert len(json.loads(told.stdout)) == 2
    return told.stdout


def processes() -> str:
    """Return every command line of this machine, the containers' too where they run on it."""
    texts = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            texts.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return "\n".join(texts)


def kept_below(folder: Path) -> str:
    texts = [path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file()]
    return "\n".join([*texts, *map(str, folder.rglob("*"))])


def test_a_secret_in_the_name_of_an_image_is_masked_in_the_error(tmp_path: Path) -> None:
    text = "box: 'nowhere.invalid/$TOKEN:1'\nbuild: {steps: [{script: {code: a}}]}\n"
    for flags in ([], ["--log-format", "json"]):
        folder = project(tmp_path / "p", text)
        ended = steer("build", "--pull=never", *flags, cwd=folder, XXX_TOKEN="s3cr3t")
        assert ended.code == 3
        assert "***" in ended.err
        hidden(both(ended))


def test_a_secret_in_the_last_words_of_a_box_is_masked_in_the_hint(tmp_path: Path) -> None:
    text = """\
box: {id: busybox, entrypoint: sh -c 'echo last words s3cr3t'}
build: {steps: [{script: {code: a}}]}
"""
    ended = steer("build", cwd=project(tmp_path / "p", text), XXX_TOKEN="s3cr3t")
    assert ended.code == 3
    assert "it said: last words ***" in ended.err
    hidden(both(ended))


def test_the_password_of_a_box_is_masked(tmp_path: Path) -> None:
    text = """\
box: {id: busybox, username: me, password: s3cr3t-password}
build: {steps: [{script: {code: 'echo "is it s3cr3t-pass""word"'}}]}
"""
    ended = steer("build", "-v", cwd=project(tmp_path / "p", text))
    assert (ended.code, ended.out) == (0, "is it ***\n")
    hidden(ended.err)
