"""The `ports` of a box or service: which ports of a container are seen where.

| text | host | container |
|---|---|---|
| `8000` | 8000 | 8000/tcp |
| `8001:8000` | 8001 | 8000/tcp |
| `127.0.0.1::8002` | 8002 of that address | 8002/tcp |
| `127.0.0.1:8004:8003/udp` | 8004 of that address | 8003/udp |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from steersman.core.errors import UserError

_PROTOCOLS = ("tcp", "udp", "sctp")


class PortBinding(NamedTuple):
    """A port of a container, published on this machine when *host_port* is given."""

    container_port: int
    protocol: str = "tcp"
    host_ip: str = ""
    host_port: int | None = None


def bindings(texts: Iterable[str], *, publish: bool) -> tuple[PortBinding, ...]:
    """Read the texts of `ports`; without *publish* the ports are only known, not published."""
    return tuple(_binding(text.strip(), publish=publish) for text in texts)


def _binding(text: str, *, publish: bool) -> PortBinding:
    rest, slash, protocol = text.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    host_ip, host, container = _parts(text, rest)
    if protocol not in _PROTOCOLS:
        raise _mistake(text, f"{protocol!r} is not one of {', '.join(_PROTOCOLS)}")
    port = _number(text, container)
    host_port = _number(text, host) if host else port
    if not publish:
        return PortBinding(container_port=port, protocol=protocol)
    return PortBinding(container_port=port, protocol=protocol, host_ip=host_ip, host_port=host_port)


def _parts(text: str, rest: str) -> tuple[str, str, str]:
    """Split into address, host port and container port; an address may be an IPv6 one in []."""
    front, _, container = rest.rpartition(":")
    host_ip, _, host = front.rpartition(":")
    if host_ip.startswith("[") and host_ip.endswith("]"):
        host_ip = host_ip[1:-1]
    elif ":" in host_ip:
        raise _mistake(text, "it has too many colons")
    return host_ip, host, container


def _number(text: str, word: str) -> int:
    if word.isascii() and word.isdigit() and len(word) <= 5 and 0 < int(word) < 65536:
        return int(word)
    raise _mistake(text, f"{word!r} is not a number from 1 to 65535")


def _mistake(text: str, why: str) -> UserError:
    return UserError(
        f"{text!r} is not a port: {why}",
        hint="write `8000`, `8001:8000`, `127.0.0.1:8001:8000` or `8000/udp`",
    )
