"""The newest rows of many ledgers at once, and who may do what with their schedules."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from steersman.core.schedules.fires import Fire
from steersman.store.base import Transaction
from steersman.store.schedules import fire
from steersman.store.tables import fires, members, schedules


def newest(tx: Transaction, identities: Sequence[str], count: int) -> dict[str, list[Fire]]:
    """Return the newest *count* rows of the ledger of each of these schedules, newest first."""
    one = fires.alias()
    # Where the newest ones begin is looked up in the key; all rows of a schedule may be many.
    first = (
        select(one.c.instant)
        .where(one.c.schedule_id == schedules.c.id)
        .order_by(one.c.instant.desc())
        .offset(count - 1)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(fires)
        .select_from(schedules.join(fires))
        .where(schedules.c.id.in_(identities), fires.c.instant >= func.coalesce(first, 0))
        .order_by(fires.c.instant.desc(), fires.c.kind)
    )
    found: dict[str, list[Fire]] = {identity: [] for identity in identities}
    for row in tx.all(query):
        of = found[row["schedule_id"]]
        if len(of) < count:
            of.append(fire(row))
    return found


def roles(tx: Transaction, user: str) -> dict[str, str]:
    """Return the role that a user has in each project, by the project's id."""
    query = select(members.c.project_id, members.c.role).where(members.c.user_id == user)
    return {row["project_id"]: row["role"] for row in tx.all(query)}
