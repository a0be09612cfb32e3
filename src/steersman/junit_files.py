"""Reading the reports that tests leave behind, in the XML that began with JUnit.

The files come out of a box: they are read piece by piece within limits, and nothing in them makes
us read anything else.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from steersman.core import junit, patterns
from steersman.core.errors import UserError
from steersman.core.junit import Case, Report, State

MIB = 1024 * 1024
FOLDER_DEPTH = 50
_PIECE = 256 * 1024
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ROOTS = frozenset({"testsuites", "testsuite"})
_OUTCOMES = {"skipped": State.SKIPPED, "failure": State.FAILED, "error": State.ERRORED}


class Limits(NamedTuple):
    """What a report may hold: bytes, tests, elements in each other, files of a folder.

    Longer *message*s and *name*s are cut (in characters); past any other limit it is refused.
    """

    size: int = 50 * MIB
    cases: int = 100_000
    depth: int = 50
    message: int = 4_000
    name: int = 1_000
    files: int = 1_000


class Found(NamedTuple):
    """What was read below a folder: *files* that were, and *problems* with those that were not."""

    report: Report = Report()
    files: tuple[str, ...] = ()
    problems: tuple[UserError, ...] = ()


LIMITS = Limits()


def read(pieces: Iterable[bytes], place: str, limits: Limits = LIMITS) -> Report:
    """Read one report that comes in *pieces*; *place* is what people know it as."""
    return junit.report(_cases(pieces, place, _Budget(limits)))


def read_file(path: Path, limits: Limits = LIMITS) -> Report:
    """Read the report in the file *path*, which must not be a link."""
    return read(_pieces(str(path), str(path), None), str(path), limits)


def read_folder(folder: Path, wanted: Sequence[str], limits: Limits = LIMITS) -> Found:
    """Read the reports below *folder* that the patterns *wanted* let through, following no link.

    The limits are for all of them together. One that cannot be read does not spoil the others.
    """
    try:
        descriptor = os.open(folder, _FOLDER)
    except FileNotFoundError:
        return Found()
    except OSError as error:
        return Found(problems=(_unreadable(str(folder), error),))
    try:
        return _found(descriptor, wanted, _Budget(limits))
    finally:
        os.close(descriptor)


def _found(folder: int, wanted: Sequence[str], budget: _Budget) -> Found:
    cases: list[Case] = []
    files: list[str] = []
    problems: list[UserError] = []
    for name, item, descriptor in _below(folder):
        if not patterns.allows(wanted, name):
            continue
        place = name if name.isprintable() else ascii(name)
        try:
            if len(files) + len(problems) == budget.limits.files:
                raise _TooMuch(f"{place}: not read, since {budget.limits.files} reports were")
            cases += _cases(_pieces(place, item, descriptor), place, budget)
            files.append(place)
        except UserError as error:
            problems.append(error)
            if isinstance(error, _TooMuch):
                break
    return Found(junit.report(cases), tuple(files), tuple(problems))


class _TooMuch(UserError):
    """The limits are reached, so nothing more can be read either."""


class _Budget:
    """Counts what was read, of one file or of several."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._size = self._cases = 0

    def spend_bytes(self, place: str, count: int) -> None:
        self._size += count
        if self._size > self.limits.size:
            raise _TooMuch(f"{place}: more than {self.limits.size} bytes of reports")

    def spend_case(self, place: str) -> None:
        self._cases += 1
        if self._cases > self.limits.cases:
            raise _TooMuch(f"{place}: more than {self.limits.cases} tests")


def _below(folder: int, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str, int]]:
    """Find files: the whole name, the name in its own folder, and that folder's descriptor."""
    for item in sorted(os.listdir(folder)):
        try:
            inner = os.open(item, _FOLDER, dir_fd=folder)
        except OSError:
            yield prefix + item, item, folder
            continue
        try:
            if depth < FOLDER_DEPTH:
                yield from _below(inner, f"{prefix}{item}/", depth + 1)
        finally:
            os.close(inner)


def _pieces(place: str, name: str, folder: int | None) -> Iterator[bytes]:
    try:
        descriptor = os.open(name, _READ, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UserError(f"{place}: this is no file")
            while piece := os.read(descriptor, _PIECE):
                yield piece
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unreadable(place, error) from error


def _unreadable(place: str, error: OSError) -> UserError:
    reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
    return UserError(f"{place}: cannot read reports: {reason}")


def _cases(pieces: Iterable[bytes], place: str, budget: _Budget) -> list[Case]:
    reader = _Reader(place, budget)
    for piece in pieces:
        budget.spend_bytes(place, len(piece))
        reader.feed(piece)
    reader.feed(b"", last=True)
    return reader.cases


class _Reader:
    """Follows the elements of one file. Only its tests and how they ended are kept."""

    def __init__(self, place: str, budget: _Budget) -> None:
        self.cases: list[Case] = []
        self._place = place
        self._budget = budget
        self._limits = budget.limits
        self._depth = 0
        self._suites: list[str] = []
        self._case: Case | None = None
        self._case_depth = 0
        self._said: str | None = None
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            what = f"{self._place}:{error.lineno}: this is no XML: {expat.ErrorString(error.code)}"
            raise UserError(what, hint="did the tests end before it was whole?") from error
        except (LookupError, ValueError) as error:
            raise self._wrong("its encoding is not known", "write it as UTF-8") from error

    def _wrong(self, what: str, hint: str | None = None) -> UserError:
        return UserError(f"{self._place}:{self._parser.CurrentLineNumber}: {what}", hint=hint)

    def _doctype(self, *declared: object) -> None:
        # Entities are declared there, and can blow up or name files of ours.
        raise self._wrong("a report may have no DOCTYPE", "leave out the line `<!DOCTYPE ...>`")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._depth += 1
        if self._depth > self._limits.depth:
            raise self._wrong(f"more than {self._limits.depth} elements in each other")
        if self._depth == 1 and name not in _ROOTS:
            raise self._wrong(
                f"this is no report of tests: it begins with <{tag[:40]}>",
                "a report begins with <testsuites> or <testsuite>, as JUnit's does",
            )
        if name == "testsuite":
            self._suites.append(attributes.get("name", "")[: self._limits.name])
        elif name == "testcase" and self._case is None:
            self._begin(attributes)
        elif self._case and self._depth == self._case_depth + 1 and name in _OUTCOMES:
            self._ended_as(self._case, _OUTCOMES[name], attributes.get("message", ""))

    def _begin(self, attributes: dict[str, str]) -> None:
        self._budget.spend_case(self._place)
        suite = attributes.get("classname") or " / ".join(filter(None, self._suites))
        name, most = attributes.get("name", ""), self._limits.name
        seconds = junit.seconds(attributes.get("time", ""))
        suite, name = junit.shortened(suite, most), junit.shortened(name, most)
        self._case, self._case_depth = Case(suite, name, seconds, State.PASSED), self._depth

    def _ended_as(self, case: Case, state: State, message: str) -> None:
        """Begin to take in what is said of a test, unless something as bad was said already."""
        if case.state is State.PASSED or case.state.or_worse(state) is not case.state:
            self._case = case._replace(state=state, message=message[: self._limits.message + 1])
            self._said = ""

    def _text(self, text: str) -> None:
        # One character more than is kept, so that it shows that it was cut.
        if self._said is not None and len(self._said) <= self._limits.message:
            self._said += text[: self._limits.message + 1]

    def _end(self, tag: str) -> None:
        case = self._case
        if tag.rpartition(":")[2] == "testsuite":
            self._suites.pop()
        elif case and self._depth == self._case_depth:
            self.cases.append(case)
            self._case = None
        elif case and self._depth == self._case_depth + 1 and self._said is not None:
            said = junit.said(case.message, self._said, self._limits.message)
            self._case, self._said = case._replace(message=said), None
        self._depth -= 1
