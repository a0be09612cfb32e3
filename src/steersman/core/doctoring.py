"""What facts about a machine mean for somebody who wants to run pipelines on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from steersman.core.detecting.base import number

GIB = 1 << 30
OLDEST_API = (1, 24)
"""The oldest API of an engine that has all we ask for (Docker 1.12)."""
OLDEST_GIT = (2, 20)
FULL = GIB // 2
"""Free bytes below which no image can be unpacked."""
LITTLE = 5 * GIB
LEAST_MEMORY = GIB


class Level(StrEnum):
    OK = "ok"
    DOUBT = "doubt"
    WRONG = "wrong"


class Finding(NamedTuple):
    """One thing that was looked at. What is WRONG keeps pipelines from running; *mend* says how."""

    level: Level
    what: str
    mend: str = ""


class Socket(NamedTuple):
    """What is known of the socket of an engine: whether it is there, and whose it is."""

    path: str
    is_there: bool = False
    is_socket: bool = False
    is_writable: bool = False
    group: str = ""


def engine(version: Mapping[str, Any], where: str) -> Finding:
    """Judge an engine that answers."""
    name = "Podman" if "podman" in str(version.get("Components", "")).lower() else "Docker"
    said = f"{name} {version.get('Version', '?')} answers at {where}"
    spoken = number(str(version.get("ApiVersion", "")))
    if spoken and spoken < OLDEST_API:
        return Finding(
            Level.WRONG, f"{said}, and is too old", "update it: an API of 1.24 or newer is needed"
        )
    return Finding(Level.OK, said)


def no_engine(socket: Socket | None, why: str, hint: str = "") -> Finding:
    """Say why no engine answers, and what to do about it."""
    if socket is None:
        return Finding(
            Level.WRONG, why, hint or "look at DOCKER_HOST, and whether it can be reached"
        )
    if not socket.is_there:
        return Finding(
            Level.WRONG,
            f"no container engine is here: there is no {socket.path}",
            "install Docker or Podman and start it (`systemctl start docker`, or `systemctl --user "
            "start podman.socket`), or set DOCKER_HOST; without one, `--on host` runs steps on "
            "this machine itself",
        )
    if not socket.is_socket:
        return Finding(
            Level.WRONG, f"{socket.path} is no socket", "set DOCKER_HOST to that of an engine"
        )
    if not socket.is_writable:
        group = socket.group or "docker"
        return Finding(
            Level.WRONG,
            f"you may not use {socket.path}",
            f"`sudo usermod -aG {group} $USER`, then log in anew (whoever may use it is as good as "
            "root), or use a rootless engine",
        )
    return Finding(
        Level.WRONG, why, hint or f"start the engine again: nothing answers at {socket.path}"
    )


def disk(place: str, free: int) -> Finding:
    """Judge the room that is left for *place*."""
    said = f"{free / GIB:.1f} GiB are free for {place}"
    if free < FULL:
        return Finding(
            Level.WRONG,
            said,
            "`steer prune` removes old runs, `docker system prune` unused images",
        )
    if free < LITTLE:
        return Finding(Level.DOUBT, said, "images are large: `docker system prune` makes room")
    return Finding(Level.OK, said)


def memory(total: int) -> Iterator[Finding]:
    """Judge the memory of the engine's machine; nothing is said where it is unknown."""
    if 0 < total < LEAST_MEMORY:
        said = f"the engine has {total / GIB:.1f} GiB of memory"
        yield Finding(Level.DOUBT, said, "builds need more; a virtual machine can be given more")


def git(said: str) -> Finding:
    """Judge the answer of `git --version`; empty where there is none."""
    if not said:
        return Finding(
            Level.DOUBT,
            "git is not here: runs do not know their branch and commit",
            "install git",
        )
    text = said.removeprefix("git version ").split(" ")[0]
    if number(text) < OLDEST_GIT:
        return Finding(Level.DOUBT, f"git {text} is old", "update it to 2.20 or newer")
    return Finding(Level.OK, f"git {text}")


def is_fit(findings: list[Finding]) -> bool:
    """Tell whether nothing keeps pipelines from running."""
    return all(finding.level is not Level.WRONG for finding in findings)
