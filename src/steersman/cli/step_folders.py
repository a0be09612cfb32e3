"""A step that somebody writes: its folder begun, looked through, and packed."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from steersman import trees
from steersman.core import manifest_checks
from steersman.core.errors import UserError
from steersman.core.manifest_checks import Remark
from steersman.core.problems import Severity
from steersman.step_store import LONGEST_MANIFEST, MANIFESTS
from steersman.trees import Entry, Kind

MANIFEST = """\
name: {name}
version: 0.1.0
summary: Says hello
properties:
  - name: who            # in run.sh it is $WERCKER_{variable}_WHO
    type: string         # or integer, number, boolean
    default: world
"""
RUN = """\
# Sourced in the shell of the box, from the source folder: what is exported here stays.
info "hello, $WERCKER_{variable}_WHO"

# `fail "..."` ends the step with a message; so does any command that ends badly after `set -e`.
"""
README = """\
# {name}

Says hello.

```yaml
- {owner}/{name}:
    who: world
```
"""


class Looked(NamedTuple):
    """A folder of a step that was looked through."""

    name: str
    version: str
    summary: str
    remarks: tuple[Remark, ...]

    @property
    def is_fit(self) -> bool:
        """Whether nothing keeps it from being published."""
        return not any(remark.severity is Severity.ERROR for remark in self.remarks)


def create(folder: Path, owner: str, name: str) -> None:
    """Begin a step in *folder*, which must not exist."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise UserError(
            f"{folder} is there already, and is not overwritten", hint="give another --folder"
        ) from None
    except OSError as error:
        raise UserError(f"cannot make {folder}: {error.strerror}") from error
    variable = name.replace("-", "_").upper()
    for file, text in (("step.yml", MANIFEST), ("run.sh", RUN), ("README.md", README)):
        (folder / file).write_text(text.format(name=name, owner=owner, variable=variable))


def look(folder: Path) -> Looked:
    """Look a step's folder through; what can be wrong is among the remarks."""
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}", hint="name the folder of a step")
    path = next((folder / name for name in MANIFESTS if (folder / name).is_file()), None)
    if path is None:
        raise UserError(
            f"{folder} holds no step.yml", hint="`steer step create NAME` makes one to begin with"
        )
    data = _plain(path)
    remarks = [*manifest_checks.check(data), *_files(folder)]
    said = data if isinstance(data, dict) else {}
    name, version, summary = (said.get(key) for key in ("name", "version", "summary"))
    return Looked(str(name), str(version), str(summary or said.get("description")), tuple(remarks))


def _plain(path: Path) -> object:
    import yaml

    try:
        with path.open("rb") as file:
            # The base loader makes nothing but texts, lists and maps.
            return yaml.load(file.read(LONGEST_MANIFEST), yaml.BaseLoader)  # noqa: S506
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise UserError(f"{path}{where}: this cannot be read as YAML") from None


def _files(folder: Path) -> Iterator[Remark]:
    scripts = [name for name in ("init.sh", "run.sh") if (folder / name).is_file()]
    if not scripts:
        yield Remark(Severity.ERROR, "there is no run.sh", "put there what the step is to do")
    for name in scripts:
        if complaint := _syntax(folder / name):
            yield Remark(Severity.ERROR, f"{name} is no valid shell: {complaint}")
    for entry in files(folder):
        parts = [part for part in entry.target.split("/") if part not in ("", ".")]
        up = parts.count("..")
        if entry.kind is Kind.SYMLINK and (entry.target.startswith("/") or up > _depth(entry)):
            yield Remark(
                Severity.ERROR, f"the link {entry.name!r} leads out of the step", "copy the file"
            )


def _depth(entry: Entry) -> int:
    return entry.name.count("/")


def _syntax(path: Path) -> str:
    """Return what a shell complains about; it reads the script and runs nothing."""
    shell = shutil.which("bash") or shutil.which("sh")
    if shell is None:
        return ""
    done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
    lines = done.stderr.strip().splitlines()
    return lines[0].removeprefix(f"{path}: ") if done.returncode and lines else ""


def files(folder: Path) -> list[Entry]:
    """List what belongs to a step: all of its folder but what git keeps for itself.

    Times are left out, so that the same files always make the same archive.
    """
    found = trees.scan(folder, lambda name, is_folder: name == ".git")
    return [entry._replace(modified=0.0) for entry in found]


def packed(folder: Path) -> bytes:
    """Return a step's folder as a tar.gz."""
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb", filename="", mtime=0) as file:
        for piece in trees.pack(files(folder)):
            file.write(piece)
    return made.getvalue()


def digest(data: bytes) -> str:
    """Return the SHA-256 of an archive."""
    return hashlib.sha256(data).hexdigest()
