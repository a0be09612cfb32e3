"""From an accepted trigger to runs: the commit is fetched, its file read, its jobs made.

A file that is wrong makes a run that says so. Whatever keeps us from reading it is tried again for
a while, and then makes a run that says that.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import select

from steersman.core import runs, triggers
from steersman.core.errors import SteersmanError, Unavailable
from steersman.core.pipelines.model import Config
from steersman.core.problems import Problem
from steersman.core.triggers import Chosen, Declined, Kind, Trigger
from steersman.server import moving, placing, schedules_files
from steersman.server.platform import Platform
from steersman.server.schedules_files import Said
from steersman.server.sources import Read, Sources
from steersman.store import events, projects
from steersman.store import runs as run_rows
from steersman.store.base import Row, Transaction
from steersman.store.tables import projects as project_table

CLAIM = 45.0
"""Seconds after which another server plans what one that was killed had begun to."""
PAUSES = (1.0, 5.0, 20.0, 60.0, 120.0)
AT_ONCE = 4
LULL = 0.1
"""Seconds without a new trigger after which planning need not give way any more."""
SHARE = 3
"""While triggers come in, planning rests so many times as long as it took,"""
LONGEST_REST = 0.2
"""but no longer than that: what took long was the repository's host, not us."""
log = logging.getLogger("steersman.server")


class Planner:
    """Plans accepted triggers, a few at once."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.sources = Sources(platform.mirrors, platform.keyring)
        self._free = asyncio.Semaphore(AT_ONCE)
        self._asked = -LULL

    async def run(self) -> None:
        """Plan whatever is accepted, for as long as this runs."""
        woken = asyncio.Event()

        def asked() -> None:
            self._asked = time.monotonic()
            woken.set()

        stop = self.platform.store.waking.listen(projects.TRIGGERED, asked)
        try:
            while True:
                woken.clear()
                try:
                    await self.plan_all()
                except* SteersmanError as several:
                    # Those that were planned at once fail as a group.
                    log.warning("planning_failed: %s", several.exceptions[0])
                with suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await woken.wait()
        finally:
            stop()

    async def plan_all(self) -> None:
        """Plan every trigger whose time has come."""
        while found := await self.platform.store.read(projects.open_triggers):
            seen = time.monotonic()
            by_project: dict[str, list[str]] = {}
            for row in found:
                by_project.setdefault(row["project_id"], []).append(row["id"])
            async with asyncio.TaskGroup() as group:
                for mine in by_project.values():
                    group.create_task(self._plan_in_order(mine, seen))

    async def _plan_in_order(self, identities: list[str], seen: float) -> None:
        """Plan the triggers of one project: its runs are numbered as they were asked for."""
        async with self._free:
            for identity in identities:
                began = time.monotonic()
                await self.plan(identity, seen)
                await self._give_way(time.monotonic() - began)

    async def _give_way(self, took: float) -> None:
        """Let those be served first who ask for runs: a forge does not wait long for its answer."""
        if time.monotonic() - self._asked < LULL:
            await asyncio.sleep(min(SHARE * took, LONGEST_REST))

    async def plan(self, identity: str, seen: float) -> None:
        """Plan one trigger, which was *seen* at that monotonic time, unless another server does."""
        store = self.platform.store
        row = await store.write(lambda tx: projects.claim(tx, identity, tx.now + CLAIM))
        if row is None:
            return
        query = select(project_table).where(project_table.c.id == row["project_id"])
        project = await store.read(lambda tx: tx.one(query))
        if project is None:
            return
        renewing = asyncio.create_task(self._renew(identity))
        try:
            read = await self.sources.read(project, row["request"], seen)
        except Unavailable as error:
            if row["tries"] <= len(PAUSES):
                message, pause = str(error), PAUSES[row["tries"] - 1]
                await store.write(
                    lambda tx: projects.postpone(tx, identity, tx.now + pause, message)
                )
                return
            read = Read(None, message=str(error), errored=True)
        except SteersmanError as error:
            read = Read(None, message=_said(error))
        finally:
            renewing.cancel()
        listed = await schedules_files.said(self.platform, project, row["request"], read)
        await store.write(lambda tx: self._make(tx, row, project, read, listed))

    async def _renew(self, identity: str) -> None:
        """Keep a claim for as long as a large repository takes to be fetched."""
        while True:
            await asyncio.sleep(CLAIM / 3)
            with suppress(SteersmanError):
                await self.platform.store.write(
                    lambda tx: projects.renew(tx, identity, tx.now + CLAIM)
                )

    def _make(
        self, tx: Transaction, row: Row, project: Row, read: Read, listed: Said | None
    ) -> None:
        """Make the runs, once, however often this is tried."""
        if not projects.is_open(tx, row["id"]):
            return
        if listed is not None:
            schedules_files.follow(tx, self.platform, project, listed)
        request = row["request"]
        if read.text:
            projects.keep_file(tx, _digest(read.text), read.text)
        if read.message or (read.config is None and read.commit is not None):
            message = read.message or f"{read.file} has mistakes"
            self._add_broken(tx, row, project, read, message)
            projects.end(tx, row["id"], "planned", message)
            return
        choice = triggers.choose(read.config or Config(""), _trigger(request, read))
        for chosen in choice.chosen:
            self._add(tx, row, project, read, chosen)
        said = "; ".join(map(_declined, choice.declined))
        events.add(
            tx, "trigger", project=project["id"], trigger=row["id"], declined=said,
            runs=[chosen.name for chosen in choice.chosen],
        )  # fmt: skip
        projects.end(tx, row["id"], "planned", said)

    def _add(self, tx: Transaction, row: Row, project: Row, read: Read, chosen: Chosen) -> None:
        settings, fork = project["settings"] or {}, bool(row["request"].get("fork"))
        config = read.config or Config("")
        placed = placing.place(config, chosen, settings, fork=fork)
        if placed.refused:
            self._add_broken(tx, row, project, read, placed.refused, name=chosen.name)
            return
        jobs = placing.limited(placing.guarded(chosen.jobs) if fork else chosen.jobs, settings)
        limit = placing.seconds(settings, "run_minutes")
        run = runs.Run(self.platform.clock.new_id(), jobs, created=tx.now, limit=limit)
        columns = self._columns(tx, row, project, read) | {
            "name": chosen.name,
            "priority": chosen.priority,
            "group": chosen.group,
            "cancels": chosen.cancel_in_progress,
        }
        run_rows.add(tx, run, columns, placed.jobs)
        stored = run_rows.load(tx, run.id)
        if stored is not None:
            rules, state = self.platform.queue.rules, runs.run_state(run)
            events.add(tx, "run", project=project["id"], run=run.id, state=state, name=chosen.name)
            rules.told(tx, stored, run, [*runs.job_states(run).items(), ("", state)])
            moving.start(tx, stored, rules)

    def _add_broken(
        self,
        tx: Transaction,
        row: Row,
        project: Row,
        read: Read,
        message: str,
        name: str = "",
    ) -> None:
        """Add a run that could not begin, and says why."""
        state = "errored" if read.errored else "failed"
        run = runs.Run(self.platform.clock.new_id(), (), created=tx.now)
        columns = self._columns(tx, row, project, read) | {
            "name": name or row["request"].get("target") or read.file or "wercker.yml",
            "message": message,
            "ended": tx.now,
        }
        run_rows.add_broken(tx, run, columns, state)
        events.add(tx, "run", project=project["id"], run=run.id, state=state, message=message)
        stored = run_rows.load(tx, run.id)
        if stored is not None:
            self.platform.queue.rules.told(tx, stored, stored.run, [("", state)])

    def _columns(self, tx: Transaction, row: Row, project: Row, read: Read) -> dict[str, Any]:
        request, commit = row["request"], read.commit
        cause = {key: request[key] for key in _KEPT if request.get(key)}
        if commit is not None:
            cause |= {"message": commit.message[:4000], "commit_author": commit.author}
        return {
            "project_id": project["id"],
            "number": projects.next_number(tx, project["id"]),
            "trigger_id": row["id"],
            "cause": cause | {"author": row["author"]},
            "branch": request.get("branch") or (commit.branch if commit else ""),
            "commit": commit.sha if commit else request.get("commit") or "",
            "file": read.file,
            "file_digest": _digest(read.text) if read.text else "",
            "problems": [problem_row(each) for each in read.problems],
        }


_KEPT = (
    "kind", "tag", "before", "fork", "number", "source_branch", "title", "url", "target",
    "variables", "forge", "ref", "sender", "deploy_target", "head_repository_url", "hold",
    "schedule", "instant",
)  # fmt: skip


def problem_row(problem: Problem) -> dict[str, Any]:
    """Return a problem of a file as it is stored and shown."""
    place = problem.place
    where = {"file": place.file, "line": place.line, "column": place.column}
    said = {"severity": problem.severity, "code": problem.code, "message": problem.message}
    return {**where, **said, "hint": problem.hint}


def _trigger(request: Mapping[str, Any], read: Read) -> Trigger:
    message = request.get("message") or (read.commit.message if read.commit else "")
    return Trigger(
        kind=Kind(request["kind"]),
        branch=request.get("branch") or (read.commit.branch if read.commit else ""),
        tag=request.get("tag") or "",
        message=message,
        paths=read.paths,
        target=request.get("target") or "",
        fork=bool(request.get("fork")),
        deleted=bool(request.get("deleted")),
    )


def _declined(declined: Declined) -> str:
    return f"{declined.name}: {declined.why}" if declined.name else declined.why


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _said(error: SteersmanError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)
