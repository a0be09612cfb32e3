"""What workers ask: work, renewals, and what they see of runners."""

from __future__ import annotations

from fastapi import APIRouter

from steersman import wire
from steersman.core import attempts, leases, queue, reports, tokens
from steersman.core.attempts import State
from steersman.core.errors import UserError
from steersman.core.reports import Lost, Reason, Rejected, Released, WorkerReport
from steersman.server.access import Caller, Parts, Worker
from steersman.server.platform import Platform
from steersman.server.queue import Asks, Grant
from steersman.store import attempts as attempt_rows
from steersman.store.base import Transaction

router = APIRouter(prefix="/worker/v1", tags=["worker"])
MOST_AT_ONCE = 100
LONGEST_WAIT = 30.0


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
    return {"granted": [_granted(parts, grant) for grant in grants]}


def _named(who: Caller, name: str) -> str:
    """A worker's token may be shared: what tells workers apart is the name each gives."""
    if not name or len(name) > 100 or not name.isprintable():
        raise UserError("a worker needs a name of at most 100 printable characters")
    return name


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
    answer: wire.Renewed = {"stop": [], "gone": [], "others": [], "adopted": []}
    held = body["held"]
    if held:
        await parts.store.write(lambda tx: _renew(tx, parts, name, held, answer))
    for identity in body["adopt"]:
        grant = await parts.queue.adopt(identity, name)
        if grant is None:
            answer["gone"].append(identity)
        else:
            answer["adopted"].append(_granted(parts, grant))
    return answer


def _renew(
    tx: Transaction, parts: Platform, worker: str, held: list[wire.Held], answer: wire.Renewed
) -> None:
    answer["gone"].clear()
    answer["stop"].clear()
    for each in held:
        row = attempt_rows.load(tx, each["attempt"], lock=True)
        if row is None:
            answer["gone"].append(each["attempt"])
            continue
        old = attempt_rows.attempt(row)
        mine = old.lease is not None and old.lease.number == each["lease"]
        if old.state.is_final or not mine:
            answer["gone"].append(old.id)
            continue
        if old.state is State.CANCELLING:
            answer["stop"].append(old.id)
        event = reports.Renewed(
            each["lease"], tx.now + leases.SECONDS, each.get("placed", True), each.get("note", "")
        )
        new = attempts.advance(old, event, tx.now)
        if new is not old:
            attempt_rows.save(tx, new, parts.queue.rules.deadlines)


@router.post("/report")
async def report(body: wire.WorkerReport, parts: Parts, who: Worker) -> dict[str, str]:
    """Take a worker's word on one attempt."""
    heard = await parts.queue.report(body["attempt"], _event(body))
    return {"hearing": heard.hearing}


def _event(body: wire.WorkerReport) -> WorkerReport:
    lease, message = body["lease"], body.get("message", "")[:2000]
    match body["kind"]:
        case "lost":
            return Lost(lease, _reason(body.get("reason", ""), Reason.RUNNER_GONE), message)
        case "released":
            return Released(lease)
        case "rejected":
            return Rejected(lease, message)
    raise UserError(f"{body['kind'][:40]!r} is nothing a worker reports")


def _reason(text: str, otherwise: Reason) -> Reason:
    return Reason(text) if text in set(Reason) else otherwise
