"""What is kept of the last run of each workflow, so that it can be taken up again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from steersman.core.errors import UserError


class Ended(NamedTuple):
    """How a job of the run ended: the id of its last attempt, which names its folder, and state."""

    run: str
    state: str


class Memory:
    """The last run of one workflow, in a file below the working directory."""

    def __init__(self, folder: Path, workflow: str) -> None:
        self._path = folder / f"{quote(workflow, safe='')[:200]}.json"
        self.jobs: dict[str, Ended] = {}

    def load(self) -> bool:
        """Take up what is known of the last run; False where nothing is."""
        try:
            said = json.loads(self._path.read_text(encoding="utf-8"))
            self.jobs = {name: Ended(*pair) for name, pair in said["jobs"].items()}
        except FileNotFoundError:
            return False
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(
                f"{self._path} cannot be read: {error}", hint="remove it, and leave out --from"
            ) from error
        return True

    def note(self, job: str, ended: Ended) -> None:
        """Keep how *job* ended, at once: we may be killed before the next one ends."""
        self.jobs[job] = ended
        self.save()

    def save(self) -> None:
        """Write all of it, in one step."""
        self._path.parent.mkdir(exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"jobs": self.jobs}), encoding="utf-8")
        fresh.replace(self._path)


def referenced(folder: Path) -> Iterator[str]:
    """Name the runs whose folders are needed to take up a workflow."""
    for path in folder.glob("*.json"):
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            for run, _ in json.loads(path.read_text(encoding="utf-8"))["jobs"].values():
                yield str(run)
