"""What the API server says when it says no, as errors of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from steersman.cluster.base import NoRoom
from steersman.core.errors import (
    Conflict,
    Expired,
    Forbidden,
    NotFound,
    Refused,
    SteersmanError,
    Unavailable,
    Unknown,
    UserError,
)

LONGEST_AFTER = 30.0


class Busy(Unavailable):
    """The API server has too much to do; *after* is when it asks to try again."""

    def __init__(self, message: str, *, after: float) -> None:
        super().__init__(message)
        self.after = after


class Silent(Unavailable):
    """Nothing was heard for too long."""


class Exists(Conflict):
    """There is an object of this name already."""


def status(body: bytes) -> Mapping[str, Any]:
    """Return the API server's own account of a refusal, as far as it is one."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if isinstance(said, dict) and said.get("kind") == "Status":
        return said
    return {"message": body[:300].decode("utf-8", "replace").strip()}


def error(
    what: str, code: int, said: Mapping[str, Any], after: str | None = None
) -> SteersmanError:
    """Return the error for an answer to *what*."""
    reason = str(said.get("reason") or "")
    words = f"{what}: {said.get('message') or f'the API server answers with {code}'}"[:1500]
    if code == 429:
        return Busy(words, after=_seconds(after))
    if code == 410 or reason == "Expired":
        # A list that need not be of one moment goes on where it was.
        return Expired(words, going_on=str((said.get("metadata") or {}).get("continue") or ""))
    if code == 403:
        return _forbidden(words)
    if code == 409 and reason == "AlreadyExists":
        return Exists(words)
    if code in (408, 409) or code >= 500:
        # A conflict is of two who write at once: a quota's count, or the object itself.
        return Unavailable(words)
    if code == 401:
        return Unknown(words, hint="is the kubeconfig, or the service account, still valid?")
    if code == 404:
        return NotFound(words)
    if code in (400, 422):
        return UserError(words)
    return Refused(words)


def _forbidden(words: str) -> SteersmanError:
    if "exceeded quota" in words or "insufficient quota" in words:
        return NoRoom(words)
    if " cannot " in words and "User " in words:
        return Forbidden(words, hint="give its service account this right (docs: RBAC)")
    if "because it is being terminated" in words:
        return Refused(words, hint="somebody deletes the namespace of the jobs")
    # Pod security, a policy, a webhook: what this pipeline asks for is not allowed there.
    return UserError(words, hint="a policy of the cluster does not allow this pod")


def _seconds(text: str | None) -> float:
    try:
        return min(max(float(text or 1), 0.0), LONGEST_AFTER)
    except ValueError:
        return 1.0
