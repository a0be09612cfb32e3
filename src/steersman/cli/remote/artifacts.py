"""`steer artifact` and `steer pull`: what a run left, unpacked here."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import click

from steersman import trees
from steersman.cli.remote import connection, output, tables, targets
from steersman.cli.remote.connection import Asked, Json, asks, path
from steersman.cli.remote.tables import Column, of
from steersman.client import Client
from steersman.core import ids
from steersman.core.errors import NotFound, Refused, UserError
from steersman.trees import Limits

COLUMNS = (
    of("id"),
    of("job", shrinks=True),
    of("kind"),
    of("name", shrinks=True),
    Column("SIZE", lambda artifact: tables.size(artifact.get("size"))),
    of("files"),
    output.age("expires", "EXPIRES"),
)
LIMITS = Limits(size=100 * 1024**3)
LONG = 600.0
Into = click.option(
    "--into",
    type=click.Path(path_type=Path),
    help="a folder that is not there yet [default: named by what is fetched]",
)


@click.group("artifact")
def command() -> None:
    """List and fetch what runs left."""


@command.command("list")
@asks
@click.argument("run")
def list_(asked: Asked, run: str) -> None:
    """List the artifacts of a run."""
    _, found = connection.run(asked, lambda client: _of_run(client, run))
    output.show_all(asked, found, COLUMNS, lambda each: str(each["id"]))


@command.command("get")
@asks
@click.argument("what", metavar="ID|RUN")
@Into
def get_(asked: Asked, what: str, into: Path | None) -> None:
    """Fetch an artifact, or all of a run, and unpack it."""
    if ids.is_id(what):
        target = into or Path(f"artifact-{what}")
        _must_be_new(target)
        try:
            connection.run(asked, lambda client: _fetch(client, what, target))
        except NotFound:
            pass  # it may be a run's id
        else:
            told = {"artifact": what, "folder": str(target)}
            return output.show(asked, told, lambda: f"unpacked into {target}", str(target))
    return _pull(asked, what, into)


@click.command("pull")
@asks
@click.argument("run")
@Into
def pull(asked: Asked, run: str, into: Path | None) -> None:
    """Fetch all artifacts of a run into a folder: JOB/output, JOB/reports/STEP, JOB/files/NAME."""
    _pull(asked, run, into)


def _pull(asked: Asked, named: str, into: Path | None) -> None:
    async def pulled(client: Client) -> tuple[Path, list[Json]]:
        run, found = await _of_run(client, named)
        target = into or Path(f"{run['project']}-{run['number']}")
        if not found:
            raise NotFound(f"the run {output.run_name(run)} left no artifacts")
        _must_be_new(target)
        try:
            for each in _newest(found):
                await _fetch(client, each["id"], target / _place(each), each["sha256"])
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise
        return target, found

    target, found = connection.run(asked, pulled)
    told = {"folder": str(target), "artifacts": _newest(found)}
    text = f"unpacked {len(told['artifacts'])} artifact(s) into {target}"
    output.show(asked, told, lambda: text, str(target))


def _must_be_new(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise UserError(f"there is a {target} already", hint="name a new folder by --into")


async def _of_run(client: Client, named: str) -> tuple[Json, list[Json]]:
    run = await targets.run(client, named)
    said = await connection.get(client, targets.address(run["id"], "artifacts"))
    return run, said.get("items") or []


def _newest(found: list[Json]) -> list[Json]:
    """Return of each name only what the last attempt left."""
    by_name = {(each["job"], each["kind"], each["name"]): each for each in found}
    return list(by_name.values())


def _place(artifact: Json) -> Path:
    """Return where an artifact goes, with names that lead nowhere else."""
    job, name = _safe(artifact["job"]), _safe(artifact["name"])
    if artifact["kind"] == "output":
        return Path(job, "output")
    return Path(job, f"{_safe(artifact['kind'])}s", name)


def _safe(name: str) -> str:
    text = quote(name, safe=" @+=,", errors="replace")
    return text.replace(".", "%2E") if not text.strip(".") else text


async def _fetch(client: Client, identity: str, into: Path, digest: str = "") -> None:
    """Unpack an artifact into a new folder, and remove it again unless it came as it was kept."""
    found = hashlib.sha256()
    async with client.stream("GET", path("artifacts", identity), timeout=LONG) as answer:
        digest = digest or answer.headers.get("etag", "").strip('"')
        pieces = _summed(answer.pieces, found)
        try:
            await trees.unpack(pieces, into, LIMITS)
        except trees.TooLarge:
            raise Refused(f"the artifact {identity} is larger than {LIMITS.size} bytes") from None
        # An archive may end before its bytes do.
        async for _ in pieces:
            pass
    if found.hexdigest() != digest:
        shutil.rmtree(into, ignore_errors=True)
        raise Refused(
            f"the artifact {identity} is damaged: its bytes are not those that were kept",
            hint="try again, or retry the job that makes it",
        )


async def _summed(pieces: AsyncIterator[bytes], found: hashlib._Hash) -> AsyncIterator[bytes]:
    async for piece in pieces:
        found.update(piece)
        yield piece
