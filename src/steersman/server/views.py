"""Rows as people see them: times in RFC 3339, nothing that is secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from steersman.core import remotes
from steersman.core.reports import Note
from steersman.server.access import Caller
from steersman.store.base import Row
from steersman.store.listing import Viewer

Json = dict[str, Any]


def viewer(who: Caller) -> Viewer:
    """Return who looks, for lists."""
    return Viewer(who.user, who.admin, who.project)


def time(seconds: float | None) -> str | None:
    """Spell a time; None stays None."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def project(row: Row) -> Json:
    return {
        "id": row["id"],
        "name": row["name"],
        "repository": remotes.shown(row["repository"]),
        "forge": row["forge"],
        "default_branch": row["default_branch"],
        "settings": _without_sealed(row["settings"] or {}),
        "has_credentials": row["credentials"] is not None,
        "runs": row["runs"],
        "version": row["version"],
        "created": time(row["created"]),
    }


def _without_sealed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_sealed(each) for name, each in value.items() if name != "sealed"}
    return [_without_sealed(each) for each in value] if isinstance(value, list) else value


def run(row: Row) -> Json:
    """Return a run as it is listed; *row* has its project's name too."""
    cause = row["cause"] or {}
    return {
        "id": row["id"],
        "project": row["project"],
        "number": row["number"],
        "name": row["name"],
        "state": row["state"],
        "message": row["message"],
        "branch": row["branch"],
        "tag": cause.get("tag") or "",
        "commit": row["commit"],
        "commit_message": cause.get("message") or "",
        "commit_author": cause.get("commit_author") or "",
        "event": cause.get("kind") or "",
        "by": cause.get("author") or "",
        "fork": bool(cause.get("fork")),
        "variables": cause.get("variables") or {},
        "created": time(row["created"]),
        "began": time(row["began"]),
        "ended": time(row["ended"]),
        "cancelled": (row["cancelled"] or [None, None])[1],
        "problems": row["problems"] or [],
    }


def job(row: Row, tries: list[Row], why: str) -> Json:
    facts, changes = row["facts"], row["changes"] or {}
    verdict = changes.get("verdict")
    return {
        "name": row["name"],
        "pipeline": row["pipeline"],
        "needs": facts["needs"],
        "state": row["state"],
        "pool": row["pool"],
        "allow_failure": facts["allow_failure"],
        "why": why,
        "approvers": facts["approvers"] if facts["approve"] else None,
        "decided": {"approved": verdict[0], "by": verdict[2]} if verdict else None,
        "attempts": [attempt(each) for each in tries],
    }


def attempt(row: Row) -> Json:
    return {
        "id": row["id"],
        "number": row["number"],
        "state": row["state"],
        "reason": row["reason"],
        "message": row["message"],
        "worker": row["worker"],
        "node": row["node"],
        "notes": notes(row),
        "queued": time(row["queued"]),
        "started": time(row["started"]),
        "since": time(row["since"]),
        "log_size": row["log_size"],
        "log_lines": row["log_lines"],
        "log_closed": row["log_closed"],
    }


def notes(row: Row) -> list[Json]:
    """Return what the worker of an attempt sees of it."""
    return [Note(*each)._asdict() for each in row["notes"] or ()]


def step(row: Row) -> Json:
    return {
        "number": row["number"],
        "name": row["name"],
        "phase": row["phase"],
        "state": row["state"],
        "began": time(row["began"]),
        "seconds": row["seconds"],
        "exit_code": row["exit_code"],
        "message": row["message"],
        "log_start": row["log_start"],
        "log_stop": row["log_stop"],
        "memory": row["memory"],
        "cpu": row["cpu"],
    }


def event(row: Row) -> Json:
    return {
        "number": row["number"],
        "at": time(row["at"]),
        "kind": row["kind"],
        "project_id": row["project_id"],
        "run": row["run_id"],
        "job": row["job"],
        "attempt": row["attempt_id"],
        "data": row["data"] or {},
    }


def artifact(row: Row) -> Json:
    return {
        "id": row["id"],
        "run": row["run_id"],
        "job": row["job"],
        "attempt": row["attempt_id"],
        "kind": row["kind"],
        "name": row["name"],
        "size": row["size"],
        "sha256": row["sha256"],
        "files": row["files"],
        "created": time(row["created"]),
        "expires": time(row["expires"]),
    }
