"""Concurrency groups: of what names the same group in a project, one at a time is active.

A member is a run, or a job where its pipeline names the group. The turn goes by age. With
`cancel-in-progress` a newer member asks the older ones to end; it still waits until they have,
since a deploy that is dying must not meet the next one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Member(NamedTuple):
    """One that named the group and has not ended. *order* grows with age of creation.

    *active* once anything of it was leased; *cancelling* once it was asked to end.
    """

    id: str
    order: int
    active: bool = False
    cancelling: bool = False
    cancels: bool = False


class Turn(NamedTuple):
    """Who may go on (None: nobody yet), and who is to be cancelled for a newer one."""

    admitted: str | None
    cancel: tuple[str, ...] = ()


def turn(members: Iterable[Member]) -> Turn:
    """Say whose turn it is in one group. Asked again it gives the same, but for what has ended."""
    waiting = sorted(members, key=lambda each: each.order)
    newest = max((each.order for each in waiting if each.cancels), default=None)
    superseded = [each for each in waiting if newest is not None and each.order < newest]
    cancel = tuple(each.id for each in superseded if not each.cancelling)
    active = [each.id for each in waiting if each.active]
    if active:
        return Turn(active[0], cancel)
    # What is to end and never began must not begin now.
    leaving = {each.id for each in superseded} | {each.id for each in waiting if each.cancelling}
    return Turn(next((each.id for each in waiting if each.id not in leaving), None), cancel)


def why(group: str, holder: str) -> str:
    """Say why a member waits."""
    return f"waits for {holder}, which holds the concurrency group {group}"
