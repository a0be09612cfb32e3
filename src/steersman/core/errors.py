"""Every exception of the program, and the exit code each of them means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.core.problems import Problem


class SteersmanError(Exception):
    """Something went wrong that we can explain."""

    exit_code = 70

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)
        self.hint = hint


class UserError(SteersmanError):
    """The input is wrong: a file, a flag or a value that the user gave."""

    exit_code = 2


class NotFound(UserError):
    """What was asked for does not exist, or is not for the one who asks."""


class Forbidden(UserError):
    """Who asks is known, and may not do that."""


class Unknown(UserError):
    """Who asks must say who they are."""


class Conflict(UserError):
    """Something stands against it: it was changed meanwhile, or it is not in that state."""


class InvalidFile(UserError):
    """A pipeline file has mistakes; all of them are in *problems*."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problem(s) in the pipeline file")
        self.problems = tuple(problems)


class Unavailable(SteersmanError):
    """A door to the outside does not answer; trying again may help."""

    exit_code = 3


class Expired(Unavailable):
    """What was asked for is older than what is remembered there; *going_on* asks for the rest."""

    def __init__(self, message: str, *, going_on: str = "") -> None:
        super().__init__(message)
        self.going_on = going_on


class NotThere(Unavailable):
    """Nothing listens where a door to the outside should be."""


class Refused(SteersmanError):
    """A door to the outside said no; trying again will not help."""

    exit_code = 3


class Failed(SteersmanError):
    """A pipeline that something else needs did not succeed."""

    exit_code = 1


class Interrupted(SteersmanError):
    """The user or the system asked us to stop."""

    exit_code = 130
