"""What a forge's answer to a status means: done, once more, or never."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from steersman.core.forges.base import Forge, Headers

PAUSE, LONGEST_PAUSE = 30.0, 3600.0
"""Seconds to wait where the forge does not say how long, and at most."""

_WHY = {
    400: "the forge does not understand the status",
    401: "the forge does not know the token; give the project a new one",
    403: "the token may not set the status of a commit; give it the permission to",
    404: "there is no such repository or commit, or the token may not see it",
    410: "the repository is gone",
    422: "the forge refuses the status",
}
_LATER = frozenset({408, 409, 425, 429})


class Sent(NamedTuple):
    """The forge shows the status, or one that is as good."""


class Again(NamedTuple):
    """It may go through when sent once more *after* so many seconds."""

    after: float


class GaveUp(NamedTuple):
    """It will not go through; *why* is for whoever can mend it."""

    why: str


def answered(
    forge: Forge, status_code: int, body: bytes, headers: Headers | None = None
) -> Sent | Again | GaveUp:
    """Say what the answer of *forge* means."""
    headers = headers or {}
    if 200 <= status_code < 300:
        return Sent()
    if forge is Forge.GITLAB and status_code == 400 and b"cannot transition" in body.lower():
        # It shows this status already, or a later one that overtook it.
        return Sent()
    if status_code >= 500 or status_code in _LATER or _is_limited(status_code, body, headers):
        return Again(_pause(headers))
    if 300 <= status_code < 400:
        return GaveUp(f"the repository has moved ({status_code}); correct its address")
    why = f"{_WHY.get(status_code, 'the forge refuses the status')} ({status_code})"
    said = _message(body)
    return GaveUp(f"{why}: {said}" if said else why)


def _is_limited(status_code: int, body: bytes, headers: Headers) -> bool:
    """Tell whether GitHub means "too fast" where it says "forbidden"."""
    return status_code == 403 and (
        "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or b"rate limit" in body.lower()
    )


def _pause(headers: Headers) -> float:
    """Return how long to wait; a date instead of seconds needs a clock, and is not understood."""
    given = headers.get("retry-after", "")
    asked = float(given) if re.fullmatch(r"[0-9]{1,9}", given) else PAUSE
    return min(max(asked, 1.0), LONGEST_PAUSE)


def _message(body: bytes) -> str:
    """Return what the forge says of it, in one short line."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    said = found.get("message") or found.get("error") if isinstance(found, dict) else ""
    if isinstance(said, dict):
        said = said.get("message", "")
    line = " ".join(said.split()) if isinstance(said, str) else ""
    return re.sub(r"[^ -~]", "?", line)[:200]
