"""How often somebody may try to log in: for each name, and for each address."""

from __future__ import annotations

import ipaddress
import math

from fastapi import Request, Response

from steersman.core.rate_limits import Limit, Limiter
from steersman.server.problems import problem

NAMES = Limit(rate=1 / 20, burst=10)
ADDRESSES = Limit(rate=1 / 2, burst=30)
# Whoever has one address of IPv6 has at least all of these.
_NETWORK_BITS = 64


class LoginLimits:
    """Counts what this server was asked."""

    def __init__(self) -> None:
        self._names = Limiter(NAMES)
        self._addresses = Limiter(ADDRESSES)

    def wait(self, address: str, name: str | None, now: float) -> float:
        """Try once; return 0.0, or the seconds to wait before it may be.

        An address that must wait costs the name nothing: it could lock out anybody.
        """
        wait = self._addresses.take(_network(address), now)
        if wait or name is None:
            return wait
        return self._names.take(name, now)


def of(request: Request) -> LoginLimits:
    """Return the limits of the server that is asked."""
    state = request.app.state
    if not hasattr(state, "login_limits"):
        state.login_limits = LoginLimits()
    found: LoginLimits = state.login_limits
    return found


def address(request: Request) -> str:
    """Return the address of who asks, empty where there is none."""
    return request.client.host if request.client else ""


def too_many(wait: float) -> Response:
    """Return the answer for somebody who must wait."""
    seconds = max(1, math.ceil(wait))
    return problem(
        429,
        "too many tries",
        f"there were too many tries to log in: wait {seconds} s",
        headers={"Retry-After": str(seconds)},
    )


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))
