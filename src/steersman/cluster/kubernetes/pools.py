"""What an admin says of each pool: where its pods may run, how much they get, what they may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from steersman.cluster.kubernetes import quantities
from steersman.core.errors import UserError

NOTHING: Mapping[str, str] = MappingProxyType({})
PULLS = ("IfNotPresent", "Always", "Never")
DOCKER_SOCKET = "/var/run/docker.sock"
UNCONFINED, PROFILE = "unconfined", "localhost/"


class Amounts(NamedTuple):
    """How much of a node: cpu, memory and disk, as Kubernetes writes them."""

    cpu: str
    memory: str
    disk: str


class Pool(NamedTuple):
    """The settings of a pool.

    *default* is what a box gets whose pipeline does not say, *most* what one may ask for;
    *service* is for each service, *runner* for the part of the pod that is ours. *docker* is the
    socket of the nodes' engine, for pools whose jobs may rule it. *seccomp* filters what boxes may
    call in place of the runtime's default: `unconfined`, or `localhost/PATH` of a profile that the
    nodes have.
    """

    name: str
    default: Amounts = Amounts("500m", "2Gi", "4Gi")
    most: Amounts = Amounts("4", "8Gi", "20Gi")
    service: Amounts = Amounts("100m", "512Mi", "1Gi")
    runner: Amounts = Amounts("50m", "256Mi", "4Gi")
    node_selector: Mapping[str, str] = NOTHING
    tolerations: tuple[Mapping[str, Any], ...] = ()
    runtime_class: str | None = None
    priority_class: str | None = None
    scheduler: str | None = None
    restricted: bool = False
    trusted: bool = False
    host_users: bool | None = None
    docker: str | None = None
    seccomp: str | None = None
    pull: str = PULLS[0]
    pull_secrets: tuple[str, ...] = ()
    labels: Mapping[str, str] = NOTHING
    annotations: Mapping[str, str] = NOTHING


def read(document: object, *, place: str = "the pools file") -> dict[str, Pool]:
    """Read the settings of all pools: a map from names to settings, which may be empty."""
    if not isinstance(document, Mapping) or not document:
        raise UserError(
            f"{place} holds no map of pools", hint="write `default: {}` for a pool of that name"
        )
    return {str(name): _pool(str(name), said, place) for name, said in document.items()}


def _pool(name: str, said: object, place: str) -> Pool:
    where = f"{place}: pool {name}"
    values = {} if said is None else _mapping(said, where)
    _refuse_others(values, _READERS, where)
    read: dict[str, Any] = {
        key.replace("-", "_"): _READERS[key](each, f"{where}: {key}")
        for key, each in values.items()
        if key != "resources"
    }
    read |= _shares(values.get("resources", {}), f"{where}: resources")
    pool = Pool(name, **read)
    if pool.restricted and pool.seccomp == UNCONFINED:
        raise UserError(
            f"{where}: `restricted` and `seccomp: {UNCONFINED}` exclude each other",
            hint="give what needs it a pool of its own",
        )
    for kind in Amounts._fields:
        # Every container may use idle processors up to that most, so none can ask for more.
        others = (pool.service, pool.runner) if kind == "cpu" else ()
        most = quantities.parse(getattr(pool.most, kind))
        if any(quantities.parse(getattr(each, kind)) > most for each in (pool.default, *others)):
            raise UserError(f"{where}: resources: some {kind} is more than its max")
    return pool


def _refuse_others(values: Mapping[str, object], known: Mapping[str, object], where: str) -> None:
    others = sorted(str(each) for each in values.keys() - known.keys())
    if others:
        raise UserError(
            f"{where}: nothing is known of {', '.join(others)}",
            hint=f"known are {', '.join(sorted(known))}",
        )


def _shares(said: object, where: str) -> dict[str, Amounts]:
    values = _mapping(said, where)
    names = {"default": "default", "max": "most", "service": "service", "runner": "runner"}
    _refuse_others(values, names, where)
    known = Pool._field_defaults
    return {
        names[key]: _amounts(each, known[names[key]], f"{where}: {key}")
        for key, each in values.items()
    }


def _amounts(said: object, otherwise: Amounts, where: str) -> Amounts:
    values = _mapping(said, where)
    _refuse_others(values, otherwise._asdict(), where)
    for key, each in values.items():
        try:
            quantities.parse(each)
        except ValueError as error:
            raise UserError(f"{where}: {key}: {error}") from None
    return otherwise._replace(**{key: str(each) for key, each in values.items()})


def _mapping(said: object, where: str) -> Mapping[str, Any]:
    if not isinstance(said, Mapping) or not all(isinstance(key, str) for key in said):
        raise UserError(f"{where} is no map of settings: {said!r}"[:300])
    return said


def _texts(said: object, where: str) -> Mapping[str, str]:
    values = _mapping(said, where)
    for key, each in values.items():
        # What YAML takes for a number or a truth, Kubernetes refuses in a label.
        if not isinstance(each, str):
            raise UserError(f"{where}: {key} is no text: {each!r}", hint="put it in quotes")
    return dict(values)


def _text(said: object, where: str) -> str:
    if not isinstance(said, str) or not said:
        raise UserError(f"{where} is no text: {said!r}")
    return said


def _truth(said: object, where: str) -> bool:
    if not isinstance(said, bool):
        raise UserError(f"{where} is neither true nor false: {said!r}")
    return said


def _docker(said: object, where: str) -> str | None:
    if isinstance(said, bool):
        return DOCKER_SOCKET if said else None
    return _text(said, where)


def _seccomp(said: object, where: str) -> str | None:
    text = str(said)
    if text == "default":
        return None
    path = text.removeprefix(PROFILE)
    if text == UNCONFINED or (path not in (text, "") and ".." not in path and path[0] != "/"):
        return text
    raise UserError(
        f"{where} is {said!r}",
        hint=f"it can be default, {UNCONFINED}, or {PROFILE}PATH of a profile that all nodes have",
    )


def _pull(said: object, where: str) -> str:
    if said not in PULLS:
        raise UserError(f"{where} is {said!r}", hint=f"it can be {', '.join(PULLS)}")
    return str(said)


def _names(said: object, where: str) -> tuple[str, ...]:
    if not isinstance(said, list):
        raise UserError(f"{where} is no list: {said!r}")
    return tuple(_text(each, where) for each in said)


def _tolerations(said: object, where: str) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(said, list):
        raise UserError(f"{where} is no list: {said!r}")
    return tuple(_mapping(each, where) for each in said)


def _resources(said: object, where: str) -> object:
    return said


_READERS: Mapping[str, Callable[[object, str], Any]] = {
    "resources": _resources,
    "node-selector": _texts,
    "tolerations": _tolerations,
    "runtime-class": _text,
    "priority-class": _text,
    "scheduler": _text,
    "restricted": _truth,
    "trusted": _truth,
    "host-users": _truth,
    "docker": _docker,
    "seccomp": _seccomp,
    "pull": _pull,
    "pull-secrets": _names,
    "labels": _texts,
    "annotations": _texts,
}


def share(pool: Pool, asked: Mapping[str, str]) -> Amounts:
    """Say what a box gets for what its pipeline asks; refuse more than the pool allows."""
    given = {}
    for kind in Amounts._fields:
        wanted = str(asked.get(kind, getattr(pool.default, kind)))
        most = getattr(pool.most, kind)
        try:
            amount = quantities.parse(wanted)
        except ValueError as error:
            raise UserError(f"resources: {kind}: {error}") from None
        if amount > quantities.parse(most):
            raise UserError(
                f"the pipeline asks for {wanted} of {kind}, the pool {pool.name} allows {most}",
                hint="ask for less, or use a pool that allows more",
            )
        given[kind] = wanted
    return Amounts(**given)
