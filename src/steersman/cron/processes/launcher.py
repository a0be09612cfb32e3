"""Runs as processes of this machine, which outlive who launched them and are found again.

A folder for each run tells everything (`records`); a shim in each starts the command and keeps how
it ended. Only what this machine's kernel says counts, so that all instances must be on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from steersman.core.errors import Refused, Unavailable
from steersman.core.schedules import fires
from steersman.core.schedules.fires import Fire, Outcome
from steersman.core.schedules.reaping import Ended, Limits, LogBudget, newest_first, plan
from steersman.cron import times
from steersman.cron.launchers.base import Impossible, Run, Work, digest_name
from steersman.cron.processes import records, spawning
from steersman.cron.processes.ends import Ends
from steersman.cron.processes.environments import environment
from steersman.cron.processes.records import Record, Stage

POLL = 1.0
"""How often to look for what other instances have launched, and for ends nobody is told of."""

OUTPUTS = 64 * 1024 * 1024
"""So many bytes of output are kept of each schedule at most: the oldest runs go first."""

GRACE = 10.0
"""Seconds from a polite request to end until what is left is killed."""


class ProcessLauncher:
    """Keeps a folder for each run below *root*, and *outputs* bytes of what each schedule's said.

    *own* is our environment.
    """

    def __init__(
        self,
        root: Path,
        own: Mapping[str, str],
        now: Callable[[], float],
        grace: float = GRACE,
        outputs: int = OUTPUTS,
    ) -> None:
        self._root = root
        self._grace = grace
        self._outputs = outputs
        self._own = own
        self._now = now
        self._runs: dict[str, Run] = {}
        self._unborn: set[str] = set()
        self._changed: Callable[[Run], None] | None = None
        self._woken = asyncio.Event()
        self._ends = Ends(self._see)
        self._nursery = spawning.Nursery(own)
        self._scanned = -1
        if not os.path.exists("/proc/self/stat"):
            raise Refused("commands need a machine with /proc", hint="run them on Linux")
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(f"runs cannot be kept in {root}: {error.strerror}") from error

    @property
    def nursery_pid(self) -> int:
        """Return the process from which shims are forked just now."""
        return self._nursery.pid

    def name(self, work: Work, fire: Fire) -> str:
        """Return the name of the run's folder."""
        return digest_name(work.base, fires.digest(*fire.key, fire.attempt))

    async def launch(self, work: Work, fire: Fire) -> str:
        """Write down what is to begin, and let a shim begin it; or find that one has."""
        folder, body = self._root / fire.run, work.body
        variables = environment(body["environment"], fire, self._own)
        with self._translated():
            records.make(self._root, fire, body["limit"])
        record = self._known(folder, fire)
        if record.stage is Stage.NEW:
            directory = body["directory"] or variables["HOME"]
            how = (str(body["limit"] or 0), str(self._grace), directory)
            said = await self._nursery.spawn([str(folder), *how, *body["command"]], variables)
            record = self._known(folder, fire)
            if record.stage is Stage.NEW:
                why = said.splitlines()[-1] if said else "its shim was killed"
                raise Unavailable(f"the command could not be started: {why}")
        if record.stage is Stage.GIVEN_UP:
            raise Impossible("it was given up before it began")
        self._take(record)
        return record.run.uid

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise errors of the system as what they mean here: trying again may help."""
        try:
            yield
        except OSError as error:
            raise Unavailable(f"cannot use {self._root}: {error.strerror}") from error

    def _known(self, folder: Path, fire: Fire) -> Record:
        with self._translated():
            record = records.look(folder)
            ours = record is not None and records.identity_of(folder) == records.identity(fire)
        if record is None or not ours:
            raise Impossible(f"{folder} is there already, and is not of this instant")
        return record

    async def find(self, name: str) -> Run | None:
        """Return the run called *name*; what has not begun by now never will."""
        folder = self._root / name
        with self._translated():
            record = records.look(folder)
            if record is not None and record.stage is Stage.NEW and not records.give_up(folder):
                record = records.look(folder)
        if record is None or record.stage in (Stage.NEW, Stage.GIVEN_UP):
            return None
        return record.run

    async def stop(self, name: str) -> None:
        """Let its shim end it: politely, and by force when that does not help."""
        with self._translated():
            record = records.look(self._root / name)
        if record is not None and record.stage is Stage.RUNNING and record.shim is not None:
            spawning.send(record.shim, signal.SIGTERM)

    def runs(self) -> Mapping[str, Run]:
        """Return what is known."""
        return self._runs

    async def watch(self, changed: Callable[[Run], None]) -> NoReturn:
        """Follow the folders: by word of the kernel about what runs, else by looking."""
        self._changed = changed
        # What is due must not wait for that.
        self._nursery.start()
        for run in list(self._runs.values()):
            changed(run)
        while True:
            self._scan()
            await times.soon(self._woken, POLL)
        raise AssertionError("a loop without end")

    def _scan(self) -> None:
        """Look for folders that are new, and at runs whose ends the kernel does not tell."""
        with contextlib.suppress(OSError):
            written = os.stat(self._root).st_mtime_ns
            if written != self._scanned:
                names = (name for name in os.listdir(self._root) if not name.startswith("."))
                self._unborn.update(name for name in names if name not in self._runs)
                self._scanned = written
        for name in [*self._unborn, *self._ends.untold(self._running())]:
            self._see(name)

    def _running(self) -> list[str]:
        return [run.name for run in self._runs.values() if run.outcome is Outcome.RUNNING]

    def _see(self, name: str) -> None:
        # What cannot be read now is looked at again soon.
        with contextlib.suppress(OSError):
            record = records.look(self._root / name)
            if record is not None and record.stage not in (Stage.NEW, Stage.GIVEN_UP):
                self._take(record)

    def _take(self, record: Record) -> None:
        """Note how a run goes; one that nobody watches over is ended, and lost when it has."""
        run = record.run
        self._unborn.discard(run.name)
        if record.stage is Stage.LOST:
            if record.command is not None and record.command.alive():
                spawning.send(record.command, signal.SIGKILL, group=True)
                self._ends.follow(run.name, record.command)
                run = run._replace(outcome=Outcome.RUNNING, message="")
            else:
                with contextlib.suppress(OSError):
                    run = records.bury(self._root / run.name, run)
        elif record.stage is Stage.RUNNING and record.shim is not None:
            self._ends.follow(run.name, record.shim)
        if self._runs.get(run.name) == run:
            return
        self._runs[run.name] = run
        if self._changed is not None:
            self._changed(run)

    async def tidy(self, needed: Collection[str]) -> None:
        """Remove the folders of runs that ended long enough ago, by the rules of the reaper."""
        ended = [
            # What was lost has no better claim to stay than what failed.
            Ended(run.name, run.uid, _as_failed(run.outcome), run.ended, run.key.schedule)
            for run in self._runs.values()
            if run.name not in needed
        ]
        going = [each.name for each in plan(ended, Limits(), self._now())]
        going += await asyncio.to_thread(self._beyond_outputs, ended, set(going))
        going += [name for name in self._unborn - set(needed) if self._never_begins(name)]
        for name in going:
            await asyncio.to_thread(records.remove, self._root / name)
            self._runs.pop(name, None)
            self._unborn.discard(name)
        await asyncio.to_thread(records.sweep, self._root, self._now() - Limits().succeeded)

    def _beyond_outputs(self, ended: Iterable[Ended], gone: Collection[str]) -> list[str]:
        """Name, of each schedule, those whose output is too much beside that of newer ones."""
        found = []
        for group in newest_first(each for each in ended if each.name not in gone):
            budget = LogBudget(self._outputs)
            sizes = ((each.name, records.output_size(self._root / each.name)) for each in group)
            found += [name for name, size in sizes if not budget.stays(size)]
        return found

    def _never_begins(self, name: str) -> bool:
        """Tell whether what was to begin an hour ago has not, and keep it from doing so."""
        folder = self._root / name
        try:
            if self._now() - os.stat(folder).st_mtime < Limits().succeeded:
                return False
            records.give_up(folder)
            record = records.look(folder)
        except OSError:
            return False
        return record is not None and record.stage is Stage.GIVEN_UP

    async def close(self) -> None:
        """Look no more; runs go on."""
        self._ends.close()
        self._nursery.close()


def _as_failed(outcome: Outcome) -> Outcome:
    return Outcome.FAILED if outcome is Outcome.LOST else outcome
