"""Runs that are processes of this machine: begun once, ended as a whole, and never forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest

from steersman.core.errors import Unavailable
from steersman.core.schedules import fires
from steersman.core.schedules.fires import Outcome
from steersman.cron.launchers.base import Impossible, Run
from steersman.cron.processes import records, shim, spawning
from steersman.cron.processes.environments import environment
from steersman.cron.processes.launcher import ProcessLauncher
from steersman.cron.processes.records import Process, Stage
from tests.cron import commands
from tests.cron.commands import claim, ended, work


def test_two_who_launch_the_same_at_once_begin_it_once(tmp_path: Path) -> None:
    out = tmp_path / "out"
    what = work("sh", "-c", f"echo begun >> {out}; echo $0 is $STEERSMAN_INSTANT >> {out}")

    async def use(one: ProcessLauncher) -> None:
        fire = claim(one, what)
        several = [one, *(commands.launcher(tmp_path) for _ in range(3))]
        uids = await asyncio.gather(*(each.launch(what, fire) for each in several))
        assert len(set(uids)) == 1
        run = await ended(one, fire.run)
        assert (run.outcome, run.uid) == (Outcome.SUCCEEDED, uids[0])
        for each in several:
            assert await each.launch(what, fire) == run.uid

    commands.run(tmp_path, use)
    assert out.read_text() == "begun\nsh is 2027-01-15T08:00:00Z\n"


def test_an_exit_that_nobody_waited_for_is_known_to_the_next_one(tmp_path: Path) -> None:
    what = work("sh", "-c", "read _ < gate; exit 3", directory=str(tmp_path))
    os.mkfifo(tmp_path / "gate")

    async def use(one: ProcessLauncher) -> None:
        fire = claim(one, what)
        uid = await one.launch(what, fire)
        await one.close()
        await asyncio.to_thread((tmp_path / "gate").write_text, "go\n")
        run = await ended(commands.launcher(tmp_path), fire.run)
        assert (run.uid, run.key, run.outcome) == (uid, fire.key, Outcome.FAILED)
        assert run.message == "it ended with 3"
        assert run.ended is not None

    commands.run(tmp_path, use)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/nowhere/x"], "cannot start /nowhere/x: No such file or directory"),
        (["/etc/passwd"], "cannot start /etc/passwd: Permission denied"),
    ],
)
def test_a_command_that_cannot_start_has_failed_and_says_why(
    tmp_path: Path, command: list[str], said: str
) -> None:
    async def use(one: ProcessLauncher) -> None:
        fire = claim(one, work(*command))
        await one.launch(work(*command), fire)
        assert (await ended(one, fire.run)).outcome is Outcome.FAILED
        output = tmp_path / commands.RUNS / fire.run / shim.OUTPUT
        assert said in output.read_text()

    commands.run(tmp_path, use)


def test_a_limit_ends_all_that_belongs_to_a_run_also_what_will_not(tmp_path: Path) -> None:
    deaf = "trap '' TERM; (while :; do sleep 1; done) & echo $! > pid; wait"
    what = work("sh", "-c", deaf, directory=str(tmp_path), limit=1.0)

    async def use(one: ProcessLauncher) -> None:
        fire = claim(one, what)
        await one.launch(what, fire)
        run = await ended(one, fire.run)
        assert run.outcome is Outcome.FAILED
        assert run.message == "it was ended, as its limit of 1s was over"

    commands.run(tmp_path, use)
    assert not _there(int((tmp_path / "pid").read_text()))


def test_stopping_asks_politely_and_another_launcher_may_do_it(tmp_path: Path) -> None:
    polite = "trap 'echo bye; exit 0' TERM; echo ready > ready; while :; do sleep 0.1; done"
    what = work("sh", "-c", polite, directory=str(tmp_path))
    os.mkfifo(tmp_path / "ready")

    async def use(one: ProcessLauncher) -> None:
        fire = claim(one, what)
        await one.launch(what, fire)
        assert await asyncio.to_thread((tmp_path / "ready").read_text) == "ready\n"
        await commands.launcher(tmp_path).stop(fire.run)
        run = await ended(one, fire.run)
        assert (run.outcome, run.message) == (Outcome.FAILED, "it was ended on request")
        assert "bye" in (tmp_path / commands.RUNS / fire.run / shim.OUTPUT).read_text()

    commands.run(tmp_path, use)


def test_who_loses_its_shim_is_ended_and_lost(tmp_path: Path) -> None:
    async def use(one: ProcessLauncher) -> None:
        fire = claim(one, work("sleep", "600"))
        await one.launch(work("sleep", "600"), fire)
        record = records.look(tmp_path / commands.RUNS / fire.run)
        assert record is not None
        assert record.shim is not None
        assert record.command is not None
        os.kill(record.shim.pid, signal.SIGKILL)
        run = await ended(one, fire.run)
        assert run.outcome is Outcome.LOST
        assert not record.command.alive()
        found = await commands.launcher(tmp_path).find(fire.run)
        assert found == run

    commands.run(tmp_path, use)


def test_a_number_that_another_process_has_by_now_is_left_alone() -> None:
    mine = Process(os.getpid(), shim.began(os.getpid()))
    assert mine.alive()
    other = mine._replace(began="1")
    assert not other.alive()
    spawning.send(other, signal.SIGKILL, group=True)


def test_what_had_not_begun_when_it_was_given_up_never_begins(tmp_path: Path) -> None:
    out = tmp_path / "out"
    what = work("touch", str(out))

    async def use(one: ProcessLauncher) -> None:
        fire = claim(one, what)
        # A launch that was killed in its middle left this.
        records.make(tmp_path / commands.RUNS, fire, None)
        assert await one.find(fire.run) is None
        with pytest.raises(Impossible, match="given up"):
            await one.launch(what, fire)
        # Nor by a shim that was on its way.
        folder = tmp_path / commands.RUNS / fire.run
        nursery = spawning.Nursery({})
        assert await nursery.spawn([str(folder), "0", "1", "/", "touch", str(out)], {}) == ""
        nursery.close()
        record = records.look(folder)
        assert record is not None
        assert record.stage is Stage.GIVEN_UP

    commands.run(tmp_path, use)
    assert not out.exists()


def test_what_was_left_half_launched_is_begun_by_the_next_launch(tmp_path: Path) -> None:
    what = work("true")

    async def use(one: ProcessLauncher) -> None:
        fire = claim(one, what)
        records.make(tmp_path / commands.RUNS, fire, None)
        await one.launch(what, fire)
        assert (await ended(one, fire.run)).outcome is Outcome.SUCCEEDED

    commands.run(tmp_path, use)


def test_a_power_cut_that_tore_what_was_to_begin_keeps_nothing_from_beginning(
    tmp_path: Path,
) -> None:
    async def use(one: ProcessLauncher) -> None:
        fire = claim(one, work("true"))
        records.make(tmp_path / commands.RUNS, fire, None)
        (tmp_path / commands.RUNS / fire.run / records.RUN).write_text('{"sched')
        await one.launch(work("true"), fire)
        assert (await ended(one, fire.run)).outcome is Outcome.SUCCEEDED

    commands.run(tmp_path, use)


def test_what_shims_are_forked_from_may_be_killed_at_any_time(tmp_path: Path) -> None:
    async def use(one: ProcessLauncher) -> None:
        both = [claim(one, work("true"), commands.NOW + number) for number in range(2)]
        await one.launch(work("true"), both[0])
        os.kill(one.nursery_pid, signal.SIGKILL)
        with contextlib.suppress(Unavailable):
            await one.launch(work("true"), both[1])
        await one.launch(work("true"), both[1])
        for fire in both:
            assert (await ended(one, fire.run)).outcome is Outcome.SUCCEEDED

    commands.run(tmp_path, use)


def test_only_the_end_of_an_output_is_kept(tmp_path: Path) -> None:
    what = work("sh", "-c", "head -c 2000000 /dev/zero; echo the end")

    async def use(one: ProcessLauncher) -> None:
        fire = claim(one, what)
        await one.launch(what, fire)
        await ended(one, fire.run)
        text = records.output(tmp_path / commands.RUNS / fire.run) or b""
        assert shim.KEPT <= len(text) <= 2 * shim.KEPT + 65536
        assert text.endswith(b"the end\n")

    commands.run(tmp_path, use)


def test_old_runs_go_but_never_one_that_runs_or_whose_row_is_open(tmp_path: Path) -> None:
    async def use(one: ProcessLauncher) -> None:
        runs = {}
        for number, word in enumerate(("true", "false", "sleep", "true")):
            what = work(word, "600")
            fire = claim(one, what, commands.NOW + number)
            await one.launch(what, fire)
            runs[fire.run] = word
            if word != "sleep":
                await ended(one, fire.run)
        good, bad, running, needed = runs
        for hours, left in ((0.9, runs), (2, [bad, running, needed]), (48, [running, needed])):
            later = commands.launcher(tmp_path, hours * 3600)
            told: asyncio.Queue[Run] = asyncio.Queue()
            task = asyncio.ensure_future(later.watch(told.put_nowait))
            for _ in os.listdir(tmp_path / commands.RUNS):
                await told.get()
            await later.tidy({needed})
            assert set(os.listdir(tmp_path / commands.RUNS)) == set(left)
            task.cancel()
        assert good not in later.runs()

    commands.run(tmp_path, use)


def test_of_runs_that_said_much_the_newest_stay_and_always_the_last(tmp_path: Path) -> None:
    async def use(_: ProcessLauncher) -> None:
        one = commands.launcher(tmp_path, outputs=1000)
        runs = []
        for number, size in enumerate((10, 400, 700, 200)):
            what = work("sh", "-c", f"head -c {size} /dev/zero")
            fire = claim(one, what, commands.NOW + number)
            await one.launch(what, fire)
            await ended(one, fire.run)
            runs.append(fire.run)
        await one.tidy(())
        assert sorted(os.listdir(tmp_path / commands.RUNS)) == sorted(runs[2:])
        strict = commands.launcher(tmp_path, outputs=1)
        for run in runs[2:]:
            await ended(strict, run)
        await strict.tidy(())
        assert os.listdir(tmp_path / commands.RUNS) == runs[3:]

    commands.run(tmp_path, use)


def _there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_the_environment_is_a_minimum_and_what_is_named() -> None:
    fire = fires.planned("nightly", commands.NOW, commands.NOW, commands.NOW)
    own = {"HOME": "/home/ann", "SECRET": "s", "TOKEN": "t", "LANG": "de_DE.UTF-8"}
    found = environment({"A": "5", "TOKEN": None, "PATH": "/bin"}, fire, own)
    assert found == {
        "HOME": "/home/ann", "LANG": "de_DE.UTF-8", "PATH": "/bin", "A": "5", "TOKEN": "t",
        "STEERSMAN_SCHEDULE": "nightly", "STEERSMAN_INSTANT": "2027-01-15T08:00:00Z",
    }  # fmt: skip
    with pytest.raises(Impossible, match="NOTHING"):
        environment({"NOTHING": None}, fire, own)
