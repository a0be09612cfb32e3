"""Statements as they travel to PostgreSQL without a cursor: values, errors, and large ones."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Json
from sqlalchemy import Integer, func, literal_column, select

from steersman.cli.server_parts import Options, build
from steersman.core.errors import NotFound
from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.pipelines import Known, Pipeline
from steersman.store.prepared import Form, Prepared
from steersman.store.tables import settings
from tests import postgresql
from tests.server.conftest import URL
from tests.server.test_rounds import names, put

ADD = Form("INSERT INTO seen (number) VALUES ($1::BIGINT)")
BACKEND = Prepared(select(func.pg_backend_pid(type_=Integer).label("pid")))
LOCK = Prepared(select(func.pg_advisory_xact_lock(literal_column("5"))))
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
ALL = Form("SELECT number FROM seen ORDER BY number")


class Colour(StrEnum):
    RED = "red"


THERE_AND_BACK: list[tuple[str, Any]] = [
    ("bool", True),
    ("bool", False),
    ("bigint", -(2**63)),
    ("integer", 7),
    ("double precision", 0.1),
    ("double precision", 5e-324),
    ("double precision", math.inf),
    ("text", ""),
    ("text", "\N{SNOWMAN} \\x41 $1 'quoted' %s\r\n"),
    ("varchar", Colour.RED),
    ("bytea", b""),
    ("bytea", bytes(range(256))),
    ("text", None),
    ("json", None),
]


@pytest.fixture
def connection(postgres: postgresql.Server) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.new_database(), autocommit=True) as found:
        found.execute("CREATE TABLE seen (number bigint PRIMARY KEY)")
        yield found


@pytest.fixture
def pipeline(connection: psycopg.Connection[Any]) -> Pipeline:
    return Pipeline(connection, Known())


def test_values_come_back_as_they_went(pipeline: Pipeline) -> None:
    said = [(Form(f"SELECT $1::{kind}"), [value]) for kind, value in THERE_AND_BACK]
    for _ in range(2):  # the second time all of them are prepared
        assert pipeline.run(said) == [[(value,)] for _, value in THERE_AND_BACK]
    deep = {"a": [1, 2.5, None, {"\N{SNOWMAN}": True}]}
    assert pipeline.run([(Form("SELECT $1::json"), [Json(deep)])]) == [[(deep,)]]
    [[(nothing,)]] = pipeline.run([(Form("SELECT $1::double precision"), [math.nan])])
    assert math.isnan(nothing)


@pytest.mark.parametrize(
    ("form", "value"),
    [(Form("SELECT $1::text"), "a\0b"), (ADD, 2**63)],
    ids=["a text with NUL", "a number of more than 64 bits"],
)
def test_what_cannot_be_stored_is_a_mistake_in_the_data(
    pipeline: Pipeline, form: Form, value: Any
) -> None:
    with pytest.raises(psycopg.DataError):
        pipeline.run([(form, [value])])


def test_after_an_error_nothing_else_is_run_and_the_connection_may_be_used(
    pipeline: Pipeline,
) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        pipeline.run([(ADD, [1]), (ADD, [1]), (ADD, [2]), (ALL, [])])
    with pytest.raises(psycopg.errors.UndefinedTable):
        pipeline.run([(ADD, [3]), (Form("SELECT * FROM nowhere"), []), (ALL, [])])
    # Each of both came to its end as one transaction, of which nothing was kept.
    assert pipeline.run([(ADD, [4]), (ALL, [])]) == [[], [(4,)]]


def test_much_that_goes_and_much_that_comes_do_not_wait_for_each_other(
    pipeline: Pipeline,
) -> None:
    echo, large = Form("SELECT $1::text"), "x" * 200_000
    found = pipeline.run([(echo, [large])] * 100)
    assert [len(row[0]) for rows in found for row in rows] == [len(large)] * 100


def test_a_connection_that_was_ended_is_closed_and_says_so(
    pipeline: Pipeline, connection: psycopg.Connection[Any]
) -> None:
    with pytest.raises(psycopg.OperationalError):
        pipeline.run([(Form("SELECT pg_terminate_backend(pg_backend_pid())::text"), [])])
    assert connection.closed


def test_statements_are_prepared_anew_after_psycopg_let_go_of_them(platform_on: Platform) -> None:
    def often(tx: Transaction) -> None:
        for _ in range(10):  # then psycopg prepares it as well, and a rollback ends all of that
            tx.value(select(func.count()).select_from(settings))
        put("a")(tx)
        raise NotFound("it is rolled back")

    async def scene() -> None:
        assert await names(platform_on) == []
        with pytest.raises(NotFound):
            await platform_on.store.write(often)
        assert await names(platform_on) == []
        await platform_on.store.write(put("b"))
        assert await names(platform_on) == ["b"]

    asyncio.run(scene())


def _prepared(tx: Transaction) -> None:
    tx.one(LOCK)


def _by_sqlalchemy(tx: Transaction) -> None:
    tx.value(select(func.pg_advisory_xact_lock(5)))


@pytest.mark.parametrize("waits", [_prepared, _by_sqlalchemy])
def test_the_loop_goes_on_while_a_transaction_waits(
    postgres: postgresql.Server, tmp_path: Path, waits: Callable[[Transaction], None]
) -> None:
    address = postgres.new_database()
    parts = build(Options(tmp_path / "data", URL, database=address), {})

    async def scene() -> None:
        with psycopg.connect(address, autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(5)")
            waiting = asyncio.create_task(parts.store.write(waits))
            while other.execute(WAITING).fetchone() is None:
                # Looks have a connection of their own, and nobody else does what is done here.
                assert await names(parts) == []
            other.execute("SELECT pg_advisory_unlock(5)")
            await waiting

    try:
        asyncio.run(scene())
    finally:
        parts.store.close()


@pytest.mark.parametrize("way", ["write", "rewrite"])
def test_a_transaction_whose_connection_was_ended_is_tried_again(
    postgres: postgresql.Server, tmp_path: Path, way: str
) -> None:
    address = postgres.new_database()
    parts = build(Options(tmp_path / "data", URL, database=address), {})
    lost: list[int] = []

    def work(tx: Transaction) -> str:
        if not lost:
            [row] = tx.all(BACKEND)
            lost.append(row["pid"])
            with psycopg.connect(address) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", lost)
        return put("a")(tx)

    async def scene() -> None:
        await getattr(parts.store, way)(work)
        assert await names(parts) == ["a"]

    try:
        asyncio.run(scene())
        assert lost
    finally:
        parts.store.close()
