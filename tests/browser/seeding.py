"""What the server of these tests knows before it starts: people, projects, schedules, ledgers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from steersman.cli.server_parts import Options, build
from steersman.core.schedules import fires, timetables
from steersman.core.schedules.alarms import Alarm, What
from steersman.core.schedules.fires import Fire, Outcome, Reason, State
from steersman.core.schedules.schedule import Pause
from steersman.server import first_start, passwords, schedules
from steersman.server.platform import Platform
from steersman.store import schedule_alarms
from steersman.store import schedule_ledgers as ledgers
from steersman.store import schedules as rows
from steersman.store.base import Transaction
from steersman.store.tables import members, projects, users

PASSWORD = "correct horse battery"
ZONE = "Europe/Berlin"
HOSTILE = "<img src=x onerror=document.title='owned'>"
HOSTILE_REASON = "<script>document.title='owned'</script> & \"quotes\""


class Seed:
    """Writes into the database of a server that does not run yet."""

    def __init__(self, folder: Path, url: str) -> None:
        self.parts: Platform = build(Options(folder, url, allow_local=True), {})

    def write(self, work: Any) -> Any:
        return asyncio.run(self.parts.store.write(work))

    def project(self, name: str, repository: str = "/nowhere.git") -> str:
        """Add a project, and return its id."""
        identity = self.parts.clock.new_id()
        row = {"id": identity, "name": name, "repository": repository, "settings": {}}
        more = {"default_branch": "main"}
        self.write(lambda tx: tx.execute(insert(projects), {**row, **more, "created": tx.now}))
        return identity

    def person(self, name: str, **roles: str) -> None:
        """Add somebody with the password, and with a role in each project by its id."""
        hashed = asyncio.run(passwords.hashed(PASSWORD))

        def add(tx: Transaction) -> None:
            row = {"id": name, "name": name, "password": hashed, "created": tx.now}
            tx.execute(insert(users), row)
            for project, role in roles.items():
                whose = {"project_id": project, "user_id": name, "role": role}
                tx.execute(insert(members), whose)

        self.write(add)

    def schedule(
        self, project: str, name: str, target: str = "build", outcomes: str = "", **spec: Any
    ) -> str:
        """Add a schedule with its newest instants: a letter each, the newest last."""
        identity = self.parts.clock.new_id()
        row = {"id": identity, "project_id": project, "name": name, "target": target}
        whole = {**row, "spec": {"timezone": ZONE, **spec}, "author": "ada"}

        def add(tx: Transaction) -> None:
            schedules.add(tx, whole, tx.now)
            table = schedules.read(whole).tables
            at = int(tx.now)
            found = []
            for letter in reversed(outcomes):
                at = timetables.last_of(table, at - 1) or 0
                found.append(_instant(identity, at, letter, tx.now))
            ledgers.note(tx, found)

        self.write(add)
        return identity

    def pause(self, project: str, name: str, reason: str, by: str = "ada") -> None:
        """Pause a schedule."""

        def pause(tx: Transaction) -> None:
            row = rows.one(tx, project, name)
            assert row is not None
            schedules.pause(tx, row, Pause(tx.now - 7200, by, reason), tx.now)

        self.write(pause)

    def alarm(self, schedule: str, what: What, message: str, ago: float, instant: int = 0) -> None:
        """Let an alarm of a schedule hold since a while ago."""
        alarm = Alarm(schedule, what, instant, message)
        self.write(lambda tx: schedule_alarms.raise_(tx, alarm, tx.now - ago))

    def close(self) -> None:
        self.parts.store.close()


def _instant(schedule: str, at: int, letter: str, now: float) -> Fire:
    """Return an instant that was (s)ucceeded, (f)ailed, (l)ate, s(k)ipped, (m)issed or (r)uns."""
    planned = fires.planned(schedule, at, at, now)
    if letter == "k":
        message = "run 7 was not over"
        return fires.ended(planned, State.SKIPPED, Reason.OVERLAP, message, now)
    if letter == "m":
        message = "no server ran"
        missed = fires.ended(planned, State.MISSED, Reason.NOT_CAUGHT_UP, message, now)
        return missed._replace(until=at, covers=3)
    fired = fires.fired(planned, "", at + (95 if letter == "l" else 0.2))
    if letter == "r":
        return fired
    outcome = Outcome.FAILED if letter == "f" else Outcome.SUCCEEDED
    return fired._replace(outcome=outcome, ended=at + 120)


def seed(folder: Path, url: str, repository: str) -> str:
    """Fill the database that the tests look at, and return the token of the admin."""
    here = Seed(folder, url)
    token = asyncio.run(first_start.admin_token(here.parts))
    assert token is not None
    shop = here.project("shop", repository)
    odd = here.project("odd")
    here.person("vera", **{shop: "viewer"})
    here.person("nobody")
    nightly = {"cron": "30 3 * * *", "overlap": "forbid", "deadline": "10m"}
    here.schedule(shop, "nightly", outcomes="ssssmsslssfs", **nightly)
    here.schedule(shop, "often", cron="*/5 * * * *")
    here.schedule(shop, "fresh", cron="0 6 1 1 *", timezone="UTC")
    here.schedule(shop, "halted", outcomes="ssk", cron="0 4 * * mon-fri")
    here.pause(shop, "halted", HOSTILE_REASON)
    mute = here.schedule(shop, "mute", outcomes="sm", cron="0 2 * * *", alarms={"silent": "1d"})
    here.alarm(mute, What.SILENT, "no success for 2d", 90_000)
    here.alarm(mute, What.MISSED, "3 instants were missed: no server ran", 3600, 1_800_000_000)
    here.schedule(odd, HOSTILE, target=HOSTILE, outcomes="f", cron="0 5 * * sun")
    here.close()
    return token
