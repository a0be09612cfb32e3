"""What an admin says of an installation; the chart's values say the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_network
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from steersman.core.errors import UserError

PRIVATE = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",  # clouds tell a node's credentials at 169.254.169.254
    "172.16.0.0/12",
    "192.168.0.0/16",
)
PRIVATE_6 = ("fc00::/7", "fe80::/10")
OLDEST = (1, 20)
NEWEST = (1, 99)
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:[.+-].*)?")
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Names(NamedTuple):
    """Names of Secrets that stand in the namespace, and the keys in them.

    *database* has `url`; *s3* `access-key` and `secret-key`, and is empty where nodes or the
    service account say who we are. `steer install --secrets` makes *keys*, *tokens* and *tls*.
    """

    database: str = "steersman-database"
    s3: str = ""
    keys: str = "steersman-keys"
    tokens: str = "steersman-tokens"
    tls: str = "steersman-runners-tls"


class Networks(NamedTuple):
    """Which addresses count as inside, and what of that jobs may reach all the same."""

    denied: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    to_server: tuple[str, ...] = ()


class Wishes(NamedTuple):
    """Everything an admin decides. *url* is how people reach the server.

    *blobs* is `s3://BUCKET/PREFIX`; or it is empty, and *claim* names a volume for one server.
    *slots* (0: what it takes unless told) and *surplus* are those of each worker. *pools* is what
    its pools file holds, *env* more variables of the server.
    """

    url: str
    image: str
    version: str
    namespace: str = "steersman"
    jobs: str = "steersman-jobs"
    pull: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    replicas: int = 2
    workers: int = 2
    slots: int = 0
    surplus: int = 0
    blobs: str = ""
    claim: str = ""
    s3_endpoint: str = ""
    s3_region: str = ""
    names: Names = Names()
    pools: Mapping[str, Any] = MappingProxyType({"default": {}})
    env: Mapping[str, str] = NOTHING
    env_secrets: tuple[str, ...] = ()
    runner_hosts: tuple[str, ...] = ()
    networks: Networks = Networks()
    ingress: bool = False
    ingress_class: str = ""
    ingress_tls: str = ""
    monitor: bool = False
    kubernetes: tuple[int, int] = NEWEST

    @property
    def host(self) -> str:
        """Return the name people reach the server by."""
        return urlsplit(self.url).hostname or ""


def check(wishes: Wishes) -> Wishes:
    """Return what can be installed; `UserError` says what cannot, and why."""
    if urlsplit(wishes.url).scheme not in ("http", "https") or not wishes.host:
        raise UserError(
            f"{wishes.url!r} is no address people could reach the server by",
            hint="write --url https://ci.example.org",
        )
    if wishes.blobs and wishes.claim:
        raise UserError(
            "blobs are in a bucket or in a volume, not in both",
            hint="name either --blobs or --claim",
        )
    if not wishes.blobs.startswith("s3://") and not wishes.claim:
        raise UserError(
            "nothing says where logs, artifacts and caches are kept",
            hint="name a bucket by --blobs s3://BUCKET/PREFIX, or a volume by --claim",
        )
    if wishes.claim and wishes.replicas > 1:
        raise UserError(
            f"{wishes.replicas} servers cannot share the volume {wishes.claim}",
            hint="with --claim there is --replicas 1; two or more keep blobs in a bucket",
        )
    if wishes.namespace == wishes.jobs:
        raise UserError(
            f"jobs cannot run in {wishes.namespace}, beside the server and its Secrets",
            hint="name another --jobs-namespace",
        )
    for each in (wishes.namespace, wishes.jobs):
        if not _NAME.fullmatch(each):
            raise UserError(f"{each!r} cannot be the name of a namespace")
    for block in (each for blocks in wishes.networks for each in blocks):
        try:
            ip_network(block)
        except ValueError as error:
            raise UserError(f"{error}", hint="write a network: 203.0.113.0/24") from None
    return wishes


def version(text: str) -> tuple[int, int]:
    """Read the version of a cluster: `1.20`, or what `kubectl version` says."""
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        raise UserError(f"{text!r} is no version of Kubernetes", hint="write 1.20 or v1.31.2")
    result = int(found[1]), int(found[2])
    if result < OLDEST:
        raise UserError(f"Kubernetes {text} is too old", hint="1.20 is the oldest that works")
    return result
