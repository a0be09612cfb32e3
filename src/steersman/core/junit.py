"""Reports of tests: what passed and what did not, and what has changed since another report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeAlias, TypeVar

MOST_LISTED = 100
# A test is slower when it takes both this much longer and this many times as long: the seconds of
# quick tests are noise.
SLOWER_SECONDS = 0.5
SLOWER_TIMES = 1.5

T = TypeVar("T")
Key: TypeAlias = tuple[str, str]


class State(StrEnum):
    """How one test ended, the worse the later."""

    SKIPPED = "skipped"
    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"

    @property
    def is_broken(self) -> bool:
        return self in (State.FAILED, State.ERRORED)

    def or_worse(self, other: State) -> State:
        """Return the worse of both."""
        return max(self, other, key=_BADNESS.__getitem__)


_BADNESS: Mapping[State, int] = MappingProxyType({state: bad for bad, state in enumerate(State)})


class Case(NamedTuple):
    """One test as it was reported. *suite* is its class, or else the suites around it."""

    suite: str
    name: str
    seconds: float
    state: State
    message: str = ""


class Totals(NamedTuple):
    """How many tests ended in which way, and the seconds of all of them."""

    passed: int = 0
    failed: int = 0
    errored: int = 0
    skipped: int = 0
    seconds: float = 0.0

    @property
    def tests(self) -> int:
        return self.passed + self.failed + self.errored + self.skipped


class Report(NamedTuple):
    """The tests of one or more files; *totals* are counted, whatever the files claim."""

    cases: tuple[Case, ...] = ()
    totals: Totals = Totals()


class Listed(NamedTuple, Generic[T]):
    """The first of several, and how many there are."""

    items: tuple[T, ...] = ()
    total: int = 0


class Slower(NamedTuple):
    """A test that takes longer than before."""

    case: Case
    seconds_before: float


class Comparison(NamedTuple):
    """What has changed. A test that is new and broken is both *added* and *newly_failed*."""

    newly_failed: Listed[Case]
    fixed: Listed[Case]
    still_failing: Listed[Case]
    added: Listed[Case]
    removed: Listed[Case]
    slower: Listed[Slower]


def report(cases: Iterable[Case]) -> Report:
    """Make a report of *cases*."""
    kept = tuple(cases)
    counts = dict.fromkeys(State, 0)
    for case in kept:
        counts[case.state] += 1
    totals = Totals(
        counts[State.PASSED],
        counts[State.FAILED],
        counts[State.ERRORED],
        counts[State.SKIPPED],
        math.fsum(case.seconds for case in kept),
    )
    return Report(kept, totals)


def compare(before: Report, now: Report, *, most: int = MOST_LISTED) -> Comparison:
    """Say what is different *now*; each list holds at most *most*, in the order of the reports.

    A test that is reported more than once ended as the worst of them. A broken one that is skipped
    by now is not fixed.
    """
    old, new = _by_key(before), _by_key(now)
    broken = [case for case in new.values() if case.state.is_broken]
    passed = [case for case in new.values() if case.state is State.PASSED]
    return Comparison(
        newly_failed=_listed((each for each in broken if not _was_broken(old, each)), most),
        fixed=_listed((each for each in passed if _was_broken(old, each)), most),
        still_failing=_listed((each for each in broken if _was_broken(old, each)), most),
        added=_listed((case for key, case in new.items() if key not in old), most),
        removed=_listed((case for key, case in old.items() if key not in new), most),
        slower=_listed(_slower(old, passed), most),
    )


def _by_key(told: Report) -> dict[Key, Case]:
    found: dict[Key, Case] = {}
    for case in told.cases:
        key = case.suite, case.name
        other = found.get(key)
        if other is None or other.state.or_worse(case.state) is not other.state:
            found[key] = case
    return found


def _was_broken(old: Mapping[Key, Case], case: Case) -> bool:
    before = old.get((case.suite, case.name))
    return before is not None and before.state.is_broken


def _slower(old: Mapping[Key, Case], passed: Iterable[Case]) -> list[Slower]:
    """Return those that took longer, the most first; a test that fails may well take its time."""
    found = []
    for case in passed:
        before = old.get((case.suite, case.name))
        if before is not None and before.state is State.PASSED and _is_slower(before, case):
            found.append(Slower(case, before.seconds))
    return sorted(found, key=lambda each: each.seconds_before - each.case.seconds)


def _is_slower(before: Case, now: Case) -> bool:
    longer = now.seconds - before.seconds >= SLOWER_SECONDS
    return longer and now.seconds >= before.seconds * SLOWER_TIMES


def _listed(found: Iterable[T], most: int) -> Listed[T]:
    items = tuple(found)
    return Listed(items[:most], len(items))


def seconds(text: str) -> float:
    """Read a time as programs write it; one that is none is nothing to fail for."""
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return 0.0
    return value if 0 <= value < math.inf else 0.0


def said(message: str, text: str, most: int) -> str:
    """Put together what is said of a test: most reports repeat the *message* in the *text*."""
    message, text = message.strip(), text.strip()
    return shortened(text if message in text else f"{message}\n{text}".rstrip(), most)


def shortened(text: str, most: int) -> str:
    """Cut *text* to *most* characters, visibly."""
    return text if len(text) <= most else text[: most - 1] + "…"
