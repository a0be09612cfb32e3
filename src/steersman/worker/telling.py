"""What the worker says to the server, and how it reads the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from steersman import wire
from steersman.client import Away, Client
from steersman.core.runners import Note, Phase, Report
from steersman.worker.holds import Asked, Grant, Holds

T = TypeVar("T")
TIMEOUT = 20.0
MESSAGE = 2000


class Given(NamedTuple):
    """An attempt as the server gave it, and what its runner needs to know.

    *wanted* is what its pod is to hold, *refused* why there can be none.
    """

    grant: Grant
    token: str
    pool: str
    wanted: Mapping[str, Any] | None = None
    refused: str = ""


class Renewal(NamedTuple):
    """The answer to a renewal."""

    stop: tuple[str, ...]
    gone: tuple[str, ...]
    others: tuple[str, ...]
    adopted: tuple[Given, ...]


async def installation(client: Client) -> str:
    """Ask which installation this is."""
    answer = await client.call("GET", "/worker/v1/installation", None, timeout=TIMEOUT)
    return str(answer["id"])


async def lease(client: Client, says: wire.WorkerSays) -> tuple[Given, ...]:
    """Ask for work, as long as the worker says that it waits."""

    def read(answer: Any) -> tuple[Given, ...]:
        return tuple(_given(each) for each in answer["granted"])

    return await _call(client, "lease", says, read, timeout=says["wait"] + TIMEOUT)


async def renew(
    client: Client, worker: str, holds: Holds, about: Asked, *, pods: bool = False
) -> Renewal:
    """Renew the leases and ask for the runners that a renewal is *about*."""

    def read(answer: Any) -> Renewal:
        adopted = tuple(_given(each, found=True) for each in answer["adopted"])
        stop, gone, others = (tuple(answer[key]) for key in ("stop", "gone", "others"))
        return Renewal(stop, gone, others, adopted)

    held = [_held(holds, name, number) for name, number in about.leases.items()]
    body: wire.Renewal = {"worker": worker, "held": held, "adopt": sorted(about.found)}
    if pods:
        body["pods"] = True
    return await _call(client, "renew", body, read, timeout=TIMEOUT)


async def report(client: Client, what: Report, node: str = "") -> str:
    """Report an attempt that is given up; return what that was to the server."""
    body: wire.WorkerReport = {
        "attempt": what.attempt,
        "lease": what.lease,
        "kind": what.kind,
        "message": what.message[:MESSAGE],
    }
    if what.reason is not None:
        body["reason"] = what.reason
    if node:
        body["node"] = node
    if what.permanent:
        body["permanent"] = True
    return await _call(client, "report", body, lambda said: str(said["hearing"]), timeout=TIMEOUT)


async def _call(
    client: Client,
    name: str,
    body: object,
    read: Callable[[Any], T],
    *,
    timeout: float,  # noqa: ASYNC109 - of each silence
) -> T:
    answer = await client.call("POST", f"/worker/v1/{name}", body, timeout=timeout)
    try:
        return read(answer)
    except (KeyError, TypeError, ValueError) as error:
        what = f"the server's answer to {name} cannot be understood: {error!r}"
        raise Away(what, hint="are server and worker of about the same version?") from error


def _given(said: wire.Granted, *, found: bool = False) -> Given:
    grant = Grant(str(said["attempt"]), int(said["lease"]), bool(said["cancelled"]), found)
    wanted, refused = said.get("wanted"), str(said.get("refused") or "")
    return Given(grant, str(said["token"]), str(said["pool"]), wanted, refused)


def _held(holds: Holds, name: str, number: int) -> wire.Held:
    begun = holds.held[name].phase is Phase.RUNNING
    said: wire.Held = {
        "attempt": name,
        "lease": number,
        "phase": "running" if begun else "preparing",
    }
    seen = holds.seen.get(name)
    if seen is not None:
        said |= {"placed": seen.placed, "note": seen.note[:MESSAGE]}
        if seen.stage is not None or seen.notes:
            said |= {"node": seen.node, "notes": [_note(each) for each in seen.notes]}
    return said


def _note(what: Note) -> wire.Note:
    said: wire.Note = {"kind": what.kind, "container": what.container, "text": what.text[:MESSAGE]}
    if what.reason is not None:
        said |= {"reason": what.reason, "permanent": what.permanent}
    return said
