"""What every ledger holds to, whatever it is made of."""

from __future__ import annotations

import asyncio

import pytest

from steersman.core.schedules import fires
from steersman.core.schedules.alarms import Alarm, Raised, What
from steersman.core.schedules.fires import Fire, Kind, Outcome, Reason, State
from steersman.core.schedules.schedule import Cursor, Pause
from steersman.cron.ledger.base import Asking, Changes, Fenced, Ledger, Loaded, Request, Wanted
from tests.cron.conftest import Ledgers

NOW = 1_800_000_000


def _row(instant: int = NOW, schedule: str = "job") -> Fire:
    return fires.planned(schedule, instant, instant, NOW)


def test_one_leads_and_another_waits_for_its_end(ledgers: Ledgers) -> None:
    async def work(ours: Ledger, theirs: Ledger) -> None:
        term = await ours.lead("one", 10)
        assert term is not None
        again = await ours.lead("one", 10)
        assert again is not None
        assert again.fence == term.fence
        if ours is not theirs:
            assert await theirs.lead("two", 10) is None
        assert (await ours.leader() or term).holder == "one"

    ledgers.run(work)


def test_who_takes_over_gets_a_higher_number_and_the_old_one_writes_nothing(
    ledgers: Ledgers,
) -> None:
    async def work(ours: Ledger, theirs: Ledger) -> None:
        term = await ours.lead("one", 1)
        assert term is not None
        await ours.load()
        if ledgers.own_clock:
            # The database's clock cannot be turned, so the term is given back instead.
            await ours.resign("one")
        else:
            assert await theirs.lead("two", 1) is None or ours is theirs
            ledgers.clock.time += 2
        new = await theirs.lead("two", 10)
        assert new is not None
        assert new.fence > term.fence
        with pytest.raises(Fenced):
            await ours.write(term.fence, Changes([_row()]))
        assert await theirs.rows(Wanted()) == []
        await theirs.write(new.fence, Changes([_row()]))
        assert await ours.rows(Wanted()) == [_row()]

    ledgers.run(work)


def test_a_leader_that_comes_back_late_has_a_new_number(ledgers: Ledgers) -> None:
    async def work(ours: Ledger, theirs: Ledger) -> None:
        term = await ours.lead("one", 1)
        assert term is not None
        if ledgers.own_clock:
            await ours.resign("one")
        ledgers.clock.time += 5
        again = await ours.lead("one", 1)
        if again is None:
            # Where only what was seen to stand still has ended, it takes a second look.
            ledgers.clock.time += 5
            again = await ours.lead("one", 1)
        assert again is not None
        assert again.fence > term.fence

    ledgers.run(work)


def test_who_resigns_makes_room_at_once(ledgers: Ledgers) -> None:
    async def work(ours: Ledger, theirs: Ledger) -> None:
        term = await ours.lead("one", 60)
        assert term is not None
        await ours.resign("one")
        new = await theirs.lead("two", 60)
        assert new is not None
        assert new.fence > term.fence

    ledgers.run(work)


def test_rows_and_cursors_come_back_as_they_were(ledgers: Ledgers) -> None:
    row = _row()._replace(
        state=State.FIRED, reason=Reason.CAUGHT_UP, kind=Kind.BACKFILL, until=None,
        outcome=Outcome.RUNNING, launched=NOW + 0.25, uid="u", run="job-1", by="ann", delays=2,
        message="said \u2603", holder="one", fence=3, attempt=2,
    )  # fmt: skip
    cursor = Cursor(
        "job", NOW, NOW - 5.0, "v1", Pause(NOW + 0.5, "ann", "holidays", NOW + 9.0), 2, 7, 5.0, 4
    )

    async def work(ours: Ledger, theirs: Ledger) -> Loaded:
        term = await ours.lead("one")
        assert term is not None
        await ours.write(term.fence, Changes([row], [cursor]))
        return await theirs.load()

    assert ledgers.run(work) == Loaded((cursor,), (row,))


def test_what_was_told_is_known_to_the_next_leader_until_it_is_over(ledgers: Ledgers) -> None:
    late = Raised(Alarm("job", What.LATE, NOW, "not launched for 5m"), NOW + 0.5)
    silent = Raised(Alarm("job", What.SILENT, 0, "no success for 2d"), NOW + 9.0)

    async def work(ours: Ledger, theirs: Ledger) -> None:
        term = await ours.lead("one")
        assert term is not None
        for told in ((late, silent), (silent,), ()):
            await ours.write(term.fence, Changes(told=told))
            # Other writes leave it alone.
            await ours.write(term.fence, Changes([_row()]))
            assert (await theirs.load()).told == told

    ledgers.run(work)


def test_many_rows_at_once_take_the_places_of_those_before(ledgers: Ledgers) -> None:
    odd = ("", "a\tb", "a\nb\r", "\\N", "\\.", "caf\u00e9, 'x', \"y\"")
    rows = [_row(NOW + n)._replace(message=odd[n % len(odd)], until=NOW + n) for n in range(120)]
    pause = Pause(NOW + 0.5, "ann\t", "holi\ndays", None)
    cursors = [Cursor(f"job {n}", NOW, NOW + 0.1, "v", pause if n % 2 else None) for n in range(99)]

    async def work(ours: Ledger, theirs: Ledger) -> None:
        term = await ours.lead("one")
        assert term is not None
        await ours.write(term.fence, Changes([_row(NOW + 1)], cursors[:3]))
        for now in (NOW + 0.25, NOW + 1e-6):
            new = [row._replace(since=now) for row in rows]
            await ours.write(term.fence, Changes(new, [*cursors, Cursor("z", 1, now)]))
            loaded = await theirs.load()
            assert sorted(loaded.open, key=lambda row: row.instant) == new
            assert sorted(loaded.cursors) == [*sorted(cursors), Cursor("z", 1, now)]

    ledgers.run(work)


def test_only_what_is_not_over_is_loaded(ledgers: Ledgers) -> None:
    async def work(ours: Ledger, theirs: Ledger) -> None:
        term = await ours.lead("one")
        assert term is not None
        await ours.write(term.fence, Changes([_row(NOW + n) for n in range(4)]))
        over = [
            fires.ended(_row(NOW), State.SKIPPED, Reason.PAUSED, "paused", NOW),
            fires.ended(_row(NOW + 1), State.MISSED, Reason.TOO_LATE, "late", NOW),
            _row(NOW + 2)._replace(state=State.FIRED, outcome=Outcome.SUCCEEDED),
        ]
        await ours.write(term.fence, Changes(over))
        assert (await theirs.load()).open == (_row(NOW + 3),)

    ledgers.run(work)


def test_rows_are_found_by_all_that_is_asked(ledgers: Ledgers) -> None:
    missed = fires.ended(_row(NOW), State.MISSED, Reason.NOT_CAUGHT_UP, "nobody", NOW)
    missed = missed._replace(until=NOW + 100, covers=11)
    other = _row(NOW + 50, "other")

    async def work(ours: Ledger, theirs: Ledger) -> None:
        term = await ours.lead("one")
        assert term is not None
        await ours.write(term.fence, Changes([missed, other, _row(NOW + 200)]))
        find = theirs.rows
        assert [row.instant for row in await find(Wanted())] == [NOW + 200, NOW + 50, NOW]
        assert await find(Wanted("other")) == [other]
        assert await find(Wanted("job", holding=NOW + 30)) == [missed]
        assert await find(Wanted(states=frozenset({State.MISSED}))) == [missed]
        assert await find(Wanted(since=NOW + 60, until=NOW + 150)) == [missed]
        assert len(await find(Wanted(limit=1))) == 1

    ledgers.run(work)


def test_requests_wait_for_the_leader_and_are_done_once(ledgers: Ledgers) -> None:
    one = Request("a1", Asking.TRIGGER, "job", "ann", "why not", 5.0)
    two = Request("a2", Asking.PAUSE, "job", "ann", "", 6.0, until=9.5)
    three = Request("a3", Asking.BACKFILL, "job", "ann", "", 7.0, instants=(1, 2))

    async def work(ours: Ledger, theirs: Ledger) -> None:
        term = await ours.lead("one")
        assert term is not None
        for each in (two, one, one, three):
            await theirs.ask(each)
        assert await ours.requests() == [one, two, three]
        await ours.write(term.fence, Changes(done=["a1", "a3"]))
        assert await ours.requests() == [two]
        assert await theirs.requests() == [two]

    ledgers.run(work)


def test_cursors_are_forgotten_and_old_rows_pruned(ledgers: Ledgers) -> None:
    over = [fires.ended(_row(NOW + n), State.SKIPPED, Reason.PAUSED, "", NOW) for n in (0, 10, 20)]

    async def work(ours: Ledger, theirs: Ledger) -> None:
        term = await ours.lead("one")
        assert term is not None
        cursors = [Cursor("a", NOW, NOW), Cursor("b", NOW, NOW)]
        await ours.write(term.fence, Changes([*over, _row(NOW + 1)], cursors))
        await ours.write(term.fence, Changes(forget=["a"]))
        assert [each.schedule for each in await theirs.cursors()] == ["b"]
        assert await ours.prune(term.fence, NOW + 15) == 2
        left = [row.instant for row in await theirs.rows(Wanted())]
        assert left == [NOW + 20, NOW + 1]

    ledgers.run(work)


def test_two_who_ask_at_once_do_not_both_lead(ledgers: Ledgers) -> None:
    async def work(ours: Ledger, theirs: Ledger) -> None:
        terms = await asyncio.gather(
            ours.lead("one", 60), theirs.lead("two", 60), return_exceptions=True
        )
        found = [term for term in terms if term is not None and not isinstance(term, Exception)]
        assert len(found) <= 1

    ledgers.run(work)
