"""What the program writes into its log: the name of an event, then details."""

from __future__ import annotations

import logging
from enum import StrEnum

log = logging.getLogger("steersman.cron")


class Event(StrEnum):
    """A closed list: people search for these."""

    CRON_STARTED = "cron_started"
    CRON_STOPPED = "cron_stopped"
    LEADING = "leading"
    STANDING_BY = "standing_by"
    LEADING_ENDED = "leading_ended"
    LEDGER_AWAY = "ledger_away"
    LAUNCHED = "launched"
    LAUNCH_DELAYED = "launch_delayed"
    INSTANT_MISSED = "instant_missed"
    INSTANT_SKIPPED = "instant_skipped"
    RUN_ENDED = "run_ended"
    RUN_LOST = "run_lost"
    CLOCK_JUMPED = "clock_jumped"
    CONFIG_LOADED = "config_loaded"
    CONFIG_REFUSED = "config_refused"
    SCHEDULE_STOPPED = "schedule_stopped"
    REQUEST_DONE = "request_done"
    ALARM_RAISED = "alarm_raised"
    ALARM_OVER = "alarm_over"
    ALARM_UNTOLD = "alarm_untold"
    CLUSTER_AWAY = "cluster_away"


def say(event: Event, about: str, *, level: int = logging.INFO) -> None:
    """Write one line."""
    log.log(level, "%s %s", event, about)
