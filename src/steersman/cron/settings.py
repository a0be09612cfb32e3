"""What an admin says to an instance."""

from __future__ import annotations

from typing import NamedTuple

from steersman.core.schedules import pacing, planning
from steersman.cron.ledger.base import LEADING


class Settings(NamedTuple):
    """*poll*: how often requests are looked for. *rate*: launches a second, *at_once*: in all."""

    holder: str
    leading: float = LEADING
    poll: float = 1.0
    rate: float = pacing.RATE
    tolerance: float = planning.TOLERANCE
    at_once: int = 32
    keep: float = 90 * 86400.0
    vanished: float = 30.0
