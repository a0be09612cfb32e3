"""Who may reach whom: jobs get to the runner port, names and the internet, and nobody to them.

Policies name what is allowed; only what is inside (the metadata address, kubelets, the API server,
databases) is left out of the internet. They hold where the cluster's network knows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from steersman.cli.installing import parts, servers
from steersman.cli.installing.parts import HTTP, OWN, ROLE, TLS, Object
from steersman.cli.installing.wishes import PRIVATE, PRIVATE_6, Wishes

_KIND = "networking.k8s.io/v1/NetworkPolicy"
METADATA = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128")
_JOBS = {"matchExpressions": [{"key": f"{OWN}/attempt", "operator": "Exists"}]}
_TRUSTED = {"matchLabels": {f"{OWN}/trusted": "true"}}
_NOT_JOBS = {"matchExpressions": [{"key": ROLE, "operator": "NotIn", "values": ["jobs"]}]}
# The label is older than any other way to name the cluster's DNS. `{}` is every namespace.
_DNS = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
_LOCAL_DNS = {"ipBlock": {"cidr": "169.254.20.10/32"}}
_DNS_PORTS = [{"protocol": each, "port": 53} for each in ("UDP", "TCP")]


def objects(wishes: Wishes) -> Iterator[Object]:
    """Yield the policies of both namespaces."""
    yield _policy(wishes, "nothing-unless-said", wishes.jobs, {}, ingress=[], egress=[])
    yield _policy(wishes, "jobs", wishes.jobs, _JOBS, egress=list(_of_jobs(wishes)))
    trusted = [{"to": [*_everything()]}]
    yield _policy(wishes, "trusted-jobs", wishes.jobs, _TRUSTED, egress=trusted)
    yield _policy(
        wishes,
        "server",
        wishes.namespace,
        {"matchLabels": parts.selector(servers.COMPONENT)},
        ingress=[*_to_server(wishes)],
    )
    worker = {"matchLabels": parts.selector("worker")}
    yield _policy(wishes, "worker", wishes.namespace, worker, ingress=[])


def _policy(
    wishes: Wishes, name: str, namespace: str, pods: Object, **rules: list[Object]
) -> Object:
    kinds = [kind.capitalize() for kind in rules]
    spec = {"podSelector": pods, "policyTypes": kinds, **rules}
    made = parts.of(wishes, _KIND, f"{parts.NAME}-{name}", namespace=namespace)
    return {**made, "spec": spec}


def _of_jobs(wishes: Wishes) -> Iterator[Object]:
    # By labels alone: not every namespace of 1.20 has one that says its name.
    server = {
        "namespaceSelector": {},
        "podSelector": {"matchLabels": parts.selector(servers.COMPONENT)},
    }
    yield {"to": [server], "ports": [{"protocol": "TCP", "port": TLS}]}
    yield {"to": [_DNS, _LOCAL_DNS], "ports": _DNS_PORTS}
    denied = wishes.networks.denied
    yield {
        "to": [
            _block("0.0.0.0/0", [*PRIVATE, *(each for each in denied if _version(each) == 4)]),
            _block("::/0", [*PRIVATE_6, *(each for each in denied if _version(each) == 6)]),
        ]
    }
    if wishes.networks.allowed:
        yield {"to": [_block(each) for each in wishes.networks.allowed]}


def _everything() -> Iterator[Object]:
    for whole in ("0.0.0.0/0", "::/0"):
        yield _block(whole, [each for each in METADATA if _version(each) == _version(whole)])


def _to_server(wishes: Wishes) -> Iterator[Object]:
    runners = [{"protocol": "TCP", "port": TLS}]
    yield {"from": [{"namespaceSelector": {"matchLabels": {ROLE: "jobs"}}}], "ports": runners}
    others: list[Object] = [{"namespaceSelector": _NOT_JOBS}]
    others += [_block(each) for each in wishes.networks.to_server]
    yield {"from": others, "ports": [{"protocol": "TCP", "port": HTTP}]}


def _block(whole: str, without: Sequence[str] = ()) -> Object:
    return {"ipBlock": {"cidr": whole, **({"except": [*without]} if without else {})}}


def _version(block: str) -> int:
    return ip_network(block).version
