"""Schedules of projects, what became of each of their instants, and what is wrong."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, UniqueConstraint, text

from steersman.store.tables import columns

# Of what is `removed` the ledger stays for a while. *wake* is when to look at it again, *silent*
# when it becomes an alarm that there was no success.
schedules = Table(
    "schedules",
    columns.metadata,
    columns.key(),
    columns.of("project_id", "projects.id"),
    columns.words("name"),
    columns.words("target"),
    columns.words("origin", null=True),
    columns.json("spec"),
    columns.words("author"),
    columns.time("changed"),
    columns.time("removed", null=True),
    columns.time("wake", null=True),
    Column("decided", columns.BIG, nullable=False),
    columns.time("created"),
    columns.words("version"),
    columns.json("pause"),
    columns.number("failures"),
    columns.number("successes"),
    columns.time("last_success", null=True),
    Column("last_fired", columns.BIG),
    columns.time("silent", null=True),
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
    columns.metadata,
    columns.of("schedule_id", "schedules.id", key=True),
    Column("instant", columns.BIG, primary_key=True, autoincrement=False),
    columns.key("kind"),
    columns.words("state"),
    columns.words("reason"),
    columns.time("due"),
    columns.time("since"),
    columns.words("message"),
    Column("until", columns.BIG),
    Column("last", columns.BIG, nullable=False),
    columns.number("covers", 1),
    columns.number("attempt", 1),
    columns.words("holder"),
    columns.number("fence"),
    columns.words("run"),
    columns.words("uid"),
    columns.words("outcome", null=True),
    columns.time("launched", null=True),
    columns.time("ended", null=True),
    columns.words("author"),
    columns.number("delays"),
    columns.flag("open"),
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
    columns.metadata,
    columns.of("schedule_id", "schedules.id", key=True),
    columns.key("what"),
    Column("instant", columns.BIG, primary_key=True, autoincrement=False),
    columns.words("message"),
    columns.time("raised"),
)

# How many instants, runs and late launches there were, since no row of the ledger stays for ever.
schedule_counts = Table(
    "schedule_counts", columns.metadata, columns.key("name"), columns.number("value")
)
