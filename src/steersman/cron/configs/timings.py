"""Reading when an item runs: its expressions, their grammar, their zone."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from steersman.core.errors import UserError
from steersman.core.nodes import Node, Scalar
from steersman.core.pipelines.findings import Findings
from steersman.core.schedules import expressions, linting, zones
from steersman.core.schedules.complaints import BadExpression
from steersman.core.schedules.expressions import Expression, Mode
from steersman.core.schedules.timetables import Dst, Fold, Gap, Timetable
from steersman.cron.configs import values
from steersman.cron.configs.values import Members


class Setting(NamedTuple):
    """What holds for all items: keys that one does not have are taken from *defaults*."""

    mode: Mode
    zone: str
    defaults: Members
    now: int
    lint: bool
    strict: bool = True


class Timing(NamedTuple):
    """The expressions of an item, and what their version is made of."""

    tables: tuple[Timetable, ...]
    texts: tuple[str, ...]
    digest: str


def read(
    found: Members, node: Node, name: str, setting: Setting, findings: Findings
) -> Timing | None:
    """Return when an item runs; None, with the mistakes noted, when that cannot be told."""
    given = [found[key][1] for key in ("schedule", "schedules") if key in found]
    if not given:
        hint = "write for example `schedule: 30 4 * * *`"
        findings.error("missing-schedule", node, "the item has no schedule", hint)
        return None
    mode = values.word(found["mode"][1], Mode, "mode", findings) if "mode" in found else None
    mode = mode or setting.mode
    zone = _zone(found, setting, findings)
    dst = _dst(found, findings)
    anchor = 0
    if "anchor" in found:
        anchor = values.moment(found["anchor"][1], "anchor", findings) or 0
    tables, texts = [], []
    for each in given:
        for text, place in values.texts(each, "a schedule", findings):
            expression = _expression(text, place, (mode, name, anchor), findings)
            if expression is None or zone is None:
                continue
            table = expressions.table(expression, zone, dst)
            tables.append(table)
            texts.append(text)
            if setting.lint:
                for doubt in linting.lint(expression, table, setting.now):
                    findings.warn(doubt.code, place, f"{text}: {doubt.message}", doubt.hint)
    if not tables:
        return None
    said = repr((mode, texts, zone, dst, anchor, name))
    return Timing(tuple(tables), tuple(texts), hashlib.sha256(said.encode()).hexdigest()[:32])


def _expression(
    text: str, place: Scalar, about: tuple[Mode, str, int], findings: Findings
) -> Expression | None:
    mode, name, anchor = about
    try:
        return expressions.parse(text, mode, seed=name, anchor=anchor)
    except BadExpression as error:
        # Only on one line of the file is the column of the mistake known.
        column = place.column + error.column + (place.tag is not None)
        at = place._replace(column=column)
        message = f"{error} (column {error.column + 1} of {text!r})"
        findings.error("bad-schedule", at, message, _hint(text, mode, error.hint))
        return None


def _hint(text: str, mode: Mode, hint: str | None) -> str | None:
    """Say beside *hint* how Cronetes read what is most often a line of a crontab, or newer."""
    if mode is not Mode.ROBFIG1:
        return hint
    more = None
    if len(text.split()) == 5:
        more = "five fields are second to month, as in Cronetes"
    elif text.lstrip().startswith(("CRON_TZ=", "TZ=")):
        more = "Cronetes knew no zone there: write `timezone:` beside the schedule"
    return "; ".join(each for each in (hint, more) if each) or None


def _zone(found: Members, setting: Setting, findings: Findings) -> str | None:
    if "timezone" not in found:
        return setting.zone
    node = found["timezone"][1]
    name = values.text(node, "timezone", findings)
    if name is None:
        return None
    try:
        return zones.zone(name).name
    except UserError as error:
        findings.error("unknown-zone", node, str(error), error.hint)
        return None


def _dst(found: Members, findings: Findings) -> Dst | None:
    if "dst" not in found:
        return None
    inner = values.members(found["dst"][1], ("gap", "fold"), "dst", findings)
    gap = values.word(inner["gap"][1], Gap, "gap", findings) if "gap" in inner else None
    fold = values.word(inner["fold"][1], Fold, "fold", findings) if "fold" in inner else None
    return Dst(gap or Gap.SHIFT, fold or Fold.FIRST)
