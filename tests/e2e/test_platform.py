"""The whole way of a newcomer: bring the platform up, push, watch it go green, replay what failed.

Real programs, a real repository with the real hook, jobs in containers of the real engine.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.program import Ended, environment, left_at_engine, steer
from tests.platform.programs import Program, free_port, until

PIPELINE = """\
box: busybox
build:
  reports: {junit: ["out/*.xml"]}
  steps:
    - script:
        name: make
        code: |
          mkdir out
          echo '<testsuite><testcase classname="c" name="good"/></testsuite>' > out/unit.xml
          echo "secret is $PASSWORD"
          echo made > "$WERCKER_OUTPUT_DIR/made.txt"
deploy:
  steps:
    - script:
        name: use
        code: cat made.txt
both:
  steps:
    - script:
        name: use
        code: cat build/made.txt deploy/made.txt; ls
broken:
  steps:
    - acme/greet: {who: you}
    - script:
        name: boom
        code: echo "before the end" && test "$PASSWORD" = right
image:
  steps:
    - internal/docker-push: {repository: example.com/shop}
workflows:
  - name: ship
    pipelines:
      - name: build
      - name: deploy
        requires: [build]
      - name: both
        requires: [build, deploy]
"""


class Here(NamedTuple):
    """A platform that is up, and where its things are."""

    folder: Path
    url: str

    def steer(self, *words: str, **env: str) -> Ended:
        given = {"XDG_CONFIG_HOME": str(self.folder / "config"), **env}
        return steer(*words, cwd=self.folder, timeout=90, **given)

    def good(self, *words: str, **env: str) -> str:
        done = self.steer(*words, **env)
        assert done.code == 0, f"{words}: {done}"
        return done.out

    def run(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.good("show", name, "-o", "json"))
        return found


@pytest.fixture(scope="module")
def here(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder = tmp_path_factory.mktemp("platform")
    listen = f"127.0.0.1:{free_port()}"
    words = ["up", "--data", str(folder / "data"), "--listen", listen]
    program = Program(words, folder / "up.log")
    program.start()
    try:
        until(lambda: "steer trigger" in program.text, "the platform is up")
        found = re.search(r"--token (steer_pat_\w+)", program.text)
        assert found is not None
        at = Here(folder, f"http://{listen}")
        at.good("login", at.url, "--token", found[1])
        assert oct((folder / "config/steersman/servers.toml").stat().st_mode)[-3:] == "600"
        yield at
    finally:
        program.kill(signal.SIGTERM)


def _git(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    return subprocess.run(
        ["git", *identity, *words],
        cwd=cwd,
        check=True,
        capture_output=True,
        text=True,
        env=environment(),
    )


def _pushed(at: Here, name: str, files: dict[str, str]) -> str:
    """Make a project of a bare repository with the hook, push to it, return what git printed."""
    bare, work = at.folder / f"{name}.git", at.folder / name
    _git("init", "-q", "--bare", "-b", "main", str(bare), cwd=at.folder)
    at.good("project", "add", name, "--repository", str(bare))
    at.good("project", "hook", name, "--install", str(bare))
    _git("clone", "-q", str(bare), str(work), cwd=at.folder)
    _git("switch", "-q", "-c", "main", cwd=work)
    for path, text in files.items():
        (work / path).write_text(text)
    _git("add", "-A", cwd=work)
    _git("commit", "-q", "-m", "first", cwd=work)
    return _git("push", "-q", "origin", "main", cwd=work).stderr


@pytest.fixture(scope="module")
def shop(here: Here) -> str:
    """A project whose first push went through."""
    step = here.folder / "greet"
    step.mkdir()
    (step / "step.yml").write_text("name: greet\nversion: 1.0.0\nproperties: [{name: who}]\n")
    (step / "run.sh").write_text('echo "hello $WERCKER_GREET_WHO"\n')
    here.good("step", "publish", str(step), "--owner", "acme")
    secret = here.folder / "password"
    secret.write_text("correct-horse")
    said = _pushed(here, "shop", {"wercker.yml": PIPELINE})
    assert f"{here.url}/runs/" in said
    return "shop"


def test_a_push_to_a_bare_repository_runs_the_workflow_to_green(here: Here, shop: str) -> None:
    done = here.steer("watch", f"{shop}/1")
    assert done.code == 0, done
    assert re.search(r"^deploy: succeeded", done.out, re.MULTILINE)
    run = here.run(f"{shop}/1")
    assert (run["state"], run["branch"], run["event"]) == ("succeeded", "main", "push")


def test_the_output_of_one_pipeline_is_the_source_of_the_next(here: Here, shop: str) -> None:
    here.good("wait", f"{shop}/1")
    assert here.good("logs", f"{shop}/1", "deploy").startswith("made\n")
    assert here.good("logs", f"{shop}/1", "both") == "made\nmade\nbuild\ndeploy\n"
    here.good("pull", f"{shop}/1", "--into", str(here.folder / "pulled"))
    assert (here.folder / "pulled/build/output/made.txt").read_text() == "made\n"


def test_results_of_tests_and_what_each_step_used_are_kept(here: Here, shop: str) -> None:
    here.good("wait", f"{shop}/1")
    assert "[steersman] tests: 1 passed, 0 failed" in here.good("logs", f"{shop}/1", "build")


def test_a_secret_reaches_its_job_and_no_log(here: Here, shop: str) -> None:
    file = str(here.folder / "password")
    here.good("secret", "set", shop, "PASSWORD", "--value-file", file, "--pipeline", "build")
    here.good("trigger", shop, "--branch", "main", "--wait")
    name = f"{shop}/{_newest(here, shop)}"
    assert "secret is ***" in here.good("logs", name, "build")
    assert "correct-horse" not in here.good("show", name, "-o", "json")


def _newest(at: Here, project: str) -> int:
    runs = json.loads(at.good("runs", project, "-o", "json"))
    return int(max(run["number"] for run in runs))


def test_a_failed_job_is_replayed_on_this_machine(here: Here, shop: str) -> None:
    done = here.steer("trigger", shop, "--branch", "main", "--target", "broken", "--watch")
    assert done.code == 1, done
    name = f"{shop}/{_newest(here, shop)}"
    log = here.good("logs", name)
    assert log == "hello you\nbefore the end\n"
    replay = here.steer("replay", name)
    assert replay.code == 1, replay
    assert replay.out.endswith(log)
    assert "boom failed" in replay.err


def test_a_job_makes_no_images_at_the_engine_of_all_unless_the_admin_says_so(
    here: Here, shop: str
) -> None:
    done = here.steer("trigger", shop, "--branch", "main", "--target", "image", "--watch")
    assert done.code == 1, done
    log = here.good("logs", f"{shop}/{_newest(here, shop)}")
    assert "the step internal/docker-push is not allowed here" in log
    assert "--docker" in log


def test_a_step_of_the_server_is_used_on_this_machine_too(here: Here, shop: str) -> None:
    folder = here.folder / "uses"
    folder.mkdir()
    text = "box: busybox\nbuild:\n  steps:\n    - acme/greet@1.x: {who: us}\n"
    (folder / "wercker.yml").write_text(text)
    words = ("build", str(folder), "--on", "host", "--step-registry", "server")
    assert here.good(*words) == "hello us\n"


def test_the_doctor_asks_the_server_and_the_engine(here: Here) -> None:
    said = here.good("doctor")
    assert f"ok     {here.url} knows you as admin" in said
    assert "answers at unix://" in said


def test_a_mended_cause_makes_a_retry_green(here: Here, shop: str) -> None:
    done = here.steer("trigger", shop, "--branch", "main", "--target", "broken", "--wait")
    assert done.code == 1
    name = f"{shop}/{_newest(here, shop)}"
    right = here.folder / "right"
    right.write_text("right")
    here.good("secret", "set", shop, "PASSWORD", "--value-file", str(right), "--pipeline", "broken")
    here.good("retry", name)
    here.good("wait", name)
    assert [job["state"] for job in here.run(name)["jobs"]] == ["succeeded"]
    here.good("secret", "rm", shop, "PASSWORD")


def test_a_file_with_mistakes_makes_a_run_that_shows_the_line(here: Here) -> None:
    _pushed(here, "wrong", {"wercker.yml": "box: busybox\nbuild:\n  steps: {}\n"})
    done = here.steer("watch", "wrong/1")
    assert done.code == 1
    shown = here.good("show", "wrong/1")
    assert "wercker.yml:3:10" in shown


def test_a_backup_brings_everything_back(here: Here, shop: str, tmp_path: Path) -> None:
    here.good("wait", f"{shop}/1")
    here.good("backup", str(tmp_path / "all.tar"), "--data", str(here.folder / "data"))
    assert oct((tmp_path / "all.tar").stat().st_mode)[-3:] == "600"
    here.good("restore", str(tmp_path / "all.tar"), "--data", str(tmp_path / "again"))
    listen = f"127.0.0.1:{free_port()}"
    words = ["server", "--data", str(tmp_path / "again"), "--listen", listen]
    program = Program(words, tmp_path / "again.log")
    program.start()
    try:
        until(lambda: "is up at" in program.text, "the restored server is up")
        assert "shown this once" not in program.text, "its users are there already"
        token = re.search(
            r"steer_pat_\w+", (here.folder / "config/steersman/servers.toml").read_text()
        )
        assert token is not None
        env = {"STEERSMAN_SERVER": f"http://{listen}", "STEERSMAN_TOKEN": token[0]}
        assert here.good("logs", f"{shop}/1", "deploy", **env).startswith("made\n")
        here.good("pull", f"{shop}/1", "--into", str(tmp_path / "pulled"), **env)
        assert (tmp_path / "pulled/build/output/made.txt").read_text() == "made\n"
    finally:
        program.kill(signal.SIGTERM)


def test_nothing_stands_at_the_engine_afterwards(here: Here, shop: str) -> None:
    here.good("wait", f"{shop}/1")
    run = here.run(f"{shop}/1")
    attempts = {attempt["id"] for job in run["jobs"] for attempt in job["attempts"]}
    assert attempts
    assert left_at_engine(attempts) == []
