"""Databases that are older than the program: brought up to date, and usable by both meanwhile."""

from __future__ import annotations

from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from steersman.store import engines, migrating
from steersman.store.tables import metadata

FIRST = "0001"
ADD = (
    "INSERT INTO attempts (id, run_id, project_id, job, number, state, queued, since, placed,"
    " heard, lane, rank, pool) VALUES ('a', 'r', 'p', 'build', 1, 'queued', 0, 0, 0, 0, 1, 0, '')"
)


def _upgrade(connection: Connection, revision: str) -> None:
    settings = migrating.config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, revision)


def _columns(connection: Connection) -> dict[str, dict[str, Any]]:
    found = inspect(connection)
    return {
        f"{table}.{column['name']}": dict(column)
        for table in found.get_table_names()
        for column in found.get_columns(table)
    }


def test_the_migrations_make_the_tables_of_the_program(empty_database: str) -> None:
    migrating.migrate(empty_database)
    engine = engines.open_engine(empty_database)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_a_server_of_the_version_before_goes_on_with_the_new_tables(empty_database: str) -> None:
    engine = engines.open_engine(empty_database)
    with engine.connect() as connection, connection.begin():
        _upgrade(connection, FIRST)
        before = _columns(connection)
    migrating.migrate(empty_database)
    with engine.connect() as connection, connection.begin():
        after = _columns(connection)
        assert before.keys() < after.keys()
        tables = {name.partition(".")[0] for name in before}
        for name in after.keys() - before.keys():
            if name.partition(".")[0] not in tables:
                continue  # a table that it never writes to
            assert after[name]["nullable"], f"{name} is unknown to a server of before"
        # What it writes names none of the new columns.
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        else:
            connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(ADD))
        row = connection.execute(text("SELECT * FROM attempts")).mappings().one()
        assert (row["node"], row["notes"]) == (None, None)
        connection.rollback()
    engine.dispose()
