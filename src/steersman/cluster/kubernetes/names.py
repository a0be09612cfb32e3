"""What our objects in a cluster are called, and how they are known again."""

from __future__ import annotations

import re

from steersman.core.errors import UserError

OWN = "steersman.dev"
MANAGED = "app.kubernetes.io/managed-by"
MANAGER = "steersman"
ATTEMPT, POOL, TRUSTED = f"{OWN}/attempt", f"{OWN}/pool", f"{OWN}/trusted"
INSTALLATION = f"{OWN}/installation"
SERVICES = f"{OWN}/services"
SELECTOR = f"{MANAGED}={MANAGER},{ATTEMPT}"
# What a person's own `steer run` makes, no worker looks at.
PERSONAL = "steer-run"
PERSONAL_SELECTOR = f"{MANAGED}={PERSONAL},{ATTEMPT}"
PREPARE, RUNNER, BOX, SERVICE = "prepare", "runner", "box", "svc-"
_ATTEMPT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,50}[a-z0-9])?")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


def selector(installation: str) -> str:
    """Return what selects the objects of one installation: several may share a namespace."""
    return f"{SELECTOR},{INSTALLATION}={installation}"


def named(attempt: str) -> str:
    """Return the name of an attempt's pod and Secret: making them twice is harmless."""
    if not _ATTEMPT.fullmatch(attempt):
        raise UserError(f"{attempt[:120]!r} cannot be the id of an attempt of a pod")
    return f"steer-{attempt}"


def label(text: str) -> str | None:
    """Return *text* if it may be the value of a label."""
    return text if _LABEL.fullmatch(text) else None
