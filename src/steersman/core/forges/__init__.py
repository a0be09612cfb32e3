"""The forges: what they say to us (webhooks) and what we say to them (statuses of commits).

Everything here is text in, values out. What a webhook says counts only after `verify`; whether it
was heard before (`delivery`) and how old it is (`timestamp`) is for the caller to weigh.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from steersman.core.forges import bitbucket, gitea, github, gitlab
from steersman.core.forges.base import (
    Delivery,
    Forge,
    Headers,
    Ignored,
    Malformed,
    Push,
    trigger,
)

__all__ = [
    "Delivery",
    "Dialect",
    "Forge",
    "Headers",
    "Ignored",
    "Malformed",
    "Push",
    "dialect",
    "trigger",
]


class Dialect(Protocol):
    """How one forge speaks; each of the modules beside this one is one."""

    def verify(self, headers: Headers, body: bytes, secret: str) -> bool:
        """Tell whether somebody who knows *secret* sent this."""

    def delivery(self, headers: Headers, body: bytes) -> Delivery:
        """Return what tells this delivery from all others."""

    def timestamp(self, headers: Headers) -> float | None:
        """Return when it was sent, None when the forge does not say."""

    def read(self, headers: Headers, body: bytes) -> tuple[Push, ...] | Ignored:
        """Return what may trigger; raise `Malformed` for what the forge would not send."""


_DIALECTS: Mapping[Forge, Dialect] = MappingProxyType(
    {
        Forge.GITHUB: github,
        Forge.GITLAB: gitlab,
        Forge.GITEA: gitea,
        Forge.BITBUCKET: bitbucket,
    }
)


def dialect(forge: Forge) -> Dialect:
    """Return how *forge* speaks."""
    return _DIALECTS[forge]
