"""The server: two that do the same, a Service for people and one for runners."""

from __future__ import annotations

from collections.abc import Iterator

from steersman.cli.installing import parts
from steersman.cli.installing.parts import HTTP, RUNNERS, TLS, Object, from_secret
from steersman.cli.installing.wishes import Wishes

COMPONENT = "server"
_DATA = "/var/lib/steersman"
_CERTIFICATES = "/etc/steersman/tls"


def objects(wishes: Wishes) -> Iterator[Object]:
    """Yield everything of the server."""
    account = parts.of(wishes, "v1/ServiceAccount", parts.SERVER, component=COMPONENT)
    yield {**account, "automountServiceAccountToken": False}
    yield _deployment(wishes)
    yield _service(wishes, parts.NAME, "http", 80)
    yield _service(wishes, RUNNERS, "runners", 443)
    yield parts.disruption_budget(wishes, COMPONENT)
    if wishes.ingress:
        yield _ingress(wishes)
    if wishes.monitor:
        yield _monitor(wishes)


def _deployment(wishes: Wishes) -> Object:
    container = {
        "args": [
            "server",
            f"--listen=0.0.0.0:{HTTP}",
            f"--runner-listen=0.0.0.0:{TLS}",
            f"--runner-tls-cert={_CERTIFICATES}/tls.crt",
            f"--runner-tls-key={_CERTIFICATES}/tls.key",
        ],
        "env": list(_environment(wishes)),
        "ports": [
            {"name": "http", "containerPort": HTTP, "protocol": "TCP"},
            {"name": "runners", "containerPort": TLS, "protocol": "TCP"},
        ],
        # The first start of a version brings the tables up to date, however long that takes.
        "startupProbe": {**_probe("healthz"), "periodSeconds": 2, "failureThreshold": 300},
        "readinessProbe": {**_probe("readyz"), "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**_probe("healthz"), "periodSeconds": 10, "failureThreshold": 6},
        # Whoever still sends requests here is told first that it ends.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        "resources": {
            "requests": {"cpu": "200m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
            "limits": {"memory": "1Gi"},
        },
        "volumeMounts": [
            {"name": "data", "mountPath": _DATA},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - of the pod alone
            {"name": "tls", "mountPath": _CERTIFICATES, "readOnly": True},
        ],
    }
    if wishes.env_secrets:
        container["envFrom"] = [{"secretRef": {"name": each}} for each in wishes.env_secrets]
    data = (
        {"persistentVolumeClaim": {"claimName": wishes.claim}} if wishes.claim else {"emptyDir": {}}
    )
    pod = {
        "serviceAccountName": parts.SERVER,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 45,
        "volumes": [
            {"name": "data", **data},
            {"name": "tmp", "emptyDir": {}},
            {"name": "tls", "secret": {"secretName": wishes.names.tls, "defaultMode": 0o440}},
        ],
    }
    made = parts.deployment(wishes, COMPONENT, wishes.replicas, container, pod)
    if wishes.claim:
        # Two at once would wait for each other over the volume.
        made["spec"]["strategy"] = {"type": "Recreate"}
    else:
        rolling = {"maxUnavailable": 0, "maxSurge": 1}
        made["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return made


def _environment(wishes: Wishes) -> Iterator[Object]:
    names = wishes.names
    yield {"name": "STEERSMAN_URL", "value": wishes.url}
    if wishes.blobs:
        yield {"name": "STEERSMAN_BLOBS", "value": wishes.blobs}
    yield from_secret("STEERSMAN_DATABASE", names.database, "url")
    yield from_secret("STEERSMAN_KEYRING", names.keys, "keyring")
    yield from_secret("STEERSMAN_ATTEMPT_KEY", names.keys, "attempt-key")
    # Of use at the very first start only: it may be taken out of the Secret afterwards.
    yield from_secret("STEERSMAN_ADMIN_TOKEN", names.tokens, "admin", optional=True)
    yield from_secret("STEERSMAN_WORKER_TOKEN", names.tokens, "worker")
    if wishes.s3_endpoint:
        yield {"name": "STEERSMAN_S3_ENDPOINT", "value": wishes.s3_endpoint}
    if wishes.s3_region:
        yield {"name": "STEERSMAN_S3_REGION", "value": wishes.s3_region}
    if names.s3:
        yield from_secret("STEERSMAN_S3_ACCESS_KEY", names.s3, "access-key")
        yield from_secret("STEERSMAN_S3_SECRET_KEY", names.s3, "secret-key")
    for name, value in wishes.env.items():
        yield {"name": name, "value": value}


def _probe(path: str) -> Object:
    return {"httpGet": {"path": f"/{path}", "port": "http"}, "timeoutSeconds": 5}


def _service(wishes: Wishes, name: str, port: str, number: int) -> Object:
    spec = {
        "selector": parts.selector(COMPONENT),
        # Server-side apply of older clusters wants to be told the protocol.
        "ports": [{"name": port, "port": number, "targetPort": port, "protocol": "TCP"}],
    }
    return {**parts.of(wishes, "v1/Service", name, component=COMPONENT), "spec": spec}


def _ingress(wishes: Wishes) -> Object:
    backend = {"service": {"name": parts.NAME, "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: Object = {"rules": [{"host": wishes.host, "http": {"paths": [path]}}]}
    if wishes.ingress_class:
        spec["ingressClassName"] = wishes.ingress_class
    if wishes.ingress_tls:
        spec["tls"] = [{"hosts": [wishes.host], "secretName": wishes.ingress_tls}]
    made = parts.of(wishes, "networking.k8s.io/v1/Ingress", parts.NAME, component=COMPONENT)
    # Archives are large, and streams say something every 15 s at the least.
    made["metadata"]["annotations"] = {
        "nginx.ingress.kubernetes.io/proxy-body-size": "0",
        "nginx.ingress.kubernetes.io/proxy-request-buffering": "off",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "120",
    }
    return {**made, "spec": spec}


def _monitor(wishes: Wishes) -> Object:
    spec = {
        "selector": {"matchLabels": parts.selector(COMPONENT)},
        "endpoints": [{"port": "http", "path": "/metrics"}],
    }
    kind = "monitoring.coreos.com/v1/ServiceMonitor"
    return {**parts.of(wishes, kind, parts.NAME, component=COMPONENT), "spec": spec}
