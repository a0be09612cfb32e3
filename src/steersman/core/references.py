"""The names of images and of registries.

`[registry[:port]/]path[:tag][@digest]`, where the first part is a registry if it holds a `.` or a
`:` or is `localhost`.
"""

from __future__ import annotations

from functools import cache
from re import Pattern
from typing import NamedTuple

from steersman.core.errors import UserError

DOCKER_HUB = "docker.io"
# Other names under which people write the hub.
_HUBS = frozenset({
    "docker.io", "index.docker.io", "registry.hub.docker.com", "hub.docker.com",
    "registry-1.docker.io",
})  # fmt: skip


_LONGEST = 512


class InvalidReference(UserError):
    """This is not the name of an image."""


class Reference(NamedTuple):
    """An image name taken apart. *registry* is None for the Docker Hub, as it was written."""

    registry: str | None
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def repository(self) -> str:
        """The name without tag and digest."""
        return f"{self.registry}/{self.path}" if self.registry else self.path

    @property
    def short_name(self) -> str:
        """The last part of the repository: the host name of a service that has no other."""
        return self.path.rpartition("/")[2]

    @property
    def canonical(self) -> str:
        """The whole name, with its registry and the hub's `library`."""
        if self.registry is not None:
            return str(self)
        path = self.path if "/" in self.path else f"library/{self.path}"
        return str(self._replace(registry=DOCKER_HUB, path=path))

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return self.repository + tag + (f"@{self.digest}" if self.digest else "")


def image(name: str, tag: str | None = None) -> Reference:
    """Read the image to use: *tag* overrides the one in *name*; without both it is `latest`."""
    reference = parse(name)
    if reference.digest and not tag:
        return reference
    if tag is not None and not _tags().fullmatch(tag):
        raise InvalidReference(f"{tag!r} is not a tag", hint=_TAG_HINT)
    return reference._replace(tag=tag or reference.tag or "latest", digest=None)


def parse(text: str) -> Reference:
    """Take an image name apart; `InvalidReference` says what is wrong with it."""
    if len(text) > _LONGEST:
        raise InvalidReference(f"this name of an image is longer than {_LONGEST} characters")
    rest, at, digest = text.partition("@")
    if at and not _digests().fullmatch(digest):
        raise InvalidReference(
            f"{text!r} is not the name of an image: {digest!r} after '@' is not a digest",
            hint=f"write a tag after a colon: `{rest}:{digest or 'latest'}`",
        )
    rest, tag = split_tag(rest)
    registry, path = _split_registry(rest)
    _check(text, registry, path, tag)
    return Reference(registry, path, tag, digest or None)


def split_tag(text: str) -> tuple[str, str | None]:
    """Split at the colon of the tag, not at the one of a registry's port."""
    head, colon, tail = text.rpartition(":")
    return (head, tail) if colon and "/" not in tail else (text, None)


def registry_host(address: str) -> str:
    """Return host and port of a registry's address, which may have a scheme and `/v1` or `/v2`."""
    host = address.strip()
    _, scheme, after = host.partition("://")
    host = (after if scheme else host).partition("/")[0].lower()
    if not host or host in _HUBS:
        return DOCKER_HUB
    if not _hosts().fullmatch(host):
        raise InvalidReference(
            f"{address!r} is not the address of a registry",
            hint="write a host such as `quay.io` or `registry.example.org:5000`",
        )
    return host


def is_loopback(host: str) -> bool:
    """Tell whether a registry is on this machine, where engines speak to it without TLS."""
    from ipaddress import ip_address

    name = split_tag(host)[0].strip("[]")
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


_TAG_HINT = (
    "a tag holds letters, digits, '.', '_' and '-', at most 128, and starts with no '.' or '-'"
)


def _split_registry(text: str) -> tuple[str | None, str]:
    first, slash, path = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, path
    return None, text


def _check(text: str, registry: str | None, path: str, tag: str | None) -> None:
    if "://" in text:
        raise InvalidReference(
            f"{text!r} is an address, not the name of an image",
            hint=f"leave out the scheme: `{text.partition('://')[2]}`",
        )
    if registry is not None and not _hosts().fullmatch(registry.lower()):
        raise InvalidReference(f"{text!r} is not the name of an image: {registry!r} is not a host")
    if not _paths().fullmatch(path):
        raise _bad_path(text, path)
    if tag is not None and not _tags().fullmatch(tag):
        raise InvalidReference(
            f"{text!r} is not the name of an image: {tag!r} is not a tag", hint=_TAG_HINT
        )


def _bad_path(text: str, path: str) -> InvalidReference:
    if _paths().fullmatch(path.lower()):
        return InvalidReference(
            f"{text!r} is not the name of an image: it has capital letters",
            hint=f"write `{text.replace(path, path.lower(), 1)}`",
        )
    return InvalidReference(
        f"{text!r} is not the name of an image",
        hint="write `name:tag`, `owner/name:tag` or `registry.example.org/owner/name:tag`",
    )


@cache
def _paths() -> Pattern[str]:
    return _pattern(
        r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*"
    )


@cache
def _tags() -> Pattern[str]:
    return _pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@cache
def _digests() -> Pattern[str]:
    return _pattern(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@cache
def _hosts() -> Pattern[str]:
    return _pattern(
        r"(?:[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?::[0-9]{1,5})?|\[[0-9a-f:]+\](?::[0-9]{1,5})?"
    )


def _pattern(text: str) -> Pattern[str]:
    import re

    return re.compile(text)
