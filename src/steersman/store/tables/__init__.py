"""Every table. Times are seconds since the epoch; what only people read is JSON.

The migrations make these; a test compares both on both engines.
"""

from steersman.store.tables.asking import deliveries, outbox, triggers
from steersman.store.tables.columns import BIG, metadata
from steersman.store.tables.keeping import (
    artifacts,
    caches,
    garbage,
    log_pieces,
    published_steps,
    test_reports,
)
from steersman.store.tables.people import (
    answers,
    audit,
    members,
    projects,
    secrets,
    settings,
    tokens,
    users,
)
from steersman.store.tables.running import (
    ACTIVE,
    QUEUED,
    attempts,
    events,
    jobs,
    lanes,
    pipeline_files,
    runs,
    steps,
    workers,
)
from steersman.store.tables.schedules import alarms, fires, schedule_counts, schedules

__all__ = [
    "ACTIVE",
    "BIG",
    "QUEUED",
    "alarms",
    "answers",
    "artifacts",
    "attempts",
    "audit",
    "caches",
    "deliveries",
    "events",
    "fires",
    "garbage",
    "jobs",
    "lanes",
    "log_pieces",
    "members",
    "metadata",
    "outbox",
    "pipeline_files",
    "projects",
    "published_steps",
    "runs",
    "schedule_counts",
    "schedules",
    "secrets",
    "settings",
    "steps",
    "test_reports",
    "tokens",
    "triggers",
    "users",
    "workers",
]
