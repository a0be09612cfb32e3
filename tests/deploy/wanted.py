"""Installations the tests are made of, as flags of `steer install` and as values of the chart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from steersman.cli.installing import everything
from steersman.cli.installing.parts import Object
from steersman.cli.installing.wishes import Names, Networks, Wishes, check

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "chart"
VERSION = "0.1.0"
POOLS = {
    "default": {"resources": {"max": {"memory": "16Gi"}}},
    "trusted": {"trusted": True, "node-selector": {"steersman.dev/nodes": "trusted"}},
}


class Case(NamedTuple):
    """One installation, said in both ways."""

    wishes: Wishes
    values: dict[str, Any]


LEAST = Case(
    Wishes("https://ci.example.org", "steersman:0.1.0", VERSION, blobs="s3://ci/x"),
    {"url": "https://ci.example.org", "blobs": {"bucket": "s3://ci/x"}},
)
FULL = Case(
    Wishes(
        "https://ci.example.org",
        "registry.example.org/ci/steersman:1.2",
        VERSION,
        jobs="shop-jobs",
        pull="Always",
        pull_secrets=("registry",),
        replicas=3,
        workers=4,
        slots=50,
        surplus=5,
        blobs="s3://ci/x",
        s3_endpoint="https://minio.example.org",
        s3_region="eu-central-1",
        names=Names(database="pg", s3="bucket"),
        pools={**POOLS, "images": {"docker": True}},
        env={"STEERSMAN_ALLOW_HTTP": "1"},
        env_secrets=("oidc",),
        networks=Networks(
            ("203.0.113.0/24", "2001:db8::/32"), ("10.1.2.0/24",), ("198.51.100.0/24",)
        ),
        ingress=True,
        ingress_class="nginx",
        ingress_tls="ci-tls",
        monitor=True,
        kubernetes=(1, 20),
    ),
    {
        "url": "https://ci.example.org/",
        "image": {
            "repository": "registry.example.org/ci/steersman",
            "tag": "1.2",
            "pullPolicy": "Always",
        },
        "imagePullSecrets": [{"name": "registry"}],
        "existingSecrets": {"database": "pg", "s3": "bucket"},
        "blobs": {
            "bucket": "s3://ci/x",
            "endpoint": "https://minio.example.org",
            "region": "eu-central-1",
        },
        "server": {
            "replicas": 3,
            "env": {"STEERSMAN_ALLOW_HTTP": "1"},
            "envFromSecrets": ["oidc"],
        },
        "worker": {"replicas": 4, "slots": 50, "surplus": 5},
        "jobs": {"namespace": "shop-jobs"},
        "pools": {**POOLS, "images": {"docker": True}},
        "networkPolicy": {
            "denied": ["203.0.113.0/24", "2001:db8::/32"],
            "allowed": ["10.1.2.0/24"],
            "toServer": ["198.51.100.0/24"],
        },
        "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "ci-tls"},
        "metrics": {"serviceMonitor": {"enabled": True}},
    },
)
ONE = Case(
    Wishes(
        "http://ci.lan:8080",
        "steersman:0.1.0",
        VERSION,
        replicas=1,
        claim="steersman-data",
        pools={"default": {"seccomp": "unconfined"}},
    ),
    {
        "url": "http://ci.lan:8080",
        "blobs": {"claim": "steersman-data"},
        "server": {"replicas": 1},
        "pools": {"default": {"seccomp": "unconfined"}},
    },
)
CASES = {"least": LEAST, "full": FULL, "one": ONE}


def objects(case: Case) -> list[Object]:
    """Return what `steer install` prints."""
    found: list[Object] = json.loads(json.dumps(everything.objects(check(case.wishes))))
    return found


def one(found: list[Object], kind: str, name: str) -> Object:
    """Return the one object of that kind and name."""
    (result,) = (each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return result
