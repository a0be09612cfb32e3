"""One bare repository on the disk, and git's answers about it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import NamedTuple

from steersman.core.errors import SteersmanError
from steersman.mirrors import complaints, processes
from steersman.mirrors.addresses import Address, parse
from steersman.mirrors.base import Rules
from steersman.mirrors.processes import MOST, Command, Done

MARK = "steersman-damaged"
URL = "steersman-url"
ALL = Rules(allow_http=True, allow_git=True, allow_local=True)


class Repository(NamedTuple):
    """A bare repository in *folder*; *environment* is that of every git about it."""

    folder: Path
    environment: Mapping[str, str]
    deadline: float
    held: tuple[int, ...] = ()

    def command(self, *words: str) -> Command:
        """Return *words* for git, said of this repository."""
        words = ("git", f"--git-dir={self.folder}", *words)
        return Command(words, self.environment, self.deadline, self.held)

    async def ask(self, *words: str, most: int = MOST) -> Done:
        """Run git; a failure is an answer too, but damage is noted for the next fetch."""
        done = await processes.run(self.command(*words), most=most)
        if done.status and complaints.is_damage(done.err):
            self.note_damage()
        return done

    async def answer(self, what: str, *words: str, most: int = MOST) -> bytes:
        """Run git for its output, or raise why *what* could not be done."""
        done = await self.ask(*words, most=most)
        if done.status and not done.cut:
            raise complaints.error(what, done.err)
        return done.out

    def stream(self, what: str, *words: str) -> AsyncGenerator[bytes, None]:
        """Yield git's output as it is taken."""

        def explain(err: str) -> SteersmanError:
            error = complaints.error(what, err)
            if isinstance(error, complaints.Damaged):
                self.note_damage()
            return error

        return processes.stream(self.command(*words), explain)

    def note_damage(self) -> None:
        """Let the next fetch make the mirror anew."""
        with contextlib.suppress(OSError):
            (self.folder / MARK).touch()

    def is_usable(self) -> bool:
        """Tell whether there is a mirror that nobody found to be damaged."""
        return (self.folder / "HEAD").is_file() and not (self.folder / MARK).exists()

    def address(self) -> Address | None:
        """Return where it was fetched from last."""
        try:
            return parse((self.folder / URL).read_text(), ALL)[0]
        except (OSError, SteersmanError):
            return None
