"""What a box may try against the runner beside it: nothing gained, nothing hung, nothing green."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runner_pod.jobs import BOXES, Jobs, pipeline
from tests.runner_pod.platforms import Platform

pytestmark = pytest.mark.engine
TRAPS = r"""
    cd /pipeline/output; echo good > good; ln good twin
    mkfifo pipe; mkfifo /pipeline/cache/pipe; ln -s /steersman/order/spec.json stolen
    ln -s ../../spool up; ln -s / all; mkdir locked; echo x > locked/x; chmod 0 locked/x locked
    mkdir deep; ln -s /proc/1 deep/self; umask 077; mkdir private; echo p > private/p
    (while :; do ln -s /steersman/order swap; rm swap; mkdir swap; rmdir swap; done) &
    set +e
    ls /steersman; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n'
    for each in /proc/[0-9]*; do ls -l $each/fd $each/root/steersman/order 2>/dev/null; done
    for each in session/session.sh session/new given/new given/fetched/new; do
    if echo 2>/dev/null >>/steersman/$each; then echo "WRITTEN $each"; fi
    done
    rm -f /steersman/session/control 2>/dev/null && echo REMOVED
    ls /steersman/session
"""
KILLS = "echo before; kill -9 -1; echo alone; kill -9 $$; echo never"
LINKED = "rmdir /pipeline/output; ln -s /proc/self /pipeline/output; echo linked"
NOISE = r"""
    cd /steersman/session; set +e
    (head -c 3000000 /dev/zero | tr '\0' x >control; echo >control) &
    for number in 1 2 3 4 5 6 7 8 9; do echo "done $number 0 0" >control; done
    head -c 200000 /dev/urandom >control
    wait; exit 7
"""


@pytest.fixture(scope="module")
def jobs(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    found = Jobs(platform, tmp_path_factory.mktemp("jobs"))
    for name, box in BOXES.items():
        found.begin(f"traps-{name}", {"wercker.yml": pipeline(box, TRAPS)})
        found.begin(f"kills-{name}", {"wercker.yml": pipeline(box, KILLS)})
    found.begin("linked", {"wercker.yml": pipeline("busybox", LINKED)})
    found.begin("noise", {"wercker.yml": pipeline("busybox", NOISE)})
    yield found
    found.close()


@pytest.mark.parametrize("box", BOXES)
def test_links_pipes_and_locked_folders_are_taken_as_what_they_are(box: str, jobs: Jobs) -> None:
    over = jobs.over(f"traps-{box}")
    assert over.attempt["state"] == "succeeded", over.log
    found = over.files["output"]
    assert {"good", "twin", "stolen", "all", "private/p", "locked/x"} <= found
    assert "pipe" not in found
    assert not any(name.startswith(("stolen/", "all/", "deep/self/", "swap/")) for name in found)
    assert "left out of the output: pipe (a pipe" in over.log


@pytest.mark.parametrize("box", BOXES)
def test_the_runner_its_order_and_its_log_are_out_of_reach(box: str, jobs: Jobs) -> None:
    over = jobs.over(f"traps-{box}")
    assert "session.sh" in over.log
    for word in (over.token, "WRITTEN", "REMOVED", "spec.json", "pod_runner"):
        assert word not in over.log


@pytest.mark.parametrize("box", BOXES)
def test_a_step_that_kills_everything_fails_and_after_steps_run(box: str, jobs: Jobs) -> None:
    over = jobs.over(f"kills-{box}")
    assert (over.attempt["state"], over.attempt["reason"]) == ("failed", "step-failed"), over.log
    assert "the shell of the step was killed by SIGKILL" in over.attempt["message"]
    assert "never" not in over.log
    assert "after-step ran" in over.log


def test_an_output_that_is_a_link_gives_nothing(jobs: Jobs) -> None:
    over = jobs.over("linked")
    assert over.attempt["state"] == "succeeded", over.log
    assert over.files == {}
    assert "after-step ran" in over.log


def test_words_in_the_control_pipe_end_nothing_but_their_own_job(jobs: Jobs) -> None:
    # It may lie about its own steps, as it may by `exit 0`; its runner ends in order.
    assert jobs.over("noise").code == 0
