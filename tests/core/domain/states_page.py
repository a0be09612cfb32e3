"""Writes docs/states.md from the tables: `python -m tests.core.domain.states_page`."""

from __future__ import annotations

from pathlib import Path

from steersman.core import attempts, runs
from steersman.core.attempts import TRANSITIONS
from steersman.core.deadlines import DEFAULT
from steersman.core.reports import EVENTS, Reason

PAGE = Path(__file__).parents[3] / "docs" / "states.md"

HEAD = """\
# States

This page is written from the tables in `core/attempts.py`, `core/reports.py` and
`core/deadlines.py`; a test fails when it is stale.

Only an **attempt** has a stored state. A job's state is read off its attempts, a run's off its
jobs. A final attempt takes in every report and stays as it is.
"""


def page() -> str:
    """Return the text of the page."""
    return "\n".join([HEAD, *_diagram(), *_table(), *_rest()]) + "\n"


def _diagram() -> list[str]:
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> queued"]
    for state, row in TRANSITIONS.items():
        arrows: dict[attempts.State, list[str]] = {}
        for event, target in row.items():
            arrows.setdefault(target, []).append(event.__name__)
        for target, names in arrows.items():
            if target is not state:
                lines.append(f"    {state} --> {target}: {', '.join(names)}")
    return [*lines, *(f"    {state} --> [*]" for state in _finals()), "```", ""]


def _finals() -> list[attempts.State]:
    return [state for state in attempts.State if state.is_final]


def _table() -> list[str]:
    states = [state for state in attempts.State if not state.is_final]
    lines = [
        "## What each report does",
        "",
        "An empty field: it changes nothing there.",
        "",
        f"| report | {' | '.join(states)} |",
        f"|---|{'---|' * len(states)}",
    ]
    for event in EVENTS:
        row = [TRANSITIONS[state].get(event, "") for state in states]
        lines.append(f"| {event.__name__} | {' | '.join(row)} |")
    return [
        *lines,
        "",
        "A worker's report counts only with the number of the newest lease, a runner's only with",
        "the attempt's number and from the first runner that reported. `Lost` under a runner that",
        "reports is a doubt, which its next heartbeat takes away; where no runner ever reported,",
        "it ends what is being cancelled at once. A loss that would happen again (an image that",
        "does not exist) is failed, not errored. `Renewed` under a runner that reports only notes",
        "what its worker sees.",
        "",
    ]


def _rest() -> list[str]:
    waits = [f"| {name} | {seconds:g} |" for name, seconds in DEFAULT._asdict().items()]
    return [
        "## Deadlines",
        "",
        "Nothing expires before we have listened for the grace again. A heartbeat wins over",
        "whatever else is said of a runner. `scheduled` counts from the last start on that node.",
        "",
        "| wait | seconds |",
        "|---|---|",
        *waits,
        "",
        "## Jobs and runs",
        "",
        f"Theirs are: {', '.join(runs.State)}.",
        "",
        "## Reasons",
        "",
        f"{', '.join(Reason)}.",
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
