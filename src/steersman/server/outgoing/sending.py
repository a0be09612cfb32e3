"""Sends what was noted, at least once, under one id, by as many servers as there are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import httpx2
from sqlalchemy import select

from steersman.core import alerts, notifications
from steersman.core.alerts import Alerts
from steersman.core.errors import Conflict, NotFound, Refused, SteersmanError, Unavailable
from steersman.core.notifications import Change, Kind, Target, Turn
from steersman.keyring import Keyring
from steersman.server.outgoing import forge_statuses, mail, noting, webhooks
from steersman.server.outgoing.webhooks import Envelope, Later
from steersman.store import outboxes
from steersman.store.base import Row, Transaction
from steersman.store.sql import Store
from steersman.store.tables import projects

CLAIM = 120.0
"""Seconds after which a message is taken for lost with the server that sent it."""
AT_ONCE = 16
LONGEST_WAIT = 5.0
_BEHIND = 1.0
"""Seconds a status waits for the one before it."""
log = logging.getLogger("steersman.server")


class Parts(NamedTuple):
    """What sending needs. *url* is how people reach us; without *mail* no e-mail is sent.

    *allow_private* lets targets be inside the server's own network.
    """

    store: Store
    keyring: Keyring
    url: str
    mail: mail.Settings | None = None
    allow_private: bool = False
    seconds: float = webhooks.SECONDS
    transport: httpx2.AsyncBaseTransport | None = None


class Claimed(NamedTuple):
    """A message that is ours to send, and the project as it was then."""

    row: Row
    project: Row
    now: float


class Sender:
    """Sends messages, a few at once; close it in the end."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store
        self._free = asyncio.Semaphore(AT_ONCE)
        self._client = webhooks.client(
            allow_private=parts.allow_private, seconds=parts.seconds, transport=parts.transport
        )

    async def run(self) -> None:
        """Send whatever is due, for as long as this runs."""
        woken = asyncio.Event()
        stop = self._store.waking.listen(outboxes.TOPIC, woken.set)
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    woken.clear()
                    try:
                        await self._begin(group)
                        wait = await self._store.read(_wait)
                    except SteersmanError as error:
                        log.warning("sending_failed: %s", error)
                        wait = LONGEST_WAIT
                    try:
                        await asyncio.wait_for(woken.wait(), wait)
                    except TimeoutError:
                        continue
        finally:
            stop()

    async def send_due(self) -> None:
        """Send what is due now, and return when it is answered."""
        async with asyncio.TaskGroup() as group:
            await self._begin(group)

    async def resend(self, identity: str) -> None:
        """Send a message once more, under the id it has; the receiver knows it by that."""
        await self._store.write(lambda tx: _resend(tx, identity))

    async def close(self) -> None:
        """Let go of what is open."""
        await self._client.aclose()

    async def _begin(self, group: asyncio.TaskGroup) -> None:
        while found := await self._store.read(outboxes.due):
            for identity in found:
                await self._free.acquire()
                try:
                    claimed = await self._store.write(partial(_claim, identity=identity))
                except BaseException:
                    self._free.release()
                    raise
                if claimed is None:
                    self._free.release()
                else:
                    group.create_task(self._send_one(claimed))

    async def _send_one(self, claimed: Claimed) -> None:
        try:
            await self._try(claimed)
        except SteersmanError as error:
            # The store is away: the claim ends, and the message is sent once more.
            log.warning("sending_not_noted: %s: %s", claimed.row["id"], error)
        finally:
            self._free.release()

    async def _try(self, claimed: Claimed) -> None:
        row, write = claimed.row, self._store.write
        try:
            answer = await self._send(claimed)
        except Unavailable as error:
            said, after = str(error), error.after if isinstance(error, Later) else 0.0
            await write(lambda tx: _again(tx, row, said, after))
        except SteersmanError as error:
            said = f"{error} ({error.hint})" if error.hint else str(error)
            await write(lambda tx: outboxes.end(tx, row, outboxes.FAILED, said))
        except Exception:
            # One message that we cannot send must not keep us from all others.
            log.exception("sending_broke: %s", row["id"])
            await write(lambda tx: _again(tx, row, "a mistake of ours; the log has more", 0.0))
        else:
            await write(lambda tx: outboxes.end(tx, row, outboxes.SENT, answer))

    async def _send(self, claimed: Claimed) -> str:
        row, project, now = claimed
        change = _told(row["message"])
        fields = _fields(project, row["message"]["target"])
        target = notifications.target(fields)
        if target.kind != row["kind"]:
            raise Refused(f"the target {target.id} is another kind now: {target.kind}")
        secret = noting.open_target(self._parts.keyring, project["id"], fields)
        envelope = Envelope(row["id"], now, secret, self._parts.url.rstrip("/"))
        match target.kind:
            case Kind.STATUS if isinstance(change, Change):
                return await forge_statuses.send(self._client, project, change, envelope)
            case Kind.EMAIL:
                return await self._mail(target, change, envelope)
            case Kind.WEBHOOK:
                request = webhooks.webhook(target, change, envelope)
            case Kind.SLACK:
                request = webhooks.slack(target, change, envelope)
            case _:
                raise Refused("no forge has a status of schedules")
        return webhooks.accepted(await webhooks.exchange(self._client, request))

    async def _mail(self, target: Target, change: Change | Alerts, envelope: Envelope) -> str:
        settings = self._parts.mail
        if settings is None:
            raise Refused("this server sends no e-mail", hint="set its mail server")
        message = mail.message(settings, target, change, envelope)
        return await asyncio.to_thread(mail.send, settings, message)


def _told(message: Mapping[str, Any]) -> Change | Alerts:
    """Return what a message is about: how a run fares, or alarms of schedules."""
    if "alerts" in message:
        return alerts.read(message["alerts"])
    return notifications.change(message["change"])


def _fields(project: Row, identity: str) -> Mapping[str, Any]:
    given = (project["settings"] or {}).get("notify") or ()
    for fields in given:
        if isinstance(fields, Mapping) and fields.get("id") == identity:
            return fields
    raise Refused(f"the project has no target {identity} any more")


def _wait(tx: Transaction) -> float:
    """Return for how long nothing is due; never for very long, since clocks may differ."""
    found = outboxes.next_due(tx)
    return LONGEST_WAIT if found is None else min(max(found - tx.now, 0.0), LONGEST_WAIT)


def _claim(tx: Transaction, identity: str) -> Claimed | None:
    row = outboxes.find(tx, identity)
    project = row and tx.one(select(projects).where(projects.c.id == row["project_id"]))
    if row is None or project is None:
        return None
    if row["kind"] == Kind.STATUS:
        match forge_statuses.turn(tx, row, project):
            case Turn.WAIT:
                outboxes.postpone(tx, identity, tx.now + _BEHIND)
                return None
            case Turn.SUPERSEDED:
                outboxes.end(tx, row, outboxes.SUPERSEDED, "a newer state of the run is known")
                return None
    claimed = outboxes.claim(tx, identity, tx.now + CLAIM)
    return None if claimed is None else Claimed(claimed, project, tx.now)


def _again(tx: Transaction, row: Row, said: str, after: float) -> None:
    at = notifications.next_try(row["tries"], tx.now, row["key"])
    if at is None:
        outboxes.end(tx, row, outboxes.FAILED, f"{said}; given up after {row['tries']} tries")
    else:
        outboxes.again(tx, row, said, max(at, tx.now + after))


def _resend(tx: Transaction, identity: str) -> None:
    row = outboxes.find(tx, identity)
    if row is None:
        raise NotFound(f"there is no message {identity}")
    if outboxes.is_in_flight(row, tx.now):
        raise Conflict("the message is being sent", hint="wait for its answer")
    outboxes.resend(tx, identity)
