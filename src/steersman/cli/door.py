"""Chooses where steps run: the only place that knows the implementations of the containers door."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from steersman.cli.working_dir import WorkingDir
from steersman.containers.base import Containers
from steersman.core.errors import NotThere
from steersman.core.events import Audience, Level, Notice

ON_THE_HOST = """\
no container engine answers: the steps run directly on this machine, in a copy of the source
  the box image is ignored, services are not possible, and steps can reach your files"""


async def choose(flags: Mapping[str, Any], working: WorkingDir, tell: Audience) -> Containers:
    """Return the door for these flags; `auto` falls back to the host, and says so.

    It does so only where no engine is: one that hangs or refuses us is a thing to be mended.
    """
    if flags["where"] == "host":
        return _host(working)
    containers = _docker(
        flags["docker_host"],
        flags["docker_tls_verify"],
        flags["docker_cert_path"],
        keeps=flags["no_remove"],
    )
    try:
        await containers.require()
    except NotThere as error:
        await containers.close()
        if flags["where"] == "containers" or flags["docker_host"] or flags["direct_mount"]:
            raise
        tell(Notice(Level.WARNING, f"{ON_THE_HOST}\n  ({error})"))
        return _host(working)
    except BaseException:
        await containers.close()
        raise
    return containers


def every(working: WorkingDir, docker_host: str | None) -> Iterator[Containers]:
    """Return every door at which a run may have left something."""
    yield _docker(docker_host)
    yield _host(working)


def _docker(
    host: str | None,
    tls_verify: str | None = None,
    cert_path: str | None = None,
    *,
    keeps: bool = False,
) -> Containers:
    from steersman.containers.docker.door import DockerContainers

    # As in the original, only the text 1 turns verification on.
    verify = None if tls_verify is None else tls_verify == "1"
    return DockerContainers.from_environment(
        host=host, tls_verify=verify, cert_path=cert_path, keeps=keeps
    )


def _host(working: WorkingDir) -> Containers:
    from steersman.containers.host import HostContainers

    return HostContainers(working.path.resolve() / "host")
