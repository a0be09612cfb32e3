"""Tables of text for a terminal: as wide as they need to be, or as there is room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

Item = Mapping[str, Any]
GAP = 2
LEAST = 8
"""A column that shrinks keeps so many characters, if it ever had them."""
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


class Column(NamedTuple):
    """A column of a table: *text* of each item, in *style*; one that *shrinks* is cut for room."""

    title: str
    text: Callable[[Item], str]
    shrinks: bool = False
    style: Callable[[str], str] | None = None


def of(key: str, *, shrinks: bool = False) -> Column:
    """Return the column of what stands under *key*."""
    return Column(key.upper().replace("_", " "), lambda item: words(item.get(key)), shrinks)


def words(value: object) -> str:
    """Return a value as it stands in a table: on one line, without what moves a terminal."""
    if value is None or value in ("", []):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return words(", ".join(map(str, value)))
    line = " ".join(str(value).split())
    return "".join(each if each.isprintable() else "\ufffd" for each in line)


def draw(columns: Sequence[Column], items: Sequence[Item], width: int | None) -> list[str]:
    """Return the lines of a table, the first one of titles; *width* is the room there is."""
    rows = [[words(column.text(item)) for column in columns] for item in items]
    cells = [[column.title for column in columns], *rows]
    widths = [max(map(_length, each)) for each in zip(*cells, strict=True)]
    if width is not None:
        widths = _narrowed(widths, [column.shrinks for column in columns], width)
    lines = [_line(cells[0], widths, [None] * len(columns))]
    return lines + [_line(row, widths, [column.style for column in columns]) for row in rows]


def _narrowed(widths: list[int], shrinks: list[bool], room: int) -> list[int]:
    """Take from the widest column that may shrink, as long as it helps."""
    widths = list(widths)
    places = [place for place, may in enumerate(shrinks) if may]
    while sum(widths) + GAP * (len(widths) - 1) > room:
        widest = max(places, key=lambda place: widths[place], default=None)
        if widest is None or widths[widest] <= LEAST:
            return widths
        widths[widest] -= 1
    return widths


def _line(
    cells: Sequence[str], widths: Sequence[int], styles: Sequence[Callable[[str], str] | None]
) -> str:
    cut = [_cut(cell, width) for cell, width in zip(cells, widths, strict=True)]
    pads = [" " * (width - _length(cell)) for cell, width in zip(cut, widths, strict=True)]
    pads[-1] = ""
    styled = [style(cell) if style else cell for cell, style in zip(cut, styles, strict=True)]
    return (" " * GAP).join(cell + pad for cell, pad in zip(styled, pads, strict=True))


def _length(text: str) -> int:
    """Return how many columns of a terminal *text* takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _cut(text: str, width: int) -> str:
    if _length(text) <= width:
        return text
    while _length(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def seconds(stamp: str | None) -> float | None:
    """Return the time that *stamp*, written as in RFC 3339, means."""
    if not stamp:
        return None
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return None


def relative(stamp: str | None, now: float) -> str:
    """Say a time as one says it: `3 m ago`, `in 2 d`."""
    at = seconds(stamp)
    if at is None:
        return "-"
    said = _rough(abs(now - at))
    if not said:
        return "now"
    return f"{said} ago" if at <= now else f"in {said}"


def _rough(distance: float) -> str:
    for size, unit in _UNITS:
        if distance >= size:
            return f"{int(distance // size)} {unit}"
    return ""


def took(began: str | None, ended: str | None, now: float) -> str:
    """Say how long something took, or takes by now."""
    from steersman.core.steps import short_seconds

    start, stop = seconds(began), seconds(ended)
    if start is None:
        return "-"
    return short_seconds(max(0.0, (now if stop is None else stop) - start))


def size(count: int | None) -> str:
    """Say a number of bytes: `812 B`, `1.2 MiB`."""
    if count is None:
        return "-"
    amount, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount /= 1024
        units.pop(0)
    return f"{amount:.0f} {units[0]}" if units[0] == "B" else f"{amount:.1f} {units[0]}"
