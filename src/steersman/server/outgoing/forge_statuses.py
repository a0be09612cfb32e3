"""The statuses of commits: whose turn it is, what is sent, and what the forge says to it."""

from __future__ import annotations

import httpx2

from steersman.core import announcements, notifications
from steersman.core.errors import Refused
from steersman.core.forges import statuses
from steersman.core.forges.base import Forge
from steersman.core.notifications import Change, Kind, Stand, Turn
from steersman.server.outgoing.webhooks import Envelope, Later, exchange
from steersman.store import outboxes
from steersman.store.base import Row, Transaction

_PUBLIC = {
    "https://github.com": Forge.GITHUB,
    "https://gitlab.com": Forge.GITLAB,
    "https://bitbucket.org": Forge.BITBUCKET,
}


def turn(tx: Transaction, row: Row, project: Row) -> Turn:
    """Say whether the status in *row* may go now; nobody else decides about its run meanwhile."""
    target = row["message"]["target"]
    rows = outboxes.of_run(tx, row["run_id"], Kind.STATUS)
    others = [
        _stand(each, tx.now)
        for each in rows
        if each["id"] != row["id"] and each["message"]["target"] == target
    ]
    return notifications.turn(_forge(project), _stand(row, tx.now), others)


def _stand(row: Row, now: float) -> Stand:
    change = notifications.change(row["message"]["change"])
    status = notifications.STATUSES[change.state]
    return Stand(change.seq, status, row["state"], outboxes.is_in_flight(row, now))


def _forge(project: Row) -> Forge | None:
    """Return where the project's repository is, None when it is nowhere we know."""
    if project["forge"] in list(Forge):
        return Forge(project["forge"])
    found = statuses.repository(project["repository"])
    return _PUBLIC.get(found.base_url) if found else None


def request(project: Row, change: Change, envelope: Envelope) -> statuses.Request:
    """Return what tells the forge how the run fares; `Refused` where it cannot be told."""
    forge, repository = _forge(project), statuses.repository(project["repository"])
    if forge is None or repository is None:
        raise Refused("the project's repository is at no forge", hint="set the project's forge")
    if not envelope.secret:
        raise Refused("there is no token for the forge", hint="give the target a token")
    report = statuses.Report(
        notifications.STATUSES[change.state],
        statuses.context(change.event, change.name),
        announcements.description(change),
        envelope.page(change),
    )
    return statuses.request(forge, repository, change.commit, report, envelope.secret)


async def send(client: httpx2.AsyncClient, project: Row, change: Change, envelope: Envelope) -> str:
    """Tell the forge; return what to note of it."""
    answer = await exchange(client, request(project, change, envelope))
    forge = _forge(project) or Forge.GITHUB
    match statuses.answered(forge, answer.status, answer.body, answer.headers):
        case statuses.Again(after):
            raise Later(f"the forge answers with {answer.status}", after)
        case statuses.GaveUp(why):
            raise Refused(why)
    return str(answer.status)
