"""How a run is shown: one audience per format, chosen by flags and terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from steersman.core.events import Audience

if TYPE_CHECKING:
    from steersman.pipeline_file import Parsed


@contextmanager
def audience(flags: Mapping[str, Any]) -> Iterator[Audience]:
    """Give the audience these flags ask for; the terminal is set right however a run ends."""
    chosen = _audience(flags)
    close: Callable[[], None] = getattr(chosen, "close", lambda: None)
    try:
        yield chosen
    finally:
        close()


def _audience(flags: Mapping[str, Any]) -> Audience:
    name = chosen_format(flags, os.environ, terminal=sys.stderr.isatty() and sys.stdout.isatty())
    if name == "json":
        from steersman.cli.show.json_lines import JsonLines

        return JsonLines(sys.stdout.buffer)
    if name == "live":
        from steersman.cli.show.live import Live

        return Live(verbose=_verbose(flags), colors=wants_colors(flags, os.environ, terminal=True))
    from steersman.cli.show.plain import Look, Plain, style_of

    return Plain(
        output=sys.stdout.buffer,
        words=sys.stdout.buffer if name in ("github", "gitlab") else sys.stderr.buffer,
        style=style_of(name),
        look=Look(
            colors=wants_colors(flags, os.environ, terminal=sys.stderr.isatty()),
            verbose=_verbose(flags),
            quiet=flags["quiet"],
        ),
    )


def chosen_format(flags: Mapping[str, Any], environ: Mapping[str, str], *, terminal: bool) -> str:
    """Name the format: what was asked for, else by terminal, else by the CI system around us."""
    if flags["log_json"]:
        return "json"
    asked: str = flags["log_format"]
    if asked != "auto":
        return asked
    if terminal and not flags["quiet"] and environ.get("TERM", "dumb") != "dumb":
        return "plain" if flags["debug"] else "live"
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if environ.get("GITLAB_CI") == "true" else "plain"


def wants_colors(flags: Mapping[str, Any], environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Tell whether our own words may be coloured; see no-color.org for NO_COLOR."""
    return terminal and not flags["no_colors"] and not environ.get("NO_COLOR")


def _verbose(flags: Mapping[str, Any]) -> bool:
    return bool(flags["verbose"] or flags["debug"])


def problems(parsed: Parsed, *, warnings: bool = True) -> None:
    """Print what is wrong with a pipeline file, each with its line and a caret, on stderr."""
    from steersman.core.pipelines.report import render
    from steersman.core.problems import Severity

    shown = [item for item in parsed.problems if warnings or item.severity is Severity.ERROR]
    sys.stderr.write(render(shown, parsed.source) + "\n")
