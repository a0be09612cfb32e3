"""The workers: they lease attempts and make a pod for each, in a namespace of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import yaml

from steersman.cli.installing import parts
from steersman.cli.installing.parts import RUNNERS, Object, from_secret
from steersman.cli.installing.wishes import Wishes

COMPONENT = "worker"
_SETTINGS = "/etc/steersman/pools"
_CERTIFICATES = "/etc/steersman/ca"


def objects(wishes: Wishes) -> Iterator[Object]:
    """Yield everything of the workers but their rights."""
    yield parts.of(wishes, "v1/ServiceAccount", parts.WORKER, component=COMPONENT)
    pools = parts.of(wishes, "v1/ConfigMap", f"{parts.NAME}-pools", component=COMPONENT)
    text = yaml.safe_dump(_plain(wishes.pools))
    yield {**pools, "data": {"pools.yaml": text}}
    made = _deployment(wishes)
    # Workers read their pools at the start: other pools need other workers.
    told = {f"{parts.OWN}/pools": hashlib.sha256(text.encode()).hexdigest()[:16]}
    made["spec"]["template"]["metadata"]["annotations"] = told
    yield made
    yield parts.disruption_budget(wishes, COMPONENT)


def _plain(value: object) -> object:
    return {key: _plain(each) for key, each in value.items()} if hasattr(value, "items") else value


def _deployment(wishes: Wishes) -> Object:
    container = {
        "args": [
            "worker",
            "run",
            "--on=kubernetes",
            f"--server=http://{parts.NAME}.{wishes.namespace}.svc",
            f"--namespace={wishes.jobs}",
            f"--pools-file={_SETTINGS}/pools.yaml",
            f"--runner-url=https://{RUNNERS}.{wishes.namespace}.svc",
            f"--runner-ca={_CERTIFICATES}/ca.crt",
            f"--image={wishes.image}",
            *([f"--slots={wishes.slots}"] if wishes.slots else []),
            *([f"--surplus={wishes.surplus}"] if wishes.surplus else []),
        ],
        "env": [from_secret("STEERSMAN_WORKER_TOKEN", wishes.names.tokens, "worker")],
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"memory": "512Mi"},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - of the pod alone
            {"name": "pools", "mountPath": _SETTINGS, "readOnly": True},
            {"name": "ca", "mountPath": _CERTIFICATES, "readOnly": True},
        ],
    }
    # Of the certificate only what tells the server from others: the key is the server's alone.
    ca = {"secretName": wishes.names.tls, "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    pod = {
        "serviceAccountName": parts.WORKER,
        "terminationGracePeriodSeconds": 30,
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            {"name": "pools", "configMap": {"name": f"{parts.NAME}-pools"}},
            {"name": "ca", "secret": ca},
        ],
    }
    return parts.deployment(wishes, COMPONENT, wishes.workers, container, pod)
