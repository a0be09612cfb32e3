"""Small transactions that are committed together, and statements run by the driver alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import bindparam, event, insert, select, update

from steersman.core.errors import NotFound, UserError
from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.prepared import Prepared, adding
from steersman.store.tables import projects, settings, workers

PUT = adding(settings, "name", "value")
NAMES = Prepared(select(settings.c.name).where(settings.c.name.like("round-%")))
KEPT: tuple[Any, ...] = (
    {"deep": [1, 2.5, None, {"ü": "\N{SNOWMAN}"}], "yes": True},
    [],
    "",
    None,
    0,
    "null",
)


def put(name: str) -> Callable[[Transaction], str]:
    def work(tx: Transaction) -> str:
        tx.run(PUT, {"name": f"round-{name}", "value": name})
        tx.wake(name)
        return name

    return work


async def names(parts: Platform) -> list[str]:
    rows = await parts.store.read(lambda tx: tx.all(NAMES))
    return sorted(row["name"].removeprefix("round-") for row in rows)


def commits(parts: Platform) -> list[int]:
    """Count transactions from now on: each takes a connection once."""
    seen: list[int] = []
    event.listen(parts.store._writing.pool, "checkout", lambda *told: seen.append(1))
    return seen


def test_what_comes_together_is_committed_together(platform_on: Platform) -> None:
    async def scene() -> None:
        seen = commits(platform_on)
        wanted = [f"{number}" for number in range(20)]
        found = await asyncio.gather(*(platform_on.store.write(put(each)) for each in wanted))
        assert found == wanted
        assert await names(platform_on) == sorted(wanted)
        assert len(seen) < len(wanted) / 2

    asyncio.run(scene())


@pytest.mark.parametrize("wrote", [False, True])
def test_one_that_fails_leaves_nothing_and_takes_nobody_with_it(
    platform_on: Platform, wrote: bool
) -> None:
    def wrong(tx: Transaction) -> None:
        if wrote:
            put("wrong")(tx)
        raise NotFound("it is not there")

    async def scene() -> None:
        works: list[Callable[[Transaction], Any]] = [put("a"), wrong, put("b")]
        found = await asyncio.gather(
            *(platform_on.store.write(each) for each in works), return_exceptions=True
        )
        assert [found[0], found[2]] == ["a", "b"]
        assert isinstance(found[1], NotFound)
        assert await names(platform_on) == ["a", "b"]

    asyncio.run(scene())


def test_a_rule_of_the_database_that_is_broken_concerns_only_who_broke_it(
    platform_on: Platform,
) -> None:
    def bad(tx: Transaction) -> None:
        tx.execute(insert(settings), {"name": "a\ud800", "value": 1})

    async def scene() -> None:
        found = await asyncio.gather(
            *(platform_on.store.write(each) for each in (put("a"), bad, put("b"))),
            return_exceptions=True,
        )
        assert isinstance(found[1], UserError)
        assert await names(platform_on) == ["a", "b"]

    asyncio.run(scene())


def test_topics_are_woken_once_it_is_committed(platform_on: Platform) -> None:
    async def scene() -> None:
        looks: list[asyncio.Future[list[str]]] = []

        def look() -> None:
            looks.append(asyncio.ensure_future(names(platform_on)))

        stop = platform_on.store.waking.listen("a", look)
        await platform_on.store.write(put("a"))
        stop()
        assert await looks[0] == ["a"]

    asyncio.run(scene())


def test_a_longer_transaction_holds_up_the_short_ones_but_loses_none(
    platform_on: Platform,
) -> None:
    def longer(tx: Transaction) -> int:
        for number in range(200):
            tx.run(PUT, {"name": f"long-{number}", "value": number})
        return 200

    async def scene() -> None:
        slow = asyncio.ensure_future(platform_on.store.rewrite(longer))
        short = [asyncio.ensure_future(platform_on.store.write(put(f"{n}"))) for n in range(5)]
        assert await slow == 200
        assert await asyncio.gather(*short) == [f"{n}" for n in range(5)]
        assert await names(platform_on) == [f"{n}" for n in range(5)]

    asyncio.run(scene())


def test_whoever_stops_waiting_undoes_nothing(platform_on: Platform) -> None:
    async def scene() -> None:
        first = asyncio.ensure_future(platform_on.store.rewrite(put("a")))
        await asyncio.sleep(0)
        first.cancel()
        await platform_on.store.rewrite(put("b"))
        await asyncio.gather(first, return_exceptions=True)
        # It had begun; what is begun is brought to its end, here before what came after it.
        if not platform_on.store.postgres:
            assert await names(platform_on) == ["a", "b"]
        assert "b" in await names(platform_on)

    asyncio.run(scene())


@pytest.mark.parametrize("value", KEPT, ids=repr)
def test_json_comes_back_as_it_went_by_either_way(platform_on: Platform, value: Any) -> None:
    by_name = select(settings).where(settings.c.name == bindparam("wanted"))

    def there_and_back(tx: Transaction) -> list[Any]:
        tx.run(PUT, {"name": "round-a", "value": value})
        tx.execute(insert(settings), {"name": "round-b", "value": value})
        found = []
        for name in ("round-a", "round-b"):
            for query in (by_name, Prepared(by_name)):
                row = tx.one(query, {"wanted": name})
                found.append(row and row["value"])
        return found

    found = asyncio.run(platform_on.store.rewrite(there_and_back))
    assert found == [value] * 4


def test_bytes_flags_and_sums_are_read_as_sqlalchemy_reads_them(platform_on: Platform) -> None:
    fields = ("name", "pools", "capabilities", "slots", "seen", "version")
    values = dict(zip(fields, ("w", ["a"], [], 2, 1.5, "1"), strict=True))
    pause = Prepared(
        update(workers)
        .where(workers.c.name == bindparam("worker"))
        .values(paused=True, slots=workers.c.slots + bindparam("more"))
        .returning(workers.c.paused, workers.c.slots)
    )
    sealed = {"id": "p", "name": "shop", "credentials": b"\0\xff", "created": 1.25}

    def work(tx: Transaction) -> None:
        tx.run(adding(workers, *fields), values)
        assert tx.one(pause, {"worker": "w", "more": 3}) == {"paused": True, "slots": 5}
        tx.run(adding(projects, *sealed), sealed)
        for table in (workers, projects):
            assert tx.all(Prepared(select(table))) == tx.all(select(table)) != []

    asyncio.run(platform_on.store.rewrite(work))
