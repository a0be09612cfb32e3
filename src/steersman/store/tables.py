"""Every table. Times are seconds since the epoch; what only people read is JSON.

The migrations make these; a test compares both on both engines.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
QUEUED = text("state = 'queued'")
ACTIVE = text("state IN ('leased', 'running', 'cancelling')")
# SQLite counts rows by itself only in a column of exactly this type.
BIG = BigInteger().with_variant(Integer, "sqlite")


def _id(name: str = "id") -> Column[str]:
    return Column(name, Text, primary_key=True)


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null, server_default=None if null else "")


def _time(name: str, *, null: bool = False) -> Column[float]:
    return Column(name, Float(53), nullable=null)


def _number(name: str, default: int = 0) -> Column[int]:
    return Column(name, BIG, nullable=False, server_default=str(default))


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def _json(name: str) -> Column[Any]:
    return Column(name, JSON, nullable=True)


def _of(name: str, target: str, *, key: bool = False) -> Column[str]:
    return Column(
        name, Text, ForeignKey(target, ondelete="CASCADE"), nullable=False, primary_key=key
    )


def _counted(name: str) -> Column[int]:
    return Column(name, BIG, Identity(), primary_key=True)


settings = Table("settings", metadata, _id("name"), _json("value"))

projects = Table(
    "projects",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    _text("repository"),
    _text("forge"),
    _text("default_branch"),
    _json("settings"),
    Column("credentials", LargeBinary),
    _number("runs"),
    _number("version", 1),
    _time("created"),
)

users = Table(
    "users",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    _text("email"),
    Column("subject", Text, unique=True),
    _text("password", null=True),
    _flag("admin"),
    _flag("disabled"),
    _time("created"),
)

members = Table(
    "members",
    metadata,
    _of("project_id", "projects.id", key=True),
    _of("user_id", "users.id", key=True),
    _text("role"),
)

tokens = Table(
    "tokens",
    metadata,
    _id(),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE")),
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE")),
    _text("kind"),
    _text("name"),
    Column("digest", Text, nullable=False, unique=True),
    _json("scopes"),
    _time("created"),
    _time("expires", null=True),
    _time("used", null=True),
    _time("revoked", null=True),
)

secrets = Table(
    "secrets",
    metadata,
    _id(),
    _of("project_id", "projects.id"),
    _text("name"),
    Column("sealed", LargeBinary, nullable=False),
    _json("pipelines"),
    _json("branches"),
    _json("events"),
    _text("author"),
    _time("changed"),
    Index(None, "project_id", "name"),
)

triggers = Table(
    "triggers",
    metadata,
    _id(),
    _of("project_id", "projects.id"),
    _text("key"),
    _json("request"),
    _text("state"),
    _text("message"),
    _number("tries"),
    _time("accepted"),
    _time("next_try"),
    _text("author"),
    UniqueConstraint("project_id", "key"),
    Index(
        "ix_triggers_open",
        "next_try",
        sqlite_where=text("state = 'accepted'"),
        postgresql_where=text("state = 'accepted'"),
    ),
)

# Of what is `removed` the ledger stays for a while. *wake* is when to look at it again, *silent*
# when it becomes an alarm that there was no success.
schedules = Table(
    "schedules",
    metadata,
    _id(),
    _of("project_id", "projects.id"),
    _text("name"),
    _text("target"),
    _text("origin", null=True),
    _json("spec"),
    _text("author"),
    _time("changed"),
    _time("removed", null=True),
    _time("wake", null=True),
    Column("decided", BIG, nullable=False),
    _time("created"),
    _text("version"),
    _json("pause"),
    _number("failures"),
    _number("successes"),
    _time("last_success", null=True),
    Column("last_fired", BIG),
    _time("silent", null=True),
    UniqueConstraint("project_id", "name"),
    Index(
        "ix_schedules_wake",
        "wake",
        sqlite_where=text("wake IS NOT NULL"),
        postgresql_where=text("wake IS NOT NULL"),
    ),
    Index(
        "ix_schedules_silent",
        "silent",
        sqlite_where=text("silent IS NOT NULL"),
        postgresql_where=text("silent IS NOT NULL"),
    ),
)

# What became of each planned instant. It is `open` while there is something to do or to watch.
fires = Table(
    "fires",
    metadata,
    _of("schedule_id", "schedules.id", key=True),
    Column("instant", BIG, primary_key=True, autoincrement=False),
    _id("kind"),
    _text("state"),
    _text("reason"),
    _time("due"),
    _time("since"),
    _text("message"),
    Column("until", BIG),
    Column("last", BIG, nullable=False),
    _number("covers", 1),
    _number("attempt", 1),
    _text("holder"),
    _number("fence"),
    _text("run"),
    _text("uid"),
    _text("outcome", null=True),
    _time("launched", null=True),
    _time("ended", null=True),
    _text("author"),
    _number("delays"),
    _flag("open"),
    Index(
        "ix_fires_open",
        "due",
        sqlite_where=text("open"),
        postgresql_where=text("open"),
    ),
    Index(None, "since"),
)

# What is wrong with a schedule now; what is over goes. *instant* is 0 where no single one is meant.
alarms = Table(
    "alarms",
    metadata,
    _of("schedule_id", "schedules.id", key=True),
    _id("what"),
    Column("instant", BIG, primary_key=True, autoincrement=False),
    _text("message"),
    _time("raised"),
)

# How many instants, runs and late launches there were, since no row of the ledger stays for ever.
schedule_counts = Table("schedule_counts", metadata, _id("name"), _number("value"))

deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    _of("project_id", "projects.id"),
    _text("delivery"),
    _text("event"),
    _json("headers"),
    Column("body", LargeBinary),
    _text("outcome"),
    _json("triggers"),
    _time("received"),
    UniqueConstraint("project_id", "delivery"),
    Index(None, "project_id", "received"),
)

pipeline_files = Table("pipeline_files", metadata, _id("digest"), _text("content"), _time("used"))

runs = Table(
    "runs",
    metadata,
    _id(),
    _of("project_id", "projects.id"),
    _number("number"),
    _text("name"),
    _text("state"),
    Column("trigger_id", Text),
    _json("cause"),
    _text("branch"),
    _text("commit"),
    _text("file"),
    _text("file_digest"),
    _number("priority"),
    _text("group"),
    _flag("cancels"),
    _json("cancelled"),
    _json("problems"),
    _text("message"),
    _time("limit", null=True),
    _time("created"),
    _time("began", null=True),
    _time("ended", null=True),
    _number("version", 1),
    UniqueConstraint("project_id", "number"),
    Index(None, "project_id", "branch", "created"),
    Index(None, "created"),
    Index(None, "project_id", "group", "state"),
    Index(None, "trigger_id"),
    Index(None, "file_digest"),
)

jobs = Table(
    "jobs",
    metadata,
    _of("run_id", "runs.id", key=True),
    _id("name"),
    _number("position"),
    _text("pipeline"),
    _text("state"),
    _json("facts"),
    _json("changes"),
    _text("pool"),
    _json("needs"),
)

lanes = Table(
    "lanes",
    metadata,
    Column("id", BIG, Identity(), primary_key=True),
    _of("project_id", "projects.id"),
    _text("pool"),
    _text("needs"),
    _number("waiting"),
    UniqueConstraint("project_id", "pool", "needs"),
)

attempts = Table(
    "attempts",
    metadata,
    _id(),
    _of("run_id", "runs.id"),
    _of("project_id", "projects.id"),
    _text("job"),
    _number("number"),
    _text("state"),
    _time("queued"),
    _time("since"),
    _text("worker", null=True),
    _number("lease"),
    _time("lease_until", null=True),
    _number("leases"),
    _time("placed"),
    _text("runner", null=True),
    _time("started", null=True),
    _time("heard"),
    _json("doubt"),
    _time("limit", null=True),
    _text("reason", null=True),
    _text("message"),
    _text("node", null=True),
    _json("notes"),
    _time("due", null=True),
    Column("lane", BIG, nullable=False),
    _time("rank"),
    _flag("blocked"),
    _text("pool"),
    _number("log_size"),
    _number("log_lines"),
    _flag("log_closed"),
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
    metadata,
    _of("attempt_id", "attempts.id", key=True),
    Column("number", BIG, primary_key=True, autoincrement=False),
    _text("name"),
    _text("phase"),
    _text("state"),
    _time("began", null=True),
    _time("seconds", null=True),
    Column("exit_code", BIG),
    _text("message"),
    _number("log_start"),
    Column("log_stop", BIG),
    Column("memory", BIG),
    _time("cpu", null=True),
)

log_pieces = Table(
    "log_pieces",
    metadata,
    _of("attempt_id", "attempts.id", key=True),
    Column("start", BIG, primary_key=True, autoincrement=False),
    _number("stop"),
    _number("first_line"),
    _number("lines"),
    _time("at"),
    Column("data", LargeBinary),
    _text("blob", null=True),
    Index(None, "attempt_id", "first_line"),
    Index(
        "ix_log_pieces_blob",
        "blob",
        sqlite_where=text("blob IS NOT NULL"),
        postgresql_where=text("blob IS NOT NULL"),
    ),
)

events = Table(
    "events",
    metadata,
    _counted("number"),
    _time("at"),
    _text("kind"),
    Column("project_id", Text, nullable=False),
    Column("run_id", Text),
    Column("job", Text),
    Column("attempt_id", Text),
    _json("data"),
    Index(None, "run_id", "number"),
    Index(None, "attempt_id", "number"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

artifacts = Table(
    "artifacts",
    metadata,
    _id(),
    _of("project_id", "projects.id"),
    _of("run_id", "runs.id"),
    _of("attempt_id", "attempts.id"),
    _text("job"),
    _text("kind"),
    _text("name"),
    _text("blob"),
    _number("size"),
    _text("sha256"),
    _number("files"),
    _time("created"),
    _time("expires", null=True),
    UniqueConstraint("attempt_id", "kind", "name"),
    Index(None, "run_id"),
    Index(None, "expires"),
    Index(None, "blob"),
)

test_reports = Table(
    "test_reports",
    metadata,
    _of("attempt_id", "attempts.id", key=True),
    _of("project_id", "projects.id"),
    _text("branch"),
    _text("job"),
    _json("totals"),
    _json("cases"),
    _time("created"),
    Index(None, "project_id", "branch", "job", "created"),
)

caches = Table(
    "caches",
    metadata,
    _id(),
    _of("project_id", "projects.id"),
    _text("scope"),
    _text("name"),
    _text("blob"),
    _number("size"),
    _text("sha256"),
    _time("created"),
    _time("used"),
    UniqueConstraint("project_id", "scope", "name"),
    Index(None, "blob"),
)

published_steps = Table(
    "published_steps",
    metadata,
    _id(),
    _text("owner"),
    _text("name"),
    _text("version"),
    _text("summary"),
    _text("blob"),
    _number("size"),
    _text("sha256"),
    _text("author"),
    _time("created"),
    UniqueConstraint("owner", "name", "version"),
    Index(None, "blob"),
)

workers = Table(
    "workers",
    metadata,
    _id("name"),
    _json("pools"),
    _json("capabilities"),
    _number("slots"),
    _flag("paused"),
    _time("seen"),
    _text("version"),
)

outbox = Table(
    "outbox",
    metadata,
    _id(),
    _of("project_id", "projects.id"),
    Column("run_id", Text),
    _text("kind"),
    Column("key", Text, nullable=False, unique=True),
    _json("message"),
    _text("state"),
    _number("tries"),
    _time("next_try"),
    _time("created"),
    _time("ended", null=True),
    _text("answer"),
    Index(
        "ix_outbox_open",
        "next_try",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(None, "project_id", "created"),
)

audit = Table(
    "audit",
    metadata,
    _counted("number"),
    _time("at"),
    _text("author"),
    _text("action"),
    _text("subject"),
    _json("detail"),
    _text("address"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

answers = Table(
    "answers",
    metadata,
    _id("key"),
    _text("request"),
    Column("status", Integer, nullable=False),
    _json("body"),
    _time("created"),
    Index(None, "created"),
)

garbage = Table("garbage", metadata, _id("blob"), _time("since"))
