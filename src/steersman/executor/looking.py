"""One look into the box after each step: all there is to know costs one question.

Each question makes the box's shell fork, and two processes wait for each other.
"""

from __future__ import annotations

from typing import NamedTuple

from steersman.core import scripts
from steersman.core.errors import Unavailable
from steersman.executor.fetching import ReadyStep
from steersman.executor.job import Job
from steersman.executor.measuring import parsed
from steersman.executor.setting_up import Prepared

_UNITS = {"nanoseconds": 1e-9, "microseconds": 1e-6}


class Seen(NamedTuple):
    """What a step left: its message, the most memory the box had so far, its own seconds of CPU.

    The latter two only where steps are measured.
    """

    message: str = ""
    memory: int | None = None
    cpu: float | None = None


async def look(job: Job, prepared: Prepared, ready: ReadyStep) -> Seen | None:
    """Return what the step left, and note in *prepared* where something stands.

    None where nobody answers.
    """
    folders = [f"{job.root}/pipeline/output", f"{job.root}/pipeline/cache"]
    if job.settings.artifacts:
        folders.append(f"{ready.report}/artifacts")
    question = scripts.look(ready.report, folders, measure=prepared.measure)
    try:
        lines = (await prepared.session.ask(question)).split(b"\n")
    except Unavailable:
        return None
    at = lines.index(b"message") if b"message" in lines else len(lines)
    found = parsed(b"\n".join(lines[:at]))
    prepared.full = {folder: f"full-{number}" in found for number, folder in enumerate(folders)}
    message = b"\n".join(lines[at + 1 :]).decode(errors="replace").strip("\n")
    return Seen(message, found.get("memory"), _cpu(prepared, found))


def _cpu(prepared: Prepared, found: dict[str, int]) -> float | None:
    """Return the seconds of CPU since the last look."""
    cpu = next((found[unit] * size for unit, size in _UNITS.items() if unit in found), None)
    if cpu is None:
        return None
    prepared.cpu, spent = cpu, max(cpu - prepared.cpu, 0.0)
    return spent
