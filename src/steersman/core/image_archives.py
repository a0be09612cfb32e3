"""The archive of an image that every engine loads: a manifest, a config, and layers beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from steersman.core.image_changes import ImageChanges

MANIFEST = "manifest.json"


class Platform(NamedTuple):
    """For which machines an image is, in the words of engines: `linux`, `amd64`."""

    os: str
    architecture: str


class About(NamedTuple):
    """What an image says of its making."""

    platform: Platform
    created: datetime
    author: str = ""
    message: str = ""


def config(changes: ImageChanges, about: About, layers: Sequence[str]) -> bytes:
    """Return the config of an image whose layers have the digests *layers*, `sha256:...`."""
    created = about.created.strftime("%Y-%m-%dT%H:%M:%SZ")
    made: dict[str, Any] = {"created": created, "created_by": "steer", "comment": about.message}
    data = {
        "created": created,
        "author": about.author,
        "architecture": about.platform.architecture,
        "os": about.platform.os,
        "config": engine_config(changes),
        "rootfs": {"type": "layers", "diff_ids": list(layers)},
        "history": [made] * len(layers),
    }
    return json.dumps({name: value for name, value in data.items() if value}).encode()


def engine_config(changes: ImageChanges) -> dict[str, Any]:
    """Return what *changes* are in the config of an image."""
    data: dict[str, Any] = {
        "Cmd": None if changes.cmd is None else list(changes.cmd),
        "Entrypoint": None if changes.entrypoint is None else list(changes.entrypoint),
        "Env": [f"{name}={value}" for name, value in changes.env.items()],
        "Labels": dict(changes.labels),
        "ExposedPorts": {port: {} for port in changes.ports},
        "Volumes": {volume: {} for volume in changes.volumes},
        "WorkingDir": changes.working_dir,
        "User": changes.user,
        "StopSignal": changes.stop_signal,
    }
    return {name: value for name, value in data.items() if value}


def names(config_text: bytes, layers: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the names in the archive of the config and of each layer."""
    digest = hashlib.sha256(config_text).hexdigest()
    return f"{digest}.json", tuple(f"{layer.partition(':')[2]}.tar" for layer in layers)


def manifest(config_text: bytes, layers: Sequence[str], tags: Sequence[str]) -> bytes:
    """Return the archive's manifest; *tags* are names with their tags."""
    config_name, layer_names = names(config_text, layers)
    entry = {"Config": config_name, "RepoTags": list(tags), "Layers": list(layer_names)}
    return json.dumps([entry]).encode()
