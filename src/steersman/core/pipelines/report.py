"""Problems as text for people: the place, the line, a caret, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.core.problems import Problem, Severity

_WIDTH = 100


def render(problems: Iterable[Problem], source: str) -> str:
    """Show all problems, each with its line of *source*."""
    lines = split_lines(source)
    return "\n".join(render_one(problem, lines) for problem in problems)


def render_one(problem: Problem, lines: list[str]) -> str:
    """Show one problem, with its line and a caret where there is one."""
    head = f"{problem.place}: {problem.severity}: {printable(problem.message)}"
    parts = [head]
    if 0 < problem.place.line <= len(lines) and lines[problem.place.line - 1].strip():
        parts += _excerpt(lines[problem.place.line - 1], problem.place.column - 1)
    if problem.hint:
        parts.append(f"  hint: {printable(problem.hint)}")
    return "\n".join(parts)


def split_lines(source: str) -> list[str]:
    """Split as YAML counts lines."""
    for end in ("\r\n", "\r", "\x85", "\u2028", "\u2029"):
        source = source.replace(end, "\n")
    return source.split("\n")


def summary(problems: Iterable[Problem]) -> str:
    """Count them: `2 errors, 1 warning`."""
    counts = {Severity.ERROR: 0, Severity.WARNING: 0}
    for problem in problems:
        counts[problem.severity] += 1
    words = [f"{n} {severity}{'' if n == 1 else 's'}" for severity, n in counts.items() if n]
    return ", ".join(words) or "no problems"


def printable(text: str) -> str:
    """Return *text* without control characters: a file must not steer the reader's terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _excerpt(line: str, column: int) -> list[str]:
    """Return the line and its caret; of a long line only what is around the caret."""
    start = max(0, column - _WIDTH // 2) if len(line) > _WIDTH else 0
    shown = line[start : start + _WIDTH]
    # One character stays one character, so that the caret stays below its own.
    shown = "".join(char if char.isprintable() else " " if char == "\t" else "?" for char in shown)
    return [f"  {shown.rstrip()}", "  " + " " * (column - start) + "^"]
