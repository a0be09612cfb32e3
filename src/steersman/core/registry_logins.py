"""Where an image is pushed to or pulled from, and as whom, read off `repository`, `registry`,
`username` and the `aws-*` and `azure-*` fields.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from steersman.core import references
from steersman.core.errors import UserError
from steersman.core.pipelines.fields import AWS, AZURE
from steersman.core.pipelines.model import Box
from steersman.core.references import Reference

SECRETS = ("password", "aws-secret-key", "azure-client-secret", "auth-token")
"""Properties whose values nobody should see."""
AZURE_USER = "00000000-0000-0000-0000-000000000000"
"""As whom Azure's registries take a token."""
_JSON_KEY = "_json_key"
_CLOSED = "wcr.io"


class Basic(NamedTuple):
    """A username and a password, which the registry may exchange for a token of its own."""

    username: str
    password: str


class Ecr(NamedTuple):
    """A key of Amazon's, to be exchanged for a password."""

    access_key: str
    secret_key: str
    region: str
    registry_id: str


class Azure(NamedTuple):
    """A service principal of Azure's, to be exchanged for a token."""

    client_id: str
    client_secret: str
    tenant_id: str
    login_server: str


Credentials = Basic | Ecr | Azure | None
Fill = Callable[[str], str]


def credentials(properties: Mapping[str, str], fill: Fill) -> Credentials:
    """Return as whom; None: as the docker command of this machine would."""
    if aws := _all_or_none(properties, AWS):
        return Ecr(*map(fill, aws))
    if azure := _all_or_none(properties, AZURE):
        said = dict(zip(AZURE, map(fill, azure), strict=True))
        server = references.registry_host(said["azure-login-server"])
        return Azure(
            said["azure-client-id"], said["azure-client-secret"], said["azure-tenant-id"], server
        )
    username, password = (fill(properties.get(name, "")) for name in ("username", "password"))
    if username and password:
        return Basic(username, _json_key(password) if username == _JSON_KEY else password)
    return None


def of_box(box: Box, fill: Fill) -> Credentials:
    """Return as whom the image of *box* is pulled."""
    given = {"username": box.username or "", "password": box.password or "", **box.auth}
    return credentials(given, fill)


def _all_or_none(properties: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    given = [properties.get(name, "") for name in names]
    missing = [name for name, value in zip(names, given, strict=True) if not value]
    if missing and len(missing) < len(names):
        kind = names[0].partition("-")[0]
        raise UserError(
            f"a login by {kind}-* lacks {', '.join(missing)}",
            hint=f"give all of {', '.join(names)}",
        )
    return [] if missing else given


def _json_key(password: str) -> str:
    """Return a key of Google's as it was issued: on its way through variables its newlines suffer.

    Some become real newlines in the middle of a text, some get a second backslash.
    """
    try:
        key = json.loads(password, strict=False)
    except ValueError:
        key = None
    if not isinstance(key, dict):
        raise UserError(
            "the password for _json_key is no JSON key of a service account",
            hint="give the whole content of the key's file, from `{` to `}`",
        )
    texts = {
        name: value.replace("\\n", "\n") if isinstance(value, str) else value
        for name, value in key.items()
    }
    return json.dumps(texts)


class Target(NamedTuple):
    """Where to push, under which tags. *notice* says what was read other than it was written."""

    repository: Reference
    tags: tuple[str, ...]
    notice: str = ""

    @property
    def names(self) -> tuple[Reference, ...]:
        return tuple(self.repository._replace(tag=tag) for tag in self.tags)

    @property
    def registry(self) -> str:
        return references.registry_host(self.repository.registry or references.DOCKER_HUB)


def target(properties: Mapping[str, str], fill: Fill, login: Credentials = None) -> Target:
    """Return where to push: a registry in `repository` goes before the one in `registry`."""
    text = fill(properties.get("repository", "")).strip()
    if not text:
        raise UserError(
            "there is no repository to push to",
            hint="set `repository`; a variable in it may be empty here",
        )
    head, tag = references.split_tag(text)
    named = references.parse(f"{head.lower()}:{tag}" if tag else text.lower())
    if named.digest:
        raise UserError(
            f"repository: {text!r} names a digest",
            hint="an image gets its digest when it is pushed",
        )
    where, notice = _registry(named, fill(properties.get("registry", "")).strip(), login)
    repository = Reference(None if where == references.DOCKER_HUB else where, named.path)
    if where == _CLOSED:
        raise UserError(
            f"repository: {_CLOSED} was Wercker's own registry and is closed",
            hint="push to another registry, such as ghcr.io, quay.io or one of your own",
        )
    tags = fill(properties.get("tag", "")).replace(",", " ").split() or [named.tag or "latest"]
    for tag in tags:
        references.image(str(repository), tag)
    return Target(repository, tuple(dict.fromkeys(tags)), notice)


def located(image: Reference, login: Credentials) -> Reference:
    """Return *image* where it is: those of Amazon and Azure are written without their host."""
    if isinstance(login, Ecr | Azure):
        return image._replace(registry=_registry(image, "", login)[0])
    return image


def _registry(named: Reference, given: str, login: Credentials) -> tuple[str, str]:
    if isinstance(login, Ecr):
        return f"{login.registry_id}.dkr.ecr.{login.region}.{_amazon(login.region)}", ""
    if isinstance(login, Azure):
        return login.login_server, ""
    other = references.registry_host(given) if given else None
    if named.registry is None:
        return other or references.DOCKER_HUB, ""
    own = references.registry_host(named.registry)
    if other not in (None, own):
        return own, f"the registry {other} is not used: the repository names {own}"
    return own, ""


def _amazon(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def ecr_endpoint(region: str) -> str:
    """Return where Amazon gives out passwords for its registries."""
    return f"https://api.ecr.{region}.{_amazon(region)}"
