"""A run as a tree of lines: its jobs, and the steps of their newest attempts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from steersman.cli.remote import tables
from steersman.core.runs import State
from steersman.core.steps import short_seconds

Json = Mapping[str, Any]
_FINAL = frozenset(state.value for state in State if state.is_final)


class Line(NamedTuple):
    """A job, or one of its steps (*number* is above -1), as it stands in *state*.

    *began* is when it did, in seconds since the epoch; *took* is known once it has ended.
    """

    job: str
    attempt: int
    number: int
    name: str
    state: str
    began: float | None = None
    took: float | None = None
    note: str = ""

    @property
    def is_step(self) -> bool:
        return self.number >= 0

    @property
    def is_over(self) -> bool:
        return self.state in _FINAL


def tree(run: Json, steps: Mapping[str, Sequence[Json]]) -> tuple[Line, ...]:
    """Return the lines of *run*; *steps* are those of attempts, by the attempts' ids."""
    return tuple(line for job in run["jobs"] for line in _of_job(job, steps))


def _of_job(job: Json, steps: Mapping[str, Sequence[Json]]) -> Iterator[Line]:
    last = job["attempts"][-1] if job["attempts"] else None
    number = last["number"] if last else 0
    over = job["state"] in _FINAL
    began = tables.seconds(last["started"]) if last else None
    ended = tables.seconds(last["since"]) if last and over else None
    took = ended - began if ended is not None and began is not None else None
    note = str(job["why"] or (last["message"] if last else ""))
    yield Line(job["name"], number, -1, job["name"], job["state"], began, took, note)
    for step in steps.get(last["id"], ()) if last else ():
        yield _of_step(job["name"], number, step)


def _of_step(job: str, attempt: int, step: Json) -> Line:
    began = tables.seconds(step["began"])
    took, note = step["seconds"], str(step["message"] or "")
    return Line(job, attempt, step["number"], step["name"], step["state"], began, took, note)


def news(before: Sequence[Line], after: Sequence[Line]) -> Iterator[Line]:
    """Give what to tell who saw *before*: jobs in another state, steps that ended; in order."""
    known = {_key(line): line.state for line in before}
    later: list[Line] = []
    for line in after:
        if line.is_step:
            if line.is_over and known.get(_key(line)) != line.state:
                yield line
            continue
        # A job's end is told after what its steps did, its beginning before.
        yield from later
        later = []
        if known.get(_key(line)) != line.state:
            if line.is_over:
                later.append(line)
            else:
                yield line
    yield from later


def _key(line: Line) -> tuple[str, int, int]:
    return (line.job, line.attempt if line.is_step else 0, line.number)


def text(line: Line) -> str:
    """Say a line in words."""
    name = f"{line.job} / {line.name}" if line.is_step else line.job
    end = "" if not line.is_over or line.took is None else f" in {short_seconds(line.took)}"
    again = f" (attempt {line.attempt})" if line.attempt > 1 and not line.is_step else ""
    why = f": {line.note}" if line.note and line.state != "succeeded" else ""
    return tables.words(f"{name}: {line.state}{end}{again}{why}")


def ending(run: Json) -> str:
    """Say how a run ended, or stands."""
    why = f": {run['message']}" if run["message"] else ""
    began, ended = tables.seconds(run["began"]), tables.seconds(run["ended"])
    end = "" if began is None or ended is None else f" in {short_seconds(max(0, ended - began))}"
    return tables.words(f"{run['project']}/{run['number']}: {run['state']}{end}{why}")
