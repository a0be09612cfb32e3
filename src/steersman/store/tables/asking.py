"""What asks for runs, and who is told of them: triggers, schedules, deliveries, the outbox."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table, Text, UniqueConstraint, text

from steersman.store.tables import columns

triggers = Table(
    "triggers",
    columns.metadata,
    columns.key(),
    columns.of("project_id", "projects.id"),
    columns.words("key"),
    columns.json("request"),
    columns.words("state"),
    columns.words("message"),
    columns.number("tries"),
    columns.time("accepted"),
    columns.time("next_try"),
    columns.words("author"),
    UniqueConstraint("project_id", "key"),
    Index(
        "ix_triggers_open",
        "next_try",
        sqlite_where=text("state = 'accepted'"),
        postgresql_where=text("state = 'accepted'"),
    ),
)

deliveries = Table(
    "deliveries",
    columns.metadata,
    columns.key(),
    columns.of("project_id", "projects.id"),
    columns.words("delivery"),
    columns.words("event"),
    columns.json("headers"),
    Column("body", LargeBinary),
    columns.words("outcome"),
    columns.json("triggers"),
    columns.time("received"),
    UniqueConstraint("project_id", "delivery"),
    Index(None, "project_id", "received"),
)

outbox = Table(
    "outbox",
    columns.metadata,
    columns.key(),
    columns.of("project_id", "projects.id"),
    Column("run_id", Text),
    columns.words("kind"),
    Column("key", Text, nullable=False, unique=True),
    columns.json("message"),
    columns.words("state"),
    columns.number("tries"),
    columns.time("next_try"),
    columns.time("created"),
    columns.time("ended", null=True),
    columns.words("answer"),
    Index(
        "ix_outbox_open",
        "next_try",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(None, "project_id", "created"),
)
