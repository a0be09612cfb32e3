"""Figures of schedules for Prometheus, under the names that `steer cron` has.

Those for everybody name no schedule: names are for who may see them. They come from counts and from
indexes, not from all rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from steersman.core.schedules import figures
from steersman.core.schedules.alarms import What
from steersman.core.schedules.fires import Outcome, State
from steersman.store import schedule_alarms
from steersman.store.base import Row, Transaction
from steersman.store.schedule_alarms import Standing

PREFIX = "steersman_cron"


def read(tx: Transaction) -> tuple[dict[str, int], Standing]:
    """Return what the figures are made of."""
    return schedule_alarms.counts(tx), schedule_alarms.standing(tx)


def lines(counts: Mapping[str, int], standing: Standing) -> Iterator[str]:
    """Return the figures of all schedules together."""
    yield f"# TYPE {PREFIX}_instants_total counter"
    for state in (State.FIRED, State.SKIPPED, State.MISSED):
        yield f'{PREFIX}_instants_total{{state="{state}"}} {counts.get(figures.state(state), 0)}'
    yield f"# TYPE {PREFIX}_runs_total counter"
    for outcome in (each for each in Outcome if each is not Outcome.RUNNING):
        count = counts.get(figures.outcome(outcome), 0)
        yield f'{PREFIX}_runs_total{{outcome="{outcome}"}} {count}'
    yield from _lateness(counts)
    yield f"# TYPE {PREFIX}_alarms gauge"
    for what in What:
        yield f'{PREFIX}_alarms{{what="{what}"}} {standing.alarms.get(what, 0)}'
    plain = {
        "leading": int(standing.leading),
        "schedules": standing.schedules,
        "paused_schedules": standing.paused,
        "open_rows": standing.open_rows,
    }
    for name, value in plain.items():
        yield f"# TYPE {PREFIX}_{name} gauge"
        yield f"{PREFIX}_{name} {value}"
    if standing.next is not None:
        yield f"# TYPE {PREFIX}_next_timestamp_seconds gauge"
        yield f"{PREFIX}_next_timestamp_seconds {standing.next:.0f}"


def _lateness(counts: Mapping[str, int]) -> Iterator[str]:
    name, total = f"{PREFIX}_lateness_seconds", 0
    yield f"# TYPE {name} histogram"
    for bound in (*figures.BOUNDS, None):
        total += counts.get(figures.late(bound), 0)
        text = "+Inf" if bound is None else format(bound, "g")
        yield f'{name}_bucket{{le="{text}"}} {total}'
    yield f"{name}_sum {counts.get(figures.SUM, 0) / 1000:.3f}"
    yield f"{name}_count {total}"


def of_each(found: Sequence[Row]) -> Iterator[str]:
    """Return figures of these schedules, by the names of their projects and their own."""
    columns = {
        "last_success_timestamp_seconds": "last_success",
        "last_fired_timestamp_seconds": "last_fired",
        "next_timestamp_seconds": "wake",
    }
    for name, column in columns.items():
        yield f"# TYPE {PREFIX}_{name} gauge"
        for row in found:
            if row[column] is not None:
                yield f"{PREFIX}_{name}{_labels(row)} {row[column]:.0f}"
    yield f"# TYPE {PREFIX}_paused gauge"
    for row in found:
        yield f"{PREFIX}_paused{_labels(row)} {int(bool(row['pause']))}"


def _labels(row: Row) -> str:
    """Return labels; neither name can hold what would have to be escaped."""
    return f'{{project="{row["project"]}",schedule="{row["name"]}"}}'
