"""What a case of the contract is: a step with its properties, and what is to come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

HOST, BUSYBOX, DEBIAN, PYTHON = "host", "busybox", "debian:bookworm-slim", "python:3.11-slim"
PLACES = (HOST, BUSYBOX)
"""Where a case runs that names no places; the others get one case of each step."""
NOTHING: Mapping[str, str] = {}


class Case(NamedTuple):
    """One use of a step in a box of its own: a folder, with stand-ins first on PATH.

    A program of *programs* is a stand-in: it writes its words down, then runs the given code of the
    shell. *real* programs are those of the place. *before* runs before the step, *then* after it in
    the same shell. `$CASE` is the case's folder.

    What is to come of it: the status, what is said (and never said or written among the words of a
    program: *secrets*), the *calls* of stand-ins in order, and files below the case's folder.
    """

    name: str
    step: str
    properties: Mapping[str, str] = NOTHING
    env: Mapping[str, str] = NOTHING
    files: Mapping[str, str | bytes] = NOTHING
    programs: Mapping[str, str] = NOTHING
    real: tuple[str, ...] = ()
    before: str = ""
    then: str = ""
    places: tuple[str, ...] = PLACES
    ends: int = 0
    says: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    calls: tuple[str, ...] | None = None
    holds: Mapping[str, str] = NOTHING


def missing(step: str, what: str, hint: str, **properties: str) -> Case:
    """Make the case of a box that lacks what a step needs."""
    return Case(
        f"without {what}",
        step,
        {name.replace("_", "-"): value for name, value in properties.items()},
        ends=1,
        says=(f"needs {what}", hint),
        calls=(),
    )
