"""The mistakes of one file, collected while it is read, and the names that were meant."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from steersman.core.nodes import Node
from steersman.core.problems import Place, Problem, Severity

# More than anybody reads; a hostile file could hold a million.
MOST_PROBLEMS = 1000
# Looking for a near name is slow, so only the first mistakes of a file get it.
_MOST_GUESSES = 50
_LONGEST_GUESS = 40


class Findings:
    """What is wrong with *file*, in the order in which it was found."""

    __slots__ = ("_guesses", "_seen", "failed", "file", "problems")

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.failed = False
        self._guesses = 0
        # What stands behind an anchor is read once for each alias, but is wrong only once.
        self._seen: set[tuple[str, int, int, str]] = set()

    def error(self, code: str, at: Node, message: str, hint: str | None = None) -> None:
        """Note a mistake that keeps the file from being used."""
        self.failed = True
        self._note(Severity.ERROR, code, at, message, hint)

    def warn(self, code: str, at: Node, message: str, hint: str | None = None) -> None:
        """Note a doubt."""
        self._note(Severity.WARNING, code, at, message, hint)

    def near(self, word: str, known: Iterable[str]) -> str | None:
        """Return the known name most like *word*, if one is."""
        if self._guesses >= _MOST_GUESSES:
            return None
        self._guesses += 1
        return nearest(word, known)

    def place(self, node: Node) -> Place:
        """Say where *node* is."""
        return Place(self.file, node.line, node.column)

    def sorted(self) -> tuple[Problem, ...]:
        """Return all problems in the order of the file, cut where there are too many."""
        ordered = sorted(
            self.problems, key=lambda problem: (problem.place.line, problem.place.column)
        )
        if len(ordered) <= MOST_PROBLEMS:
            return tuple(ordered)
        last = ordered[MOST_PROBLEMS]
        message = f"{len(ordered) - MOST_PROBLEMS} more problems are not shown"
        severity = Severity.ERROR if self.failed else Severity.WARNING
        return (*ordered[:MOST_PROBLEMS], Problem(severity, "too-many", last.place, message))

    def _note(
        self, severity: Severity, code: str, at: Node, message: str, hint: str | None
    ) -> None:
        key = (code, at.line, at.column, message)
        if key not in self._seen:
            self._seen.add(key)
            self.problems.append(Problem(severity, code, self.place(at), message, hint))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name most like *word*, if one is."""
    return _nearest(word, tuple(known))


@lru_cache(maxsize=512)
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    if len(word) > _LONGEST_GUESS:
        return None
    import difflib

    plain = {name.lower().replace("_", "-"): name for name in known}
    word = word.lower().replace("_", "-")
    beginning = [name for name in plain if len(word) > 2 and name.startswith(word)]
    if len(beginning) == 1:
        return plain[beginning[0]]
    found = difflib.get_close_matches(word, plain, n=1, cutoff=0.7)
    return plain[found[0]] if found else None


def did_you_mean(name: str | None, otherwise: str | None = None) -> str | None:
    """Make a hint of a near name."""
    return f"did you mean `{name}`?" if name else otherwise


def shown(text: str, longest: int = 60) -> str:
    """Quote a text of the file for a message; long ones are cut."""
    return repr(text if len(text) <= longest else text[: longest - 3] + "...")
