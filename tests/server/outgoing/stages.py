"""A store in a file with one project, and runs of it whose states change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from steersman.clock import SetClock
from steersman.core import runs
from steersman.keyring import Key, Keyring
from steersman.server.outgoing import noting
from steersman.server.outgoing.sending import Parts, Sender
from steersman.store import engines
from steersman.store import runs as run_rows
from steersman.store.base import Row, Transaction
from steersman.store.sql import Store
from steersman.store.tables import metadata, outbox, projects
from steersman.store.tables import runs as run_table

NOW = 1_700_000_000.0
PROJECT = "p1"
RING = Keyring([Key("k", bytes(32))])
COMMIT = "c0ffee" * 6 + "c0ff"


class Stage:
    """A platform as far as telling goes."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder}/steersman.db"
        engine = engines.open_engine(url)
        metadata.create_all(engine)
        engine.dispose()
        self.clock = SetClock(NOW)
        self.store = Store(url, self.clock)
        self.numbers = 0

    async def project(self, *targets: dict[str, Any], **columns: Any) -> None:
        """Add the project with its targets."""
        row = {"id": PROJECT, "name": "shop/api", "created": NOW, **columns}
        row.setdefault("repository", "https://github.com/shop/api.git")
        row["settings"] = {"notify": list(targets)}
        await self.store.write(lambda tx: tx.execute(insert(projects), row))

    async def retarget(self, *targets: dict[str, Any]) -> None:
        """Replace the project's targets."""
        settings = {"notify": list(targets)}
        await self.store.write(lambda tx: tx.execute(update(projects).values(settings=settings)))

    async def run(self, state: str = "queued", **columns: Any) -> str:
        """Add a run in this state, of which nobody was told."""
        self.numbers += 1
        run = runs.Run(self.clock.new_id(), (), created=self.clock.time)
        row = {"project_id": PROJECT, "number": self.numbers, "name": "build", "branch": "main"}
        row |= {"commit": COMMIT, "cause": {"kind": "push"}, **columns}
        if state in ("succeeded", "failed", "errored", "cancelled"):
            row["ended"] = self.clock.time
        await self.store.write(lambda tx: run_rows.add_broken(tx, run, row, state))
        return run.id

    async def change(self, run_id: str, state: str, job: str = "", times: int = 1) -> None:
        """Let a run or a job change its state, and note that so many times."""

        def work(tx: Transaction) -> None:
            if not job:
                values = {"state": state, "version": run_table.c.version + 1}
                tx.execute(update(run_table).where(run_table.c.id == run_id).values(**values))
            stored = run_rows.load(tx, run_id)
            assert stored is not None
            for _ in range(times):
                noting.note(tx, stored, stored.run, [(job, state)])

        await self.store.write(work)

    async def messages(self) -> list[Row]:
        """Return the whole outbox in the order it was written."""
        query = select(outbox).order_by(outbox.c.created, outbox.c.key)
        return await self.store.read(lambda tx: tx.all(query))

    async def only(self) -> Row:
        """Return the one message there is."""
        [message] = await self.messages()
        return message

    async def states(self) -> list[str]:
        """Return the states of all messages."""
        return [row["state"] for row in await self.messages()]

    def parts(self, **more: Any) -> Parts:
        return Parts(self.store, RING, "https://ci.example", **{"allow_private": True, **more})

    async def send(self, **more: Any) -> None:
        """Send what is due now."""
        sender = Sender(self.parts(**more))
        try:
            await sender.send_due()
        finally:
            await sender.close()


def webhook(url: str, **more: Any) -> dict[str, Any]:
    """Return a target that hears everything."""
    on = ["failed", "fixed", "succeeded", "errored", "cancelled", "started", "approval"]
    return {"id": "w", "kind": "webhook", "url": url, "on": on, **more}


def status() -> dict[str, Any]:
    """Return the target of statuses, with a token."""
    return noting.seal_target(RING, PROJECT, {"id": "s", "kind": "status"}, "hush")
