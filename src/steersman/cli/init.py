"""`steer init`: write a pipeline file to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from steersman.cli.detect import look, tell
from steersman.core.errors import Refused, UserError
from steersman.pipeline_file import NAMES

FILE = "wercker.yml"


@click.command("init")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("-q", "--quiet", is_flag=True, help="Do not say what was found.")
def command(folder: Path, *, quiet: bool) -> None:
    """Write a wercker.yml for the repository in FOLDER.

    It begins with what `steer detect` finds. A pipeline file that is there already is never
    overwritten.
    """
    there = next(
        (name for name in NAMES if (folder / name).is_symlink() or (folder / name).exists()), ""
    )
    if there:
        raise _is_there(folder / there)
    found = look(folder)
    if not quiet:
        tell(found)
    path = folder / FILE
    try:
        # What somebody else makes meanwhile is not overwritten either.
        with path.open("x", encoding="utf-8") as file:
            file.write(found.text)
    except FileExistsError:
        raise _is_there(path) from None
    except OSError as error:
        raise Refused(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"wrote {path}; read it, then try it with `steer build`")


def _is_there(path: Path) -> UserError:
    return UserError(
        f"{path} is there already, and is not overwritten",
        hint="`steer detect` prints what would be written",
    )
