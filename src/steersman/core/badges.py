"""What other programs show of us: a badge as SVG, and the projects as cctray.xml."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

MOST_CHARACTERS = 60
_HEIGHT = 20
_MARGIN = 8.0
_LABEL_COLOUR = "#3b4252"
_OTHER_COLOUR = "#6b7280"
# Dark enough for white text: at least 4.5 to 1.
COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "succeeded": "#1a7f37",
        "failed": "#c0262d",
        "errored": "#a13d00",
        "cancelled": "#5b6472",
        "skipped": "#5b6472",
        "running": "#1f5fbf",
        "queued": "#7a5900",
    }
)
# Widths at 11 px of sans-serif; a little too wide looks better than too narrow.
_NARROW, _USUAL, _WIDE, _WIDEST = 4.0, 6.8, 10.0, 12.0
_NARROW_CHARACTERS = frozenset("!'(),-./:;I[]`fijlrt| ")
_WIDE_CHARACTERS = frozenset("%@GMOQWmw")
# What may not stand in XML 1.0, however it is written.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(label: str, state: str) -> str:
    """Draw a badge: *label* on the left, *state* on its colour; both are cut to 60 characters."""
    left, right = _shortened(label), _shortened(state)
    split, wide = _width(left), _width(left) + _width(right)
    colour = COLOURS.get(state, _OTHER_COLOUR)
    title = _escaped(f"{left}: {right}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{_HEIGHT}" '
        f'viewBox="0 0 {wide} {_HEIGHT}" role="img" aria-label="{title}"><title>{title}</title>'
        f'<rect width="{wide}" height="{_HEIGHT}" rx="4" fill="{_LABEL_COLOUR}"/>'
        f'<path d="M{split} 0h{wide - split - 4}a4 4 0 0 1 4 4v{_HEIGHT - 8}a4 4 0 0 1-4 4'
        f'H{split}z" fill="{colour}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        'text-anchor="middle">'
        f"{_text(split / 2, left)}{_text((split + wide) / 2, right)}</g></svg>\n"
    )


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"


def _width(text: str) -> int:
    return round(2 * _MARGIN + sum(_character_width(char) for char in text))


def _character_width(char: str) -> float:
    if char in _NARROW_CHARACTERS:
        return _NARROW
    if char in _WIDE_CHARACTERS:
        return _WIDE
    # Chinese, Japanese, Korean and emoji begin about here.
    return _WIDEST if char >= "\u1100" else _USUAL


def _text(middle: float, text: str) -> str:
    return f'<text x="{middle:g}" y="14">{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    """Make *text* harmless, between tags as well as in a quoted attribute."""
    escaped = html.escape(_FORBIDDEN.sub("\ufffd", text), quote=True)
    # A reader of XML turns these into blanks in an attribute unless they are written so.
    return escaped.replace("\t", "&#9;").replace("\n", "&#10;").replace("\r", "&#13;")


class Activity(StrEnum):
    """What a project does now, in the words of cctray."""

    SLEEPING = "Sleeping"
    BUILDING = "Building"
    CHECKING = "CheckingModifications"


class Status(StrEnum):
    """How its last run ended, in the words of cctray."""

    SUCCESS = "Success"
    FAILURE = "Failure"
    EXCEPTION = "Exception"
    UNKNOWN = "Unknown"


# A run that nobody judged says nothing of the project.
STATUSES: Mapping[str, Status] = MappingProxyType(
    {
        "succeeded": Status.SUCCESS,
        "failed": Status.FAILURE,
        "errored": Status.EXCEPTION,
    }
)


class CcProject(NamedTuple):
    """One project as desktop and wall displays ask for it; *time* is None before its first run."""

    name: str
    activity: Activity
    status: Status
    label: str
    time: float | None
    url: str


def cctray(projects: Iterable[CcProject]) -> str:
    """Write *projects* as cctray.xml."""
    lines = "".join(f"  {_project(each)}\n" for each in projects)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Projects>\n{lines}</Projects>\n'


def _project(project: CcProject) -> str:
    attributes = {
        "name": project.name,
        "activity": project.activity,
        "lastBuildStatus": project.status,
        "lastBuildLabel": project.label,
        "lastBuildTime": "" if project.time is None else _written(project.time),
        "webUrl": project.url,
    }
    # What has no value is left out: an empty time is none that a reader could understand.
    given = (f'{name}="{_escaped(value)}"' for name, value in attributes.items() if value)
    return f"<Project {' '.join(given)}/>"


def _written(time: float) -> str:
    return datetime.fromtimestamp(int(time), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
