"""What the process of a run begins with."""

from __future__ import annotations

from collections.abc import Mapping

from steersman.core.schedules import explaining
from steersman.core.schedules.fires import Fire
from steersman.cron.launchers.base import Impossible

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OURS = ("STEERSMAN_SCHEDULE", "STEERSMAN_INSTANT")


def environment(
    wanted: Mapping[str, str | None], fire: Fire, own: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of *fire*: what is *wanted*, and of our *own* no more than a minimum.

    A variable without a value is taken from our own.
    """
    found = {"PATH": PATH, "HOME": own.get("HOME") or "/", "LANG": own.get("LANG") or "C.UTF-8"}
    for name, value in wanted.items():
        if value is None and name not in own:
            raise Impossible(
                f"`environment` names {name} without a value, and `steer cron` has no such variable"
            )
        found[name] = own[name] if value is None else value
    instant = explaining.stamp(fire.instant)
    return {**found, "STEERSMAN_SCHEDULE": fire.schedule, "STEERSMAN_INSTANT": instant}
