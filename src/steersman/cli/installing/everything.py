"""All objects of an installation, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import yaml

from steersman.cli.installing import networks, parts, rights, servers, workers
from steersman.cli.installing.parts import ROLE, Object
from steersman.cli.installing.wishes import Wishes


def objects(wishes: Wishes) -> list[Object]:
    """Return every object but the Secrets, which are only ever made once."""
    return [
        _namespace(wishes, wishes.namespace, "control", "restricted"),
        _namespace(wishes, wishes.jobs, "jobs", _level(wishes)),
        *networks.objects(wishes),
        *rights.objects(wishes),
        *servers.objects(wishes),
        *workers.objects(wishes),
    ]


def _namespace(wishes: Wishes, name: str, role: str, level: str) -> Object:
    made = parts.of(wishes, "v1/Namespace", name, namespace=None)
    # Clusters from 1.23 on hold pods to it.
    made["metadata"]["labels"] |= {ROLE: role, "pod-security.kubernetes.io/enforce": level}
    return made


def _level(wishes: Wishes) -> str:
    """Return what pods of jobs are held to: boxes need some of what `restricted` forbids.

    A pool that hands a node's engine to its jobs has no safety left that could be held to, and one
    without a filter of system calls is forbidden by all that could be.
    """
    more = any(
        pool.get("docker") or pool.get("seccomp") == "unconfined"
        for pool in wishes.pools.values()
        if pool
    )
    return "privileged" if more else "baseline"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and never `*id001` for what is said twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def written(found: Iterable[Object]) -> str:
    """Return *found* as `kubectl apply -f -` reads it."""
    return "".join(f"---\n{each}" for each in _documents(found))


def _documents(found: Iterable[Object]) -> Iterator[str]:
    for each in found:
        yield yaml.dump(each, Dumper=_Dumper, sort_keys=False, default_flow_style=False)
