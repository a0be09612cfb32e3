"""From states that changed to messages that wait, in the same transaction.

Also here: the secrets of targets, sealed beside them in the settings of the project.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from steersman.core import ids, notifications
from steersman.core.errors import Refused
from steersman.core.notifications import Change
from steersman.core.runs import Run, State, job_states
from steersman.keyring import Keyring
from steersman.store import outboxes
from steersman.store.base import Row, Transaction
from steersman.store.runs import StoredRun
from steersman.store.tables import events, runs

SEALED = "sealed"
_BROKEN = (State.FAILED, State.ERRORED)
_TOLD = (*_BROKEN, State.SUCCEEDED)
"""Ends that say whether something works; a cancelled run says nothing."""


def note(tx: Transaction, stored: StoredRun, run: Run, changed: list[tuple[str, str]]) -> None:
    """Note for each target of the project what it is to hear of *changed*; twice does no harm.

    It has the shape of `moving.Told`.
    """
    targets = notifications.targets(stored.row["project_settings"])
    if not targets:
        return
    version = select(runs.c.version).where(runs.c.id == stored.row["id"])
    facts = _facts(stored.row, stored.row["project"], int(tx.value(version) or 0), tx.now)
    for job, state in changed:
        change = facts._replace(job=job, state=str(state))
        if not job:
            fixed = state == State.SUCCEEDED and _was_broken(tx, stored.row)
            change = change._replace(why=_why(stored.row, run, state), fixed=fixed)
        for target in notifications.wanted(targets, change):
            _add(tx, stored.row, target, change)


def _add(tx: Transaction, row: Row, target: notifications.Target, change: Change) -> None:
    key = notifications.key(target, change)
    # An id that its key decides: chance is no part of a transaction that may run twice.
    digest = hashlib.sha256(key.encode("utf-8", "replace")).digest()
    message = {"target": target.id, "change": change._asdict()}
    outboxes.add(
        tx,
        {
            "id": ids.make(int(tx.now * 1000), digest[: ids.RANDOM_BYTES]),
            "project_id": row["project_id"],
            "run_id": row["id"],
            "kind": target.kind.value,
            "key": key,
            "message": message,
        },
    )


def _facts(row: Row, project: str, version: int, now: float) -> Change:
    cause = row["cause"] or {}
    return Change(
        run=row["id"],
        seq=version,
        state="",
        at=now,
        project=project,
        number=row["number"],
        name=row["name"],
        event=str(cause.get("kind") or ""),
        branch=row["branch"],
        tag=str(cause.get("tag") or ""),
        pull=int(cause.get("number") or 0),
        commit=row["commit"],
        author=str(cause.get("commit_author") or cause.get("author") or ""),
    )


def _why(row: Row, run: Run, state: str) -> str:
    """Say in a line why the run stands where it does: the words of the first job that does."""
    if row["message"]:
        return str(row["message"])
    if run.cancelled is not None and state == State.CANCELLED:
        return run.cancelled.message
    if state not in _BROKEN:
        return ""
    states = job_states(run)
    worst = (job for job in run.jobs if states[job.name] == state and not job.allow_failure)
    job = next(worst, None)
    if job is None or not job.attempts:
        return ""
    said = job.attempts[-1].message
    return said if len(run.jobs) == 1 else f"{job.name}: {said}".rstrip(": ")


def _was_broken(tx: Transaction, row: Row) -> bool:
    """Tell whether what *row* does failed when it was last done: by itself, or by a run before."""
    said = select(events.c.data).where(events.c.run_id == row["id"], events.c.kind == "run")
    states = [each["data"].get("state") for each in tx.all(said.order_by(events.c.number))]
    if earlier := [state for state in states[:-1] if state in _TOLD]:
        return earlier[-1] in _BROKEN
    pull = func.coalesce(runs.c.cause["number"].as_integer(), 0)
    query = (
        select(runs.c.state)
        .where(
            runs.c.project_id == row["project_id"],
            runs.c.name == row["name"],
            runs.c.branch == row["branch"],
            runs.c.id != row["id"],
            runs.c.ended.is_not(None),
            runs.c.state.in_(_TOLD),
            # Runs of pull requests bear the branch they go into, and are no news about it.
            pull == int((row["cause"] or {}).get("number") or 0),
        )
        .order_by(runs.c.ended.desc(), runs.c.number.desc())
        .limit(1)
    )
    return tx.value(query) in _BROKEN


def seal_target(
    keyring: Keyring, project: str, target: Mapping[str, Any], secret: str
) -> dict[str, Any]:
    """Return *target* with its secret: of a webhook, a forge's token, or the address of Slack."""
    name = _name(str(target.get("id") or ""))
    sealed = keyring.seal(project, name, secret.encode())
    return {**target, SEALED: base64.b64encode(sealed).decode()}


def open_target(keyring: Keyring, project: str, target: Mapping[str, Any]) -> str:
    """Return the secret of *target*, empty where it has none."""
    name, sealed = _name(str(target.get("id") or "")), target.get(SEALED)
    if not sealed:
        return ""
    try:
        found = base64.b64decode(str(sealed), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"the secret {name} is damaged", hint="set the secret anew") from None
    return keyring.open(project, name, found).decode("utf-8", "replace")


def _name(identity: str) -> str:
    return f"notify/{identity}"
