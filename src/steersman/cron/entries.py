"""What a configuration holds: schedules, each with its work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from steersman.core.schedules.schedule import Schedule
from steersman.cron.launchers.base import Work


class Entry(NamedTuple):
    """One schedule and what it launches."""

    schedule: Schedule
    work: Work


Entries = Mapping[str, Entry]
