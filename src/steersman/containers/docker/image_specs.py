"""From a wanted image to what the Engine API takes: pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from steersman.containers.docker import specs
from steersman.core.image_archives import engine_config
from steersman.core.image_builds import Build
from steersman.core.image_changes import ImageChanges

Json = Mapping[str, Any]
_SHELL = ["/bin/sh"]


def commit(image: Json, container: Json, changes: ImageChanges) -> dict[str, Any]:
    """Return the config of an image made of a box: its image's, with *changes*.

    The engine takes from the container whatever is empty here. Its command is our session, so that
    none of the three may be: a command, an entrypoint (an empty list is one), a user.
    """
    body = engine_config(changes)
    body["Env"] = env(container.get("Env") or (), changes.env)
    body["Entrypoint"], body["Cmd"] = _started_by(image, changes)
    body["User"] = changes.user or image.get("User") or ("0" if container.get("User") else "")
    return body


def instructions(body: Json, changes: ImageChanges) -> list[str]:
    """Spell a config as a Dockerfile would: Podman reads nothing else when it commits.

    What it says of a box's variables holds some of its own, so that only *changes* are named.
    """
    found = [f"ENV {name}={value}" for name, value in changes.env.items()]
    found += [f"LABEL {name}={value}" for name, value in changes.labels.items()]
    found += [f"EXPOSE {port}" for port in body.get("ExposedPorts") or {}]
    found += [f"VOLUME {volume}" for volume in body.get("Volumes") or {}]
    for name in ("Entrypoint", "Cmd"):
        found.append(f"{name.upper()} {json.dumps(body[name])}")
    words = {"WorkingDir": "WORKDIR", "User": "USER", "StopSignal": "STOPSIGNAL"}
    return found + [f"{word} {body[name]}" for name, word in words.items() if body.get(name)]


def _started_by(image: Json, changes: ImageChanges) -> tuple[list[str], list[str]]:
    if changes.entrypoint is not None:  # as in a Dockerfile, it does away with the image's command
        return list(changes.entrypoint), list(changes.cmd or ())
    entrypoint = list(image.get("Entrypoint") or ())
    cmd = list(changes.cmd or image.get("Cmd") or ())
    return entrypoint, cmd or ([] if entrypoint else _SHELL)


def env(of_box: Sequence[str], changes: Mapping[str, str]) -> list[str]:
    """Return the variables of the box with *changes*."""
    return [f"{name}={value}" for name, value in {**specs.env(of_box), **changes}.items()]


def build(wanted: Build, network: str | None) -> dict[str, str | Sequence[str]]:
    """Return the query of a build."""
    query: dict[str, str | Sequence[str]] = {
        "t": wanted.name,
        "dockerfile": wanted.dockerfile,
        "buildargs": json.dumps(dict(wanted.args)),
        "labels": json.dumps(dict(wanted.labels)),
        "rm": "1",
        "forcerm": "1",
    }
    flags = {"nocache": wanted.no_cache, "q": wanted.quiet, "squash": wanted.squash}
    query |= {name: "1" for name, value in flags.items() if value}
    if wanted.extra_hosts:
        query["extrahosts"] = wanted.extra_hosts
    if network is not None:
        query["networkmode"] = network
    return query


def said(line: Json) -> str:
    """Return what a line of a build's report has for people."""
    if text := line.get("stream"):
        return str(text)
    status, layer = line.get("status"), line.get("id")
    if not status or line.get("progressDetail"):
        return ""
    return f"{layer}: {status}\n" if layer else f"{status}\n"
