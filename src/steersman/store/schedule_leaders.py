"""The one server that launches by schedules: a row with its name, its term and a number."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from steersman.store.base import Transaction
from steersman.store.prepared import Prepared
from steersman.store.tables import settings

_LEADER = "scheduling"
LONGEST_TERM = 600.0


def lead(tx: Transaction, owner: str, seconds: float, now: float) -> int | None:
    """Take, or keep, the leadership; return its number, None while another server has it.

    The row stays locked for the rest of the transaction: nobody takes over meanwhile, and who
    did is seen. Each term has a greater number than the one before.
    """
    new = (postgresql.insert if tx.postgres else sqlite.insert)(settings)
    tx.execute(new.on_conflict_do_nothing(), {"name": _LEADER, "value": ["", 0.0, 0]})
    mine = settings.c.name == _LEADER
    query = select(settings.c.value).where(mine)
    holder, until, fence = tx.value(query.with_for_update() if tx.postgres else query)
    # An end that nobody would set comes from a clock that was wrong.
    if holder != owner and now < until <= now + LONGEST_TERM:
        return None
    if holder != owner or now >= until:
        fence += 1
    tx.execute(update(settings).where(mine).values(value=[owner, now + seconds, fence]))
    return int(fence)


def leads(tx: Transaction, leader: tuple[str, int], now: float) -> bool:
    """Tell whether a server leads by its name and its number.

    Nobody takes over before this transaction ends, but others of the same server go on beside it.
    """
    [row] = tx.all(_LED) or [{"value": ("", 0.0, 0)}]
    holder, until, fence = row["value"]
    return (holder, fence) == leader and bool(now < until <= now + LONGEST_TERM)


_LED = Prepared(
    select(settings.c.value).where(settings.c.name == _LEADER).with_for_update(read=True)
)


def is_led(tx: Transaction, now: float) -> bool:
    """Tell whether a server leads."""
    found = tx.value(select(settings.c.value).where(settings.c.name == _LEADER))
    return found is not None and bool(now < found[1] <= now + LONGEST_TERM)


def resign(tx: Transaction, owner: str, now: float) -> None:
    """Let another server lead at once."""
    mine = settings.c.name == _LEADER
    query = select(settings.c.value).where(mine)
    found = tx.value(query.with_for_update() if tx.postgres else query)
    if found is not None and found[0] == owner:
        tx.execute(update(settings).where(mine).values(value=[owner, now, found[2]]))
