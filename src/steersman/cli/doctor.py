"""`steer doctor`: look at everything a run needs, and say what is wrong and how to mend it."""

from __future__ import annotations

import asyncio
import grp
import json
import os
import platform
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steersman import __version__
from steersman.cli.answering import as_text_or_json
from steersman.core import doctoring
from steersman.core.doctoring import Finding, Level, Socket
from steersman.core.errors import SteersmanError, UserError

if TYPE_CHECKING:
    from steersman.cli.remote.servers import Server
    from steersman.containers.docker.address import Address

UNFIT = 3
PATIENCE = 10.0
"""Seconds that a server or a cluster may take to answer."""


@click.command("doctor")
@click.option("--docker-host", envvar="DOCKER_HOST", help="address of the container engine")
@click.option(
    "-w",
    "--working-dir",
    type=click.Path(path_type=Path),
    envvar="WERCKER_WORKING_DIR",
    default=".wercker",
    show_default=True,
    help="where runs, output and cache are kept",
)
@as_text_or_json
@click.pass_context
def command(
    context: click.Context, docker_host: str | None, working_dir: Path, output: str
) -> None:
    """Say whether pipelines can run here, what is wrong, and how to mend it.

    Looked at are the container engine, disk, git, the pipeline file of this folder, and, where you
    use them, your cluster and your server. Exits with 3 if something is wrong that a run needs.
    """
    findings = [*_looked(docker_host, working_dir)]
    if output == "json":
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{finding.level:<6} {finding.what}")
            if finding.mend:
                click.echo(f"       {finding.mend}")
    context.exit(0 if doctoring.is_fit(findings) else UNFIT)


def _looked(docker_host: str | None, working_dir: Path) -> Iterator[Finding]:
    python = platform.python_version()
    yield Finding(Level.OK, f"steer {__version__} on Python {python}, {platform.platform()}")
    yield from asyncio.run(_engine(docker_host))
    yield _working_dir(working_dir)
    yield doctoring.git(_git())
    yield from _pipeline_file()
    yield from _cluster()
    yield from _server()


async def _engine(docker_host: str | None) -> list[Finding]:
    from steersman.containers.docker import address
    from steersman.containers.docker.engine import Engine

    try:
        where = address.find(os.environ, host=docker_host)
    except UserError as error:
        return [Finding(Level.WRONG, str(error), error.hint or "")]
    engine = Engine(where)
    try:
        version = await engine.get("/version")
        info = await engine.get("/info")
    except SteersmanError as error:
        return [doctoring.no_engine(_socket(where), str(error), error.hint or "")]
    finally:
        await engine.close()
    return [doctoring.engine(version, where.text), *_room(where, info)]


def _room(where: Address, info: Mapping[str, Any]) -> Iterator[Finding]:
    yield from doctoring.memory(int(info.get("MemTotal") or 0))
    root = str(info.get("DockerRootDir") or "")
    # The disk of another machine cannot be seen from here.
    if where.path is not None and root and os.path.isdir(root):
        yield doctoring.disk(f"images in {root}", shutil.disk_usage(root).free)


def _socket(where: Address) -> Socket | None:
    if where.path is None:
        return None
    try:
        seen = os.stat(where.path)
    except OSError:
        return Socket(where.path)
    try:
        group = grp.getgrgid(seen.st_gid).gr_name
    except KeyError:
        group = str(seen.st_gid)
    return Socket(
        where.path,
        is_there=True,
        is_socket=stat.S_ISSOCK(seen.st_mode),
        is_writable=os.access(where.path, os.W_OK),
        group=group,
    )


def _working_dir(working_dir: Path) -> Finding:
    whole = working_dir.absolute()
    there = next(path for path in (whole, *whole.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Finding(
            Level.WRONG, f"you may not write to {there}", "name another folder: --working-dir"
        )
    return doctoring.disk(f"runs in {working_dir}", shutil.disk_usage(there).free)


def _git() -> str:
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def _pipeline_file() -> Iterator[Finding]:
    from steersman import pipeline_file

    try:
        path = pipeline_file.find(Path())
        parsed = pipeline_file.read(path)
    except UserError:
        yield Finding(
            Level.DOUBT, "no pipeline file is here", "`steer init` writes one to begin with"
        )
        return
    if parsed.config is None:
        yield Finding(Level.DOUBT, f"{path} cannot be used", "`steer check` says why")
    else:
        names = ", ".join(list(parsed.config.pipelines)[:5]) or "no pipeline"
        yield Finding(Level.OK, f"{path} has {names}")


def _cluster() -> Iterator[Finding]:
    from yaml import YAMLError

    file = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    if "KUBECONFIG" not in os.environ and not os.path.exists(file):
        return
    mend = "mend it, or unset KUBECONFIG: only `--on kubernetes` and workers of pods need it"
    try:
        version, where = asyncio.run(asyncio.wait_for(_asked_cluster(), PATIENCE))
    except SteersmanError as error:
        yield Finding(Level.DOUBT, f"the cluster of {file}: {error}", error.hint or mend)
    except YAMLError:
        yield Finding(Level.DOUBT, f"{file} cannot be read as YAML", mend)
    except TimeoutError:
        yield Finding(Level.DOUBT, f"the cluster of {file} does not answer", mend)
    else:
        yield Finding(Level.OK, f"Kubernetes {version} answers at {where}")


async def _asked_cluster() -> tuple[str, str]:
    from steersman.cluster.kubernetes import api
    from steersman.patience import patience

    cluster = api.connect(patience())
    try:
        said = await cluster.call("GET", "/version")
    finally:
        await cluster.close()
    return str(said.get("gitVersion", "?")), cluster.address


def _server() -> Iterator[Finding]:
    from steersman.cli.remote import servers

    wanted = servers.Wanted(os.environ.get("STEERSMAN_SERVER"), os.environ.get("STEERSMAN_TOKEN"))
    try:
        known = servers.read(servers.place())
        if not known.known and not wanted.server:
            return
        server = servers.choose(known, wanted)
        name = asyncio.run(asyncio.wait_for(_asked_server(server), PATIENCE))
    except SteersmanError as error:
        yield Finding(Level.DOUBT, f"the server: {error}", error.hint or "`steer login` again")
    except TimeoutError:
        yield Finding(Level.DOUBT, f"{server.url} does not answer", "is it running?")
    else:
        yield Finding(Level.OK, f"{server.url} knows you as {name}")


async def _asked_server(server: Server) -> str:
    from steersman.cli.remote import connection
    from steersman.client import Client

    async with Client(server.url, server.token, user_agent=connection.AGENT) as client:
        return str((await connection.get(client, connection.path("me"))).get("name", "?"))
