"""From what is wanted to the JSON of the Engine API, and back: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steersman.containers.base import BoxSpec, Image, Leftover, Mount, PortBinding, ServiceSpec

RUN = "steersman.run"
OWNER = "steersman.owner"
KIND = "steersman.kind"
# Networks on which the engine knows no names beside containers' own.
_WITHOUT_ALIASES = ("bridge", "default", "host", "none")

Json = dict[str, Any]


def name(run_id: str, alias: str | None = None) -> str:
    """Return the name of a run's box and network, or of one of its services."""
    return f"steersman-{run_id}-{alias}" if alias else f"steersman-{run_id}"


def labels(run_id: str, owner: str, kind: str) -> dict[str, str]:
    return {RUN: run_id, OWNER: owner, KIND: kind}


def network(run_id: str, owner: str) -> Json:
    return {
        "Name": name(run_id),
        "CheckDuplicate": True,
        "Driver": "bridge",
        "Labels": labels(run_id, owner, "network"),
    }


def box(spec: BoxSpec, command: Sequence[str], owner: str) -> Json:
    """Return the body that creates a box running *command*."""
    mode = spec.network or (name(spec.run_id) if spec.networked else None)
    host = _host(spec, mode) | {
        # Its output is read as it is attached: logged as well, it would fill the engine's disk.
        "LogConfig": {"Type": "none"},
        "Privileged": spec.privileged,
    }
    if spec.dns:
        host["Dns"] = list(spec.dns)
    # A label would stand in the image, and what is started from that would seem to be ours.
    ours = {} if spec.kept else labels(spec.run_id, owner, "box")
    body = _container(spec, host, ours) | {
        "Cmd": list(command),
        "Entrypoint": list(spec.entrypoint) if spec.entrypoint else [""],
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": False,
    }
    if spec.user:
        body["User"] = spec.user
    return body


def service(spec: ServiceSpec, owner: str) -> Json:
    """Return the body that creates a service, known under its alias on the run's network."""
    mode = spec.network or name(spec.run_id)
    body = _container(spec, _host(spec, mode), labels(spec.run_id, owner, "service"))
    if spec.cmd is not None:
        body["Cmd"] = list(spec.cmd)
    if spec.entrypoint is not None:
        body["Entrypoint"] = list(spec.entrypoint)
    if spec.user:
        body["User"] = spec.user
    if spec.working_dir:
        body["WorkingDir"] = spec.working_dir
    if mode not in _WITHOUT_ALIASES and not mode.startswith("container:"):
        body["NetworkingConfig"] = {"EndpointsConfig": {mode: {"Aliases": [spec.alias]}}}
    return body


def _container(spec: BoxSpec | ServiceSpec, host: Json, with_labels: Mapping[str, str]) -> Json:
    return {
        "Image": spec.image.name,
        "Env": [f"{key}={value}" for key, value in spec.env.items()],
        "Labels": dict(with_labels),
        "ExposedPorts": {f"{port.container_port}/{port.protocol}": {} for port in spec.ports},
        "HostConfig": host,
    }


def _host(spec: BoxSpec | ServiceSpec, mode: str | None) -> Json:
    host: Json = {"Init": False, "Mounts": [_mount(mount) for mount in spec.mounts]}
    host["PortBindings"] = _published(spec.ports)
    if mode is not None:
        host["NetworkMode"] = mode
    if spec.memory is not None:
        host["Memory"] = spec.memory
    return host


def _mount(mount: Mount) -> Json:
    return {
        "Type": "bind" if mount.source.startswith("/") else "volume",
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
    }


def _published(ports: Sequence[PortBinding]) -> Json:
    published: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        if port.host_port is not None:
            key = f"{port.container_port}/{port.protocol}"
            where = {"HostIp": port.host_ip, "HostPort": str(port.host_port)}
            published.setdefault(key, []).append(where)
    return published


def image(name: str, data: Json) -> Image:
    """Read what the engine says of an image."""
    config = data.get("Config") or {}
    check = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    return Image(
        name=name,
        user=config.get("User") or "",
        env=env(config.get("Env")),
        ports=tuple(sorted(config.get("ExposedPorts") or {})),
        has_healthcheck=check[0] != "NONE",
    )


def env(pairs: Sequence[str] | None) -> dict[str, str]:
    split = (pair.partition("=") for pair in pairs or ())
    return {key: value for key, _, value in split}


def address(data: Json) -> str:
    """Return the address of a container: on any of its networks, it has only one of ours."""
    settings = data.get("NetworkSettings") or {}
    for one in (settings.get("Networks") or {}).values():
        if one.get("IPAddress"):
            return str(one["IPAddress"])
    return str(settings.get("IPAddress") or "")


def leftover(data: Json) -> Leftover:
    """Read one element of a list of containers or networks."""
    found = data.get("Labels") or {}
    return Leftover(
        run_id=found.get(RUN, ""),
        owner=found.get(OWNER, ""),
        kind=found.get(KIND, ""),
        id=str(data.get("Id") or data.get("id") or ""),
    )
