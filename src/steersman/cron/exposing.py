"""Figures for Prometheus, and whether we are alive, on a small port of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from steersman.core.schedules.fires import State
from steersman.cron.counting import Counts
from steersman.cron.desk import Desk
from steersman.cron.program import Cron

_READING = 10.0
_LONGEST = 8192


def metrics(cron: Cron) -> str:
    """Return all figures in Prometheus' text format."""
    lines = [*_counted(cron.counts), *_led(cron)]
    if cron.desk is not None:
        lines += _schedules(cron.desk)
    return "\n".join(lines) + "\n"


def _counted(counts: Counts) -> Iterator[str]:
    yield "# TYPE steersman_cron_instants_total counter"
    for state in (State.FIRED, State.SKIPPED, State.MISSED):
        yield f'steersman_cron_instants_total{{state="{state}"}} {counts.by_state.get(state, 0)}'
    yield "# TYPE steersman_cron_runs_total counter"
    for outcome, count in sorted(counts.outcomes.items()):
        yield f'steersman_cron_runs_total{{outcome="{outcome}"}} {count}'
    yield "# TYPE steersman_cron_launch_delays_total counter"
    yield f"steersman_cron_launch_delays_total {counts.delays}"
    yield "# TYPE steersman_cron_clock_jumps_total counter"
    yield f"steersman_cron_clock_jumps_total {counts.jumps}"
    yield "# TYPE steersman_cron_lateness_seconds summary"
    ordered = sorted(counts.lateness)
    for share in (0.5, 0.99, 1.0):
        late = _quantile(ordered, share)
        yield f'steersman_cron_lateness_seconds{{quantile="{share:g}"}} {late:.6f}'


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def _led(cron: Cron) -> Iterator[str]:
    yield "# TYPE steersman_cron_leading gauge"
    yield f"steersman_cron_leading {int(cron.leads())}"


def _schedules(desk: Desk) -> Iterator[str]:
    yield "# TYPE steersman_cron_schedules gauge"
    yield f"steersman_cron_schedules {len(desk.rows.entries)}"
    yield "# TYPE steersman_cron_open_rows gauge"
    yield f"steersman_cron_open_rows {len(desk.rows.open)}"
    each_of = [(_label(schedule.name), cursor) for schedule, cursor in desk.rows.schedules()]
    yield "# TYPE steersman_cron_last_success_timestamp_seconds gauge"
    for name, cursor in each_of:
        if cursor.last_success is not None:
            yield f"steersman_cron_last_success_timestamp_seconds{name} {cursor.last_success:.0f}"
    yield "# TYPE steersman_cron_last_fired_timestamp_seconds gauge"
    for name, cursor in each_of:
        if cursor.last_fired is not None:
            yield f"steersman_cron_last_fired_timestamp_seconds{name} {cursor.last_fired}"
    yield "# TYPE steersman_cron_paused gauge"
    for name, cursor in each_of:
        yield f"steersman_cron_paused{name} {int(cursor.pause is not None)}"


def _label(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{{schedule="{escaped}"}}'


async def serve(cron: Cron, host: str, port: int) -> asyncio.Server:
    """Answer at *host*:*port*: /metrics, and /healthz as long as this process lives."""
    answers: dict[str, Callable[[], str]] = {
        "/metrics": lambda: metrics(cron),
        "/healthz": lambda: "leading\n" if cron.leads() else "standing by\n",
    }

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_READING):
                request = await reader.readuntil(b"\r\n\r\n")
                words = request.split(b"\r\n", 1)[0].decode("latin-1").split()
                found = answers.get(words[1].partition("?")[0]) if len(words) == 3 else None
                body = found() if found and words[0] == "GET" else "not found\n"
                writer.write(_response("200 OK" if found else "404 Not Found", body))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port, limit=_LONGEST)


def _response(status: str, body: str) -> bytes:
    data = body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data
