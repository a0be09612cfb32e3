"""Each object is known to Kubernetes: today's by its models, the cluster's own by its word."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from lightkube.models import apps_v1, core_v1, networking_v1, policy_v1, rbac_v1

from steersman.cli.install import made
from steersman.cli.installing import everything, secrets
from steersman.cli.installing.parts import Object
from steersman.cli.installing.wishes import check
from steersman.cluster.kubernetes.api import Api
from tests.deploy import wanted
from tests.deploy.wanted import CASES, FULL, Case
from tests.kubernetes import clusters

MODULES = (apps_v1, core_v1, networking_v1, policy_v1, rbac_v1)
APPLY = {"dryRun": "All", "fieldManager": "steersman-tests"}
PATCH = {"Content-Type": "application/apply-patch+yaml"}
PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}


def model(kind: str) -> Any:
    return next(getattr(module, kind) for module in MODULES if hasattr(module, kind))


def unknown(value: Any, known: Any, place: str) -> Iterator[str]:
    """Yield the places of which the model knows nothing."""
    inner = [each for each in typing.get_args(known) if each is not type(None)]
    if isinstance(value, list):
        for at, each in enumerate(value):
            yield from unknown(each, inner[0], f"{place}[{at}]")
    elif inner and not isinstance(value, dict):
        return
    elif inner and len(inner) == 1:
        yield from unknown(value, inner[0], place)
    elif isinstance(known, type) and issubclass(known, msgspec.Struct):
        fields = {each.encode_name: each.type for each in msgspec.structs.fields(known)}
        for key, each in value.items():
            if key in fields:
                yield from unknown(each, fields[key], f"{place}.{key}")
            else:
                yield f"{place}.{key}"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_todays_kubernetes_knows_every_field_and_takes_every_value(case: Case) -> None:
    seen = 0
    for each in wanted.objects(case):
        if "beta" not in each["apiVersion"] and "coreos" not in each["apiVersion"]:
            known = model(each["kind"])
            msgspec.convert(each, known)
            assert not [*unknown(each, known, f"{each['kind']}/{each['metadata']['name']}")]
            seen += 1
    assert seen > 15


def test_a_field_that_nobody_knows_would_be_found() -> None:
    found = wanted.objects(FULL)
    server = wanted.one(found, "Deployment", "steersman-server")
    server["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    assert [*unknown(server, model("Deployment"), "it")] == [
        "it.spec.template.spec.containers[0].readynessProbe"
    ]


def path(each: Object) -> str:
    """Return where an object of this kind is made."""
    group, metadata = each["apiVersion"], each["metadata"]
    root = "/api/v1" if group == "v1" else f"/apis/{group}"
    inside = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{inside}/{PLURALS.get(each['kind'], each['kind'].lower() + 's')}"


@pytest.mark.kubernetes
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_cluster_takes_every_object(case: Case) -> None:
    with clusters.namespace() as ours, clusters.namespace() as jobs:
        told = clusters.ask(lambda api: api.call("GET", "/version"))
        version = int(told["major"]), int(told["minor"].rstrip("+"))
        wishes = check(
            case.wishes._replace(namespace=ours, jobs=jobs, monitor=False, kubernetes=version)
        )
        found = [*everything.objects(wishes), *secrets.objects(wishes, made(wishes))]

        async def offer(api: Api) -> None:
            for each in found:
                # These two are there: the others could not stand in them otherwise.
                if each["kind"] == "Namespace":
                    each["metadata"]["name"] += "-more"
                await api.call("POST", path(each), each, {"dryRun": "All"})
                # As Helm 4 and `kubectl apply --server-side` do it: other fields are a must.
                where = f"{path(each)}/{each['metadata']['name']}"
                await api.call("PATCH", where, each, APPLY, PATCH)

        clusters.ask(offer)
