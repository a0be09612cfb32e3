"""What workers ask: work, renewals, and what they see of runners."""

from __future__ import annotations

from fastapi import APIRouter

from steersman import wire
from steersman.core import queue, tokens
from steersman.core.attempts import Hearing, State
from steersman.core.errors import UserError
from steersman.core.reports import (
    Lost,
    Reason,
    Rejected,
    Released,
    WorkerReport,
    known_reason,
)
from steersman.server import installations, renewing
from steersman.server import pods as pod_contents
from steersman.server.access import Caller, Parts, Worker
from steersman.server.platform import Platform
from steersman.server.queue import Asks, Grant
from steersman.store.base import Row, Transaction

router = APIRouter(prefix="/worker/v1", tags=["worker"])
MOST_AT_ONCE = 100
MOST_FOUND = 1000
LONGEST_WAIT = 30.0
MOST_MESSAGE = 2000


@router.get("/installation")
async def installation(parts: Parts, who: Worker) -> wire.Installation:
    """Say whose pods are this server's: others may share a namespace."""
    return {"id": await installations.identity(parts)}


@router.post("/lease")
async def lease(body: wire.WorkerSays, parts: Parts, who: Worker) -> dict[str, list[wire.Granted]]:
    """Give the worker attempts to run, waiting for the first one."""
    worker = queue.Worker(
        _named(who, body["worker"]),
        frozenset(body["pools"]),
        frozenset(body["capabilities"]),
        slots=body["slots"],
    )
    take = min(max(body["take"], 0), MOST_AT_ONCE)
    wait = min(body["wait"], LONGEST_WAIT) if body["wait"] > 0 else 0.0  # NaN is no wait
    holds = tuple(body["holds"][:1000]) if "holds" in body else None
    asks = Asks(body.get("version", "")[:100], holds)
    grants = await parts.queue.lease(worker, take, wait, asks)
    pods = body.get("pods", False)
    return {"granted": [await _told(parts, grant, pods=pods) for grant in grants]}


def _named(who: Caller, name: str) -> str:
    """A worker's token may be shared: what tells workers apart is the name each gives."""
    if not name or len(name) > 100 or not name.isprintable():
        raise UserError("a worker needs a name of at most 100 printable characters")
    return name


async def _told(parts: Platform, grant: Grant, *, pods: bool) -> wire.Granted:
    """Say what was granted; to who makes pods also what the pod is to hold, or why there is none.

    Should this fail, the worker never heard of the attempt: it gets that with its next question.
    """
    said = _granted(parts, grant)
    if pods:
        try:
            said["wanted"] = await pod_contents.wanted(parts, grant.attempt.id)
        except UserError as error:
            said |= {"wanted": None, "refused": f"{error}; {error.hint}".removesuffix("; None")}
    return said


def _granted(parts: Platform, grant: Grant) -> wire.Granted:
    item = grant.attempt
    return {
        "attempt": item.id,
        "lease": item.leases,
        "token": tokens.attempt_token(parts.settings.attempt_key, item.id),
        "project": grant.project_id,
        "run": grant.run_id,
        "job": item.job,
        "number": item.number,
        "pool": grant.pool,
        "adopted": grant.adopted,
        "cancelled": item.state is State.CANCELLING,
    }


@router.post("/renew")
async def renew(body: wire.Renewal, parts: Parts, who: Worker) -> wire.Renewed:
    """Renew what the worker holds, and say what of it is over."""
    name = _named(who, body["worker"])
    renewed = await renewing.renew(parts, body["held"])
    found = await renewing.sort_found(parts, name, body["adopt"][:MOST_FOUND])
    answer: wire.Renewed = {
        "stop": renewed.stop,
        "gone": renewed.gone + found.gone,
        "others": renewed.others + found.others,
        "adopted": [],
    }
    for identity in found.mine:
        grant = await parts.queue.adopt(identity, name)
        if grant is None:
            # Somebody was first, or it has just ended: then the next renewal says so.
            answer["others"].append(identity)
        else:
            answer["adopted"].append(await _told(parts, grant, pods=body.get("pods", False)))
    return answer


@router.post("/report")
async def report(body: wire.WorkerReport, parts: Parts, who: Worker) -> dict[str, str]:
    """Take a worker's word on one attempt."""

    def hear(tx: Transaction) -> Hearing:
        def tell(row: Row) -> WorkerReport:
            message = body.get("message", "")
            if message and not State(row["state"]).is_final:
                message = pod_contents.mask(tx, parts, row["id"])(message)
            return _event(body, message[:MOST_MESSAGE])

        return parts.queue.hear_of(tx, body["attempt"], tell, light=False).hearing

    return {"hearing": await parts.store.write(hear)}


def _event(body: wire.WorkerReport, message: str) -> WorkerReport:
    lease = body["lease"]
    match body["kind"]:
        case "lost":
            reason = known_reason(body.get("reason", ""), Reason.RUNNER_GONE)
            permanent = body.get("permanent", False)
            return Lost(lease, reason, message, permanent, body.get("node", "")[: renewing.NAME])
        case "released":
            return Released(lease)
        case "rejected":
            return Rejected(lease, message)
    raise UserError(f"{body['kind'][:40]!r} is nothing a worker reports")
