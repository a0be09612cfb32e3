"""What `internal/docker-build` asks the engine for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from steersman.core import image_changes, references
from steersman.core.errors import UserError
from steersman.core.image_changes import Fill, Properties

DOCKERFILE = "Dockerfile"


class Login(NamedTuple):
    """As whom the engine may pull from one registry while it builds."""

    username: str
    password: str


class Build(NamedTuple):
    """An image to build. *name* is the image's, *context* a folder below the source."""

    name: str
    context: str
    dockerfile: str
    args: Mapping[str, str]
    labels: Mapping[str, str]
    extra_hosts: tuple[str, ...]
    no_cache: bool
    quiet: bool
    squash: bool
    logins: Mapping[str, Login]


def image_name(run_id: str, name: str) -> str:
    """Return what an image of this run is called at the engine, as old scripts expect it."""
    text = f"{run_id}{name}"
    found = references.parse(text.lower())
    if found.digest or found.registry:
        raise UserError(
            f"image-name: {name!r} cannot name an image of this run",
            hint="use small letters, digits and '-', such as `app`",
        )
    return str(found._replace(tag=found.tag or "latest"))


def wanted(properties: Properties, fill: Fill, run_id: str) -> Build:
    """Read the properties of a build."""
    name = fill(properties.get("image-name", ""))
    if not name:
        raise UserError("image-name is empty", hint="name the image, for docker-push to find it")
    return Build(
        name=image_name(run_id, name),
        context=_below("context", fill(properties.get("context", ""))),
        dockerfile=_below("dockerfile", fill(properties.get("dockerfile", ""))) or DOCKERFILE,
        args=image_changes.pairs(properties, "build-args", fill),
        labels=image_changes.pairs(properties, "labels", fill),
        extra_hosts=tuple(_host(fill(word)) for word in _words(properties, "extra-hosts")),
        no_cache=image_changes.boolean(properties, "no-cache"),
        quiet=image_changes.boolean(properties, "q"),
        squash=image_changes.boolean(properties, "squash"),
        logins=_logins(properties.get("registry-auth-config", ""), fill),
    )


def _words(properties: Properties, name: str) -> tuple[str, ...]:
    return image_changes.split(properties, name)


def _below(name: str, text: str) -> str:
    """Return a path below the source without `.` in it; nothing may lead out."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UserError(
            f"{name}: {text!r} leads out of the source", hint="name a path below the source folder"
        )
    return "/".join(parts)


def _host(text: str) -> str:
    host, colon, address = text.partition(":")
    if not (host and colon and address):
        raise UserError(f"extra-hosts: {text!r} is not of the form host:address")
    return text


def _logins(text: str, fill: Fill) -> dict[str, Login]:
    """Read `registry-auth-config`: entries without a name or a password say nothing."""
    if not text.strip():
        return {}
    try:
        data = json.loads(text)
    except ValueError as error:
        data = error
    if not isinstance(data, dict):
        raise UserError(
            "registry-auth-config is not a map in JSON",
            hint='write {"registry.example.org": {"Username": "$NAME", "Password": "$PASSWORD"}}',
        )
    found: dict[str, Login] = {}
    for registry, entry in data.items():
        said = {str(key).lower(): value for key, value in (entry or {}).items()}
        username, password = (fill(str(said.get(name, ""))) for name in ("username", "password"))
        if username and password:
            found[references.registry_host(fill(registry))] = Login(username, password)
    return found
