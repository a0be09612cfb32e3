"""The variables that describe a service to the box, as the links of old Docker made them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol


class Linked(Protocol):
    """A service that was started. *ports* are texts such as `6379/tcp`."""

    @property
    def alias(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def ports(self) -> tuple[str, ...]: ...
    @property
    def env(self) -> Mapping[str, str]: ...


def variables(service: Linked, *, run_id: str, passed_on: Collection[str] = ()) -> dict[str, str]:
    """Return the variables for the box and for later services.

    *passed_on* names what the service itself was told of earlier ones: that is not told again.
    """
    name = service.alias.replace("-", "_")
    prefix = name.upper()
    found = {f"{prefix}_NAME": f"/wercker-pipeline-{run_id}/{name}"}
    ports = sorted(map(_split, service.ports)) if service.address else []
    for number, protocol in ports:
        found |= _port(
            f"{prefix}_PORT_{number}_{protocol.upper()}", service.address, number, protocol
        )
    if ports:
        number, protocol = ports[0]
        found[f"{prefix}_PORT"] = f"{protocol}://{service.address}:{number}"
    for key, value in service.env.items():
        if key not in passed_on:
            found[f"{prefix}_ENV_{key}"] = value
    return found


def _split(text: str) -> tuple[int, str]:
    number, _, protocol = text.partition("/")
    return int(number), protocol.lower() or "tcp"


def _port(prefix: str, address: str, number: int, protocol: str) -> dict[str, str]:
    return {
        prefix: f"{protocol}://{address}:{number}",
        f"{prefix}_ADDR": address,
        f"{prefix}_PORT": str(number),
        f"{prefix}_PROTO": protocol,
    }
