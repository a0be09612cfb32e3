"""The tables of the ledger in a database, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

leadership = Table(
    "cron_leadership",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("until", Float, nullable=False),
)

cursors = Table(
    "cron_cursors",
    metadata,
    Column("schedule", String(255), primary_key=True),
    Column("decided", BigInteger, nullable=False),
    Column("created", Float, nullable=False),
    Column("version", String(64), nullable=False),
    Column("pause", JSON(none_as_null=True)),
    Column("failures", Integer, nullable=False),
    Column("successes", Integer, nullable=False),
    Column("last_success", Float),
    Column("last_fired", BigInteger),
)

# `closed` is 1 once nothing is to be done or watched any more: a leader loads the others.
fires = Table(
    "cron_fires",
    metadata,
    Column("schedule", String(255), primary_key=True),
    Column("instant", BigInteger, primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("reason", String(30), nullable=False),
    Column("due", Float, nullable=False),
    Column("since", Float, nullable=False),
    Column("message", Text, nullable=False),
    Column("until", BigInteger),
    Column("last", BigInteger, nullable=False),
    Column("covers", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("holder", String(200), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("run", String(255), nullable=False),
    Column("uid", String(64), nullable=False),
    Column("outcome", String(20)),
    Column("launched", Float),
    Column("ended", Float),
    Column("by", String(200), nullable=False),
    Column("delays", Integer, nullable=False),
    Column("closed", Integer, nullable=False),
)
Index("cron_fires_open", fires.c.schedule, sqlite_where=fires.c.closed == 0,
      postgresql_where=fires.c.closed == 0)  # fmt: skip
Index("cron_fires_by_time", fires.c.instant)

# Of what somebody was told, so that the next leader does not tell it again.
told = Table(
    "cron_told",
    metadata,
    Column("schedule", String(255), primary_key=True),
    Column("what", String(30), primary_key=True),
    Column("instant", BigInteger, primary_key=True),
    Column("message", Text, nullable=False),
    Column("raised", Float, nullable=False),
)

requests = Table(
    "cron_requests",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("asking", String(20), nullable=False),
    Column("schedule", String(255), nullable=False),
    Column("by", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("until", Float),
    Column("instants", JSON, nullable=False),
)
