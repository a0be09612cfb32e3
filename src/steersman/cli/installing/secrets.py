"""The Secrets that are made once: keys, the first tokens, the certificate of the runner port."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import NamedTuple

from steersman.cli.installing import parts
from steersman.cli.installing.certificates import Certificate
from steersman.cli.installing.parts import RUNNERS, Object
from steersman.cli.installing.wishes import Wishes


class Made(NamedTuple):
    """What is secret and new."""

    keyring: str
    attempt_key: str
    admin: str
    worker: str
    certificate: Certificate


def objects(wishes: Wishes, made: Made) -> Iterator[Object]:
    """Yield the Secrets. The keys cannot be changed in place: what they sealed would be lost."""
    names = wishes.names
    keys = {"keyring": made.keyring, "attempt-key": made.attempt_key}
    yield {**_secret(wishes, names.keys, keys), "immutable": True}
    yield _secret(wishes, names.tokens, {"admin": made.admin, "worker": made.worker})
    tls = {
        "tls.crt": made.certificate.certificate,
        "tls.key": made.certificate.key,
        "ca.crt": made.certificate.authority,
    }
    yield _secret(wishes, names.tls, tls, kind="kubernetes.io/tls")


def served_names(wishes: Wishes) -> list[str]:
    """Return the names under which runners reach the server."""
    inside = f"{RUNNERS}.{wishes.namespace}.svc"
    usual = [inside, f"{inside}.cluster.local", f"{RUNNERS}.{wishes.namespace}", RUNNERS]
    return [*usual, *wishes.runner_hosts]


def _secret(wishes: Wishes, name: str, data: dict[str, str], kind: str = "Opaque") -> Object:
    return {
        **parts.of(wishes, "v1/Secret", name),
        "type": kind,
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }
