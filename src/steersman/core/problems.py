"""What is wrong with a file, where, and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Place(NamedTuple):
    """A position in a text file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(NamedTuple):
    """One mistake (or doubt) about a file. *code* is a stable kebab-case name of its kind."""

    severity: Severity
    code: str
    place: Place
    message: str
    hint: str | None = None
