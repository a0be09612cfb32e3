"""`steer step`: write steps, and publish them on a server, in a folder or as an archive."""

from __future__ import annotations

import re
from pathlib import Path

import click

from steersman.cli import step_folders
from steersman.cli.remote import steps as on_server
from steersman.cli.remote.connection import Asked, asks
from steersman.cli.step_folders import Looked
from steersman.core.errors import Refused, UserError
from steersman.core.problems import Severity

ARCHIVES = (".tar.gz", ".tgz")
_NAME = re.compile(r"(?:([A-Za-z0-9][A-Za-z0-9_.-]{0,99})/)?([A-Za-z0-9][A-Za-z0-9_.-]{0,99})")
FOLDER = click.argument("folder", type=click.Path(path_type=Path), default=".")


@click.group("step")
def command() -> None:
    """Write steps, publish them, and list those that a server has."""


@command.command("create")
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), help="where to put it [default: ./NAME]")
def create(name: str, folder: Path | None) -> None:
    """Begin a step: a folder with step.yml, run.sh and a README.

    NAME may have an OWNER/ before it.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise UserError(
            f"{name!r} is no name of a step", hint="a name holds letters, digits, `-`, `_` and `.`"
        )
    owner, plain = match.groups()
    place = folder or Path(plain)
    step_folders.create(place, owner or "OWNER", plain)
    click.echo(f'made {place}; try it in a pipeline as `- {plain} "file://{place}"`')


@command.command("check")
@FOLDER
@click.option("--strict", is_flag=True, help="count warnings as errors")
@click.pass_context
def check(context: click.Context, folder: Path, *, strict: bool) -> None:
    """Say what is wrong with the step in FOLDER; exits with 2 if it cannot be published."""
    looked = step_folders.look(folder)
    say(looked, folder)
    if not looked.is_fit or (strict and looked.remarks):
        context.exit(2)
    click.echo(f"{looked.name}@{looked.version} can be published")


@command.command("publish")
@asks
@FOLDER
@click.option("--owner", help="in whose name; a file then uses OWNER/NAME")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path),
    help="a folder that is a step registry, or a .tar.gz to write; else it is the server",
)
def publish(asked: Asked, folder: Path, owner: str | None, target: Path | None) -> None:
    """Publish the step in FOLDER, in the version that its step.yml says.

    A version is published once: another content needs another version.
    """
    looked = step_folders.look(folder)
    say(looked, folder)
    if not looked.is_fit:
        raise UserError("the step is not published", hint="mend the errors above")
    if target is not None and target.name.endswith(ARCHIVES):
        _write(folder, target)
        return
    if not owner:
        raise UserError("it is not said in whose name the step is published", hint="give --owner")
    if _NAME.fullmatch(owner) is None or "/" in owner:
        raise UserError(f"{owner!r} is no name of an owner")
    identity = f"{owner}/{looked.name}@{looked.version}"
    if target is None:
        is_new = on_server.publish(asked, folder, owner, looked)
    else:
        from steersman.cli import step_registry

        is_new = step_registry.publish(target, owner, looked, step_folders.packed(folder))
    click.echo(f"{'published' if is_new else 'was published already:'} {identity}")


command.add_command(on_server.list_)


def say(looked: Looked, folder: Path) -> None:
    """Say on stderr what was remarked."""
    for remark in looked.remarks:
        mark = "error" if remark.severity is Severity.ERROR else "warning"
        click.echo(f"{folder}: {mark}: {remark.message}", err=True)
        if remark.hint:
            click.echo(f"  hint: {remark.hint}", err=True)


def _write(folder: Path, target: Path) -> None:
    data = step_folders.packed(folder)
    try:
        with target.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise UserError(f"{target} is there already, and is not overwritten") from None
    except OSError as error:
        raise Refused(f"cannot write {target}: {error.strerror}") from error
    click.echo(f"wrote {target}, sha256 {step_folders.digest(data)}")
