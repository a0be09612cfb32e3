"""Runs with their jobs and attempts, and the queue of these."""

from __future__ import annotations

from sqlalchemy import Column, Identity, Index, Table, Text, UniqueConstraint, text

from steersman.store.tables import columns

QUEUED = text("state = 'queued'")
ACTIVE = text("state IN ('leased', 'running', 'cancelling')")

pipeline_files = Table(
    "pipeline_files",
    columns.metadata,
    columns.key("digest"),
    columns.words("content"),
    columns.time("used"),
)

runs = Table(
    "runs",
    columns.metadata,
    columns.key(),
    columns.of("project_id", "projects.id"),
    columns.number("number"),
    columns.words("name"),
    columns.words("state"),
    Column("trigger_id", Text),
    columns.json("cause"),
    columns.words("branch"),
    columns.words("commit"),
    columns.words("file"),
    columns.words("file_digest"),
    columns.number("priority"),
    columns.words("group"),
    columns.flag("cancels"),
    columns.json("cancelled"),
    columns.json("problems"),
    columns.words("message"),
    columns.time("limit", null=True),
    columns.time("created"),
    columns.time("began", null=True),
    columns.time("ended", null=True),
    columns.number("version", 1),
    UniqueConstraint("project_id", "number"),
    Index(None, "project_id", "branch", "created"),
    Index(None, "created"),
    Index(None, "project_id", "group", "state"),
    Index(None, "trigger_id"),
    Index(None, "file_digest"),
)

jobs = Table(
    "jobs",
    columns.metadata,
    columns.of("run_id", "runs.id", key=True),
    columns.key("name"),
    columns.number("position"),
    columns.words("pipeline"),
    columns.words("state"),
    columns.json("facts"),
    columns.json("changes"),
    columns.words("pool"),
    columns.json("needs"),
)

lanes = Table(
    "lanes",
    columns.metadata,
    Column("id", columns.BIG, Identity(), primary_key=True),
    columns.of("project_id", "projects.id"),
    columns.words("pool"),
    columns.words("needs"),
    columns.number("waiting"),
    UniqueConstraint("project_id", "pool", "needs"),
)

attempts = Table(
    "attempts",
    columns.metadata,
    columns.key(),
    columns.of("run_id", "runs.id"),
    columns.of("project_id", "projects.id"),
    columns.words("job"),
    columns.number("number"),
    columns.words("state"),
    columns.time("queued"),
    columns.time("since"),
    columns.words("worker", null=True),
    columns.number("lease"),
    columns.time("lease_until", null=True),
    columns.number("leases"),
    columns.time("placed"),
    columns.words("runner", null=True),
    columns.time("started", null=True),
    columns.time("heard"),
    columns.json("doubt"),
    columns.time("limit", null=True),
    columns.words("reason", null=True),
    columns.words("message"),
    columns.words("node", null=True),
    columns.json("notes"),
    columns.time("due", null=True),
    Column("lane", columns.BIG, nullable=False),
    columns.time("rank"),
    columns.flag("blocked"),
    columns.words("pool"),
    columns.number("log_size"),
    columns.number("log_lines"),
    columns.flag("log_closed"),
    UniqueConstraint("run_id", "job", "number"),
    Index(
        "ix_attempts_queue",
        "lane",
        "blocked",
        "rank",
        "id",
        sqlite_where=QUEUED,
        postgresql_where=QUEUED,
    ),
    Index(
        "ix_attempts_node",
        "node",
        "started",
        sqlite_where=text("node IS NOT NULL"),
        postgresql_where=text("node IS NOT NULL"),
    ),
    Index(
        "ix_attempts_active",
        "project_id",
        "pool",
        "state",
        "worker",
        sqlite_where=ACTIVE,
        postgresql_where=ACTIVE,
    ),
    Index("ix_attempts_due", "due"),
)

steps = Table(
    "steps",
    columns.metadata,
    columns.of("attempt_id", "attempts.id", key=True),
    Column("number", columns.BIG, primary_key=True, autoincrement=False),
    columns.words("name"),
    columns.words("phase"),
    columns.words("state"),
    columns.time("began", null=True),
    columns.time("seconds", null=True),
    Column("exit_code", columns.BIG),
    columns.words("message"),
    columns.number("log_start"),
    Column("log_stop", columns.BIG),
    Column("memory", columns.BIG),
    columns.time("cpu", null=True),
)

workers = Table(
    "workers",
    columns.metadata,
    columns.key("name"),
    columns.json("pools"),
    columns.json("capabilities"),
    columns.number("slots"),
    columns.flag("paused"),
    columns.time("seen"),
    columns.words("version"),
)

events = Table(
    "events",
    columns.metadata,
    columns.counted("number"),
    columns.time("at"),
    columns.words("kind"),
    Column("project_id", Text, nullable=False),
    Column("run_id", Text),
    Column("job", Text),
    Column("attempt_id", Text),
    columns.json("data"),
    Index(None, "run_id", "number"),
    Index(None, "attempt_id", "number"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)
