"""What attempts leave: logs, artifacts, reports, caches; and published steps."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table, UniqueConstraint, text

from steersman.store.tables import columns

log_pieces = Table(
    "log_pieces",
    columns.metadata,
    columns.of("attempt_id", "attempts.id", key=True),
    Column("start", columns.BIG, primary_key=True, autoincrement=False),
    columns.number("stop"),
    columns.number("first_line"),
    columns.number("lines"),
    columns.time("at"),
    Column("data", LargeBinary),
    columns.words("blob", null=True),
    Index(None, "attempt_id", "first_line"),
    Index(
        "ix_log_pieces_blob",
        "blob",
        sqlite_where=text("blob IS NOT NULL"),
        postgresql_where=text("blob IS NOT NULL"),
    ),
)

artifacts = Table(
    "artifacts",
    columns.metadata,
    columns.key(),
    columns.of("project_id", "projects.id"),
    columns.of("run_id", "runs.id"),
    columns.of("attempt_id", "attempts.id"),
    columns.words("job"),
    columns.words("kind"),
    columns.words("name"),
    columns.words("blob"),
    columns.number("size"),
    columns.words("sha256"),
    columns.number("files"),
    columns.time("created"),
    columns.time("expires", null=True),
    UniqueConstraint("attempt_id", "kind", "name"),
    Index(None, "run_id"),
    Index(None, "expires"),
    Index(None, "blob"),
)

test_reports = Table(
    "test_reports",
    columns.metadata,
    columns.of("attempt_id", "attempts.id", key=True),
    columns.of("project_id", "projects.id"),
    columns.words("branch"),
    columns.words("job"),
    columns.json("totals"),
    columns.json("cases"),
    columns.time("created"),
    Index(None, "project_id", "branch", "job", "created"),
)

caches = Table(
    "caches",
    columns.metadata,
    columns.key(),
    columns.of("project_id", "projects.id"),
    columns.words("scope"),
    columns.words("name"),
    columns.words("blob"),
    columns.number("size"),
    columns.words("sha256"),
    columns.time("created"),
    columns.time("used"),
    UniqueConstraint("project_id", "scope", "name"),
    Index(None, "blob"),
)

published_steps = Table(
    "published_steps",
    columns.metadata,
    columns.key(),
    columns.words("owner"),
    columns.words("name"),
    columns.words("version"),
    columns.words("summary"),
    columns.words("blob"),
    columns.number("size"),
    columns.words("sha256"),
    columns.words("author"),
    columns.time("created"),
    UniqueConstraint("owner", "name", "version"),
    Index(None, "blob"),
)

garbage = Table("garbage", columns.metadata, columns.key("blob"), columns.time("since"))
