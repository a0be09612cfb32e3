"""Figures for Prometheus, derived from the rows and never counted up and down.

Labels are few and bounded: no ids, no names that users choose.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select

from steersman import __version__
from steersman.server import schedules_figures
from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.tables import attempts, outbox, runs, triggers, workers

RECENT = 60.0


async def text(parts: Platform) -> bytes:
    """Return the text Prometheus reads."""
    registry = CollectorRegistry()
    found = await parts.store.scan(_read)
    info = Gauge("steersman_build_info", "version of this server", ["version"], registry=registry)
    info.labels(__version__).set(1)
    for name, (about, label, values) in found.items():
        gauge = Gauge(f"steersman_{name}", about, [label] if label else [], registry=registry)
        for value, number in values:
            (gauge.labels(value) if label else gauge).set(number)
    scheduled = "\n".join(schedules_figures.lines(*await parts.store.scan(schedules_figures.read)))
    return generate_latest(registry) + f"{scheduled}\n".encode()


Figures = dict[str, tuple[str, str, list[tuple[str, float]]]]


def _read(tx: Transaction) -> Figures:
    def by(column: object, *where: object) -> list[tuple[str, float]]:
        query = select(column, func.count()).where(*where).group_by(column)  # type: ignore[call-overload]
        return [(str(key), float(count)) for key, count in tx.execute(query)]

    oldest = tx.value(select(func.min(attempts.c.queued)).where(attempts.c.state == "queued"))
    slots = tx.value(select(func.sum(workers.c.slots)).where(workers.c.seen > tx.now - RECENT))
    return {
        "attempts": ("attempts by state", "state", by(attempts.c.state)),
        "attempts_ended": (
            "attempts that did not succeed, by reason",
            "reason",
            by(attempts.c.reason, attempts.c.reason.is_not(None)),
        ),
        "runs": ("runs by state", "state", by(runs.c.state)),
        "queue_depth": (
            "attempts that wait, by pool",
            "pool",
            by(attempts.c.pool, attempts.c.state == "queued"),
        ),
        "queue_oldest_seconds": (
            "how long the oldest waits", "", [("", tx.now - oldest if oldest else 0.0)]
        ),
        "worker_slots": ("slots of workers heard lately", "", [("", float(slots or 0))]),
        "triggers": ("triggers by state", "state", by(triggers.c.state)),
        "outbox": ("messages to the outside by state", "state", by(outbox.c.state)),
    }  # fmt: skip
