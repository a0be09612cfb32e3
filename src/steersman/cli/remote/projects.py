"""`steer project`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from steersman.cli.remote import connection, output
from steersman.cli.remote.connection import Asked, Json, asks, get, items, path
from steersman.cli.remote.tables import of
from steersman.client import Client
from steersman.core.errors import UserError

COLUMNS = (
    of("name"),
    of("repository", shrinks=True),
    of("default_branch"),
    of("runs"),
    output.age("created"),
)
TOKEN_FILE = "steersman-token"  # noqa: S105 - the name of a file
OURS = "steersman"


@click.group("project")
def command() -> None:
    """Add, look at and remove projects."""


@command.command("add")
@asks
@click.argument("name")
@click.option("--repository", required=True, help="address of the git repository")
@click.option(
    "--forge",
    type=click.Choice(["github", "gitlab", "gitea", "bitbucket"]),
    help="whose webhooks come",
)
@click.option("--branch", help="the default branch [default: as the repository says]")
def add(asked: Asked, name: str, repository: str, forge: str | None, branch: str | None) -> None:
    """Add a project."""
    place = str(Path(repository).absolute()) if _is_here(repository) else repository
    body = {"name": name, "repository": place, "forge": forge, "default_branch": branch}
    said = {key: value for key, value in body.items() if value is not None}
    made = connection.run(asked, lambda client: client.call("POST", path("projects"), said))
    output.show(asked, made, lambda: f"added {name}; `steer trigger {name}` runs it", name)


def _is_here(repository: str) -> bool:
    """Tell whether a folder of this machine is meant, which a server beside us would not find."""
    return "://" not in repository and Path(repository).is_dir()


@command.command("list")
@asks
def list_(asked: Asked) -> None:
    """List the projects you may see."""
    found = connection.run(asked, lambda client: items(client, "projects", limit=connection.PAGE))
    output.show_all(asked, found, COLUMNS, lambda each: str(each["name"]))


@command.command("show")
@asks
@click.argument("name")
def show(asked: Asked, name: str) -> None:
    """Show a project."""
    found = connection.run(asked, lambda client: get(client, path("projects", name)))
    output.show(asked, found, lambda: _text(found), name)


def _text(project: Json) -> str:
    settings = project.get("settings") or {}
    pairs = {
        "name": project["name"],
        "repository": project["repository"],
        "forge": project["forge"],
        "default branch": project["default_branch"],
        "runs": project["runs"],
        "login": "kept" if project["has_credentials"] else None,
        **{f"settings.{key}": value for key, value in settings.items()},
    }
    return "\n".join(output.facts(pairs))


@command.command("rm")
@asks
@click.argument("name")
@click.option("--yes", is_flag=True, help="do not ask")
def remove(asked: Asked, name: str, *, yes: bool) -> None:
    """Remove a project with all its runs, logs and artifacts."""
    if not yes:
        click.confirm(f"Remove {name} with all its runs?", abort=True, err=True)
    connection.run(asked, lambda client: client.call("DELETE", path("projects", name)))
    output.show(asked, {"name": name, "removed": True}, lambda: f"removed {name}", name)


@command.command("hook")
@asks
@click.argument("name")
@click.option(
    "--install",
    "repository",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="write it into this bare repository, with a token of its own",
)
@click.option("--force", is_flag=True, help="replace a hook that is not ours")
def hook(asked: Asked, name: str, repository: Path | None, *, force: bool) -> None:
    """Print the post-receive hook by which pushes trigger runs, or install it."""
    script = connection.run(asked, lambda client: _script(client, name))
    if repository is None:
        click.echo(script, nl=False)
        return
    folder = _hooks(repository)
    if not force and not _may_be_replaced(folder / "post-receive"):
        raise UserError(
            f"{folder / 'post-receive'} is somebody else's hook",
            hint="let it call ours (`steer project hook` prints it), or give --force",
        )
    made = connection.run(asked, lambda client: client.call("POST", path("tokens"), _token(name)))
    _write(folder / TOKEN_FILE, f"{made['token']}\n", 0o600)
    _write(folder / "post-receive", script, 0o755)
    output.show(
        asked,
        {"project": name, "hook": str(folder / "post-receive"), "token": made["id"]},
        lambda: f"installed {folder / 'post-receive'}; a push to {repository} runs {name} now",
        name,
    )


async def _script(client: Client, name: str) -> str:
    answer = await client.send("GET", path("projects", name, "post-receive"))
    return answer.body.decode(errors="replace")


def _token(project: str) -> Json:
    return {"name": f"post-receive of {project}"[:100], "kind": "hook", "project": project}


def _hooks(repository: Path) -> Path:
    for folder in (repository / "hooks", repository / ".git" / "hooks"):
        if (folder.parent / "HEAD").is_file():
            return folder
    raise UserError(f"{repository} is no git repository", hint="name the one that is pushed to")


def _may_be_replaced(hook: Path) -> bool:
    try:
        return OURS in hook.read_text(encoding="utf-8", errors="replace").lower()
    except FileNotFoundError:
        return True
    except OSError as error:
        raise UserError(f"cannot read {hook}: {error.strerror}") from error


def _write(file: Path, text: str, mode: int) -> None:
    """Put *text* in place at once, never readable for more than *mode* says."""
    fresh = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(exist_ok=True)
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            os.fchmod(descriptor, mode)
            out.write(text)
        fresh.replace(file)
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from error
