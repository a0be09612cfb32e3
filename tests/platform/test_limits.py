"""A job that runs for too long is ended by its runner, in order."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.platform.programs import machine, repository, until

PIPELINE = """\
box: busybox
build:
  steps:
    - script: {name: sleep, code: "echo begun; sleep 300"}
  after-steps:
    - script: {name: tell, code: "echo $WERCKER_RESULT"}
"""


def test_a_job_past_its_time_fails_as_timed_out_after_its_after_steps(tmp_path: Path) -> None:
    source = repository(tmp_path / "shop", {"wercker.yml": PIPELINE})
    with machine(tmp_path) as here:
        here.start()
        here.add_project("shop", source)
        here.trigger("shop", branch="main")
        until(lambda: here.runs("shop"), "the run is there")
        with sqlite3.connect(here.data / "steersman.db", timeout=20) as rows:
            rows.execute('UPDATE attempts SET "limit" = 2')
        here.start_worker()
        until(lambda: here.run("shop/1")["ended"], "the run has ended")
        [job] = here.run("shop/1")["jobs"]
        [attempt] = job["attempts"]
        assert (attempt["state"], attempt["reason"]) == ("failed", "timed-out")
        assert attempt["message"] == "it ran for longer than its 2 seconds"
        log = here.log(attempt["id"]).decode()
        assert "begun\n" in log
        assert log.endswith("failed\n"), "the after-steps ran"
