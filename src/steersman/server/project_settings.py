"""The settings of a project as somebody gives them: checked, and their secrets sealed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from steersman.core import notifications, retention
from steersman.core.errors import UserError
from steersman.keyring import Keyring
from steersman.server.outgoing import noting
from steersman.server.receiving import WEBHOOK

FLAGS = ("submodules", "lfs", "public_badge")
TEXTS = ("pool", "fork_pool")
LONGEST = 100
MINUTES = ("job_minutes", "run_minutes")
MOST_MINUTES = 7 * 24 * 60
KNOWN = (*TEXTS, "pools", "weight", *MINUTES, *FLAGS, "notify", "retention")


def checked(
    given: Mapping[str, Any], before: Mapping[str, Any], keyring: Keyring, project: str
) -> dict[str, Any]:
    """Return the settings to store; `UserError` names what is wrong with *given*.

    What is sealed is kept where nothing new is given: a target's secret goes by the target's id.
    """
    _check_simple(given)
    if "retention" in given:
        retention.policy({"retention": given["retention"]})
    settings = dict(given)
    if "notify" in given:
        settings["notify"] = _targets(given["notify"], before.get("notify"), keyring, project)
    if WEBHOOK in before:
        settings[WEBHOOK] = before[WEBHOOK]
    return settings


def _check_simple(given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in KNOWN:
            raise _wrong(f"there is no {name[:40]!r}", f"known: {', '.join(KNOWN)}")
    for name in TEXTS:
        if name in given and not _is_name(given[name]):
            raise _wrong(f"{name} must be a name")
    for name in FLAGS:
        if name in given and not isinstance(given[name], bool):
            raise _wrong(f"{name} must be true or false")
    for name in MINUTES:
        if name in given and not _is_minutes(given[name]):
            raise _wrong(f"{name} must be a number of minutes, from 1 to {MOST_MINUTES}")
    _check_pools(given.get("pools", []))
    _check_weight(given.get("weight", 1))


def _wrong(what: str, hint: str | None = None) -> UserError:
    return UserError(f"settings: {what}", hint=hint)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()


def _is_minutes(value: object) -> bool:
    return type(value) is int and 1 <= value <= MOST_MINUTES


def _check_pools(value: object) -> None:
    if not isinstance(value, list) or len(value) > LONGEST or not all(map(_is_name, value)):
        raise _wrong("pools must be a list of names")


def _check_weight(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong("weight must be a number")
    if not math.isfinite(value) or not 0.01 <= value <= 1000:
        raise _wrong("weight must be between 0.01 and 1000")


def _targets(given: object, before: object, keyring: Keyring, project: str) -> list[dict[str, Any]]:
    """Check targets of notifications; a `secret` is sealed, and kept when none is given."""
    if not isinstance(given, list) or len(given) > LONGEST:
        raise _wrong("notify must be a list of targets")
    kept = {
        each.get("id"): each.get("sealed")
        for each in (before if isinstance(before, list) else [])
        if isinstance(each, Mapping)
    }
    found: list[dict[str, Any]] = []
    for number, each in enumerate(given):
        if not isinstance(each, Mapping):
            raise _wrong("each target of notify must be a map")
        target = {name: value for name, value in each.items() if name not in ("secret", "sealed")}
        target.setdefault("id", f"{target.get('kind', 'target')}-{number + 1}")
        notifications.target(target)
        if any(other["id"] == target["id"] for other in found):
            raise _wrong(f"two targets of notify have the id {target['id']}")
        secret = each.get("secret")
        if isinstance(secret, str) and secret:
            target = noting.seal_target(keyring, project, target, secret)
        elif kept.get(target["id"]):
            target["sealed"] = kept[target["id"]]
        found.append(target)
    return found
