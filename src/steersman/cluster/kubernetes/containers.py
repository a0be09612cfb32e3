"""The containers of a pod: two of ours, the user's box, the user's services."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from steersman.cluster.kubernetes import names, pools, preparing
from steersman.cluster.kubernetes.pools import Amounts, Pool
from steersman.core.errors import UserError
from steersman.sessions import script

GROUP = 65532
"""Our user, and the group by which runner and box share files whatever user the box is."""
ROOT = "/steersman"
SESSION, WORK, GIVEN, SPOOL, ORDER = (
    f"{ROOT}/{name}" for name in ("session", "work", "given", "spool", "order")
)
TEMPORARY = f"{SPOOL}/tmp"  # noqa: S108 - of the pod, and ours alone
# With the one, a step could read its neighbours off the network they share; a device is no file.
DROPPED = ["MKNOD", "NET_RAW"]
# Nothing is imported from where they are started, nor found by what variables say.
PYTHON = ("python3", "-I")
# What looks for packages takes longer than to name where ours are, and so does what `-m` imports.
_RUN = """\
import gc, sys
gc.disable()
sys.path.append("%s/lib/python%d.%d/site-packages" % (
    sys.executable.rpartition("/bin/")[0], *sys.version_info[:2]))
import steersman.cli.pod_runner
steersman.cli.pod_runner.run()
"""
RUN = (*PYTHON, "-S", "-c", _RUN)
_HOST = re.compile(
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_USER = re.compile(r"(\d{1,10})(?::(\d{1,10}))?")


class Ours(NamedTuple):
    """Our own image, and the two programs of it that make up a runner."""

    image: str
    prepare: tuple[str, ...] = preparing.command()
    run: tuple[str, ...] = RUN


def literal(text: str) -> str:
    """Write a text so that Kubernetes, which replaces `$(NAME)`, gives it back."""
    return text.replace("$", "$$")


def prepare(ours: Ours, pool: Pool) -> dict[str, Any]:
    """Return the container that makes what must be there before the box is started.

    All others wait for it, so that it does no more than that.
    """
    mounts = [
        {"name": "session", "mountPath": SESSION},
        {"name": "work", "mountPath": WORK},
    ]
    return {**_own(names.PREPARE, ours.image, ours.prepare, pool), "volumeMounts": mounts}


def runner(ours: Ours, pool: Pool) -> dict[str, Any]:
    """Return the container that drives the box, and only reads what the box may write."""
    return {
        **_own(names.RUNNER, ours.image, ours.run, pool),
        "env": [
            {"name": "TMPDIR", "value": TEMPORARY},
            {"name": "HOME", "value": TEMPORARY},
            {"name": "STEERSMAN_NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ],
        "volumeMounts": [
            {"name": "session", "mountPath": SESSION},
            {"name": "work", "mountPath": WORK, "readOnly": True},
            {"name": "given", "mountPath": GIVEN},
            {"name": "spool", "mountPath": SPOOL},
            {"name": "order", "mountPath": ORDER, "readOnly": True},
        ],
    }


def _own(name: str, image: str, command: Sequence[str], pool: Pool) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "Never" if pool.pull == "Never" else "IfNotPresent",
        "command": [literal(each) for each in command],
        "resources": _resources(pool.runner, pool),
        "securityContext": {
            "runAsUser": GROUP,
            "runAsGroup": GROUP,
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def box(said: Mapping[str, Any], pool: Pool, share: Amounts, *, docker: bool) -> dict[str, Any]:
    """Return the box: the user's image, with our session for its command."""
    shell = tuple(said["cmd"]) if said["cmd"] else None
    session = script.fifo_command(shell, script=f"{SESSION}/session.sh", directory=SESSION)
    mounts: list[dict[str, Any]] = [
        {"name": "session", "mountPath": SESSION, "readOnly": True},
        {"name": "given", "mountPath": GIVEN, "readOnly": True},
        {"name": "work", "mountPath": "/pipeline", "subPath": "pipeline"},
        {"name": "work", "mountPath": "/report", "subPath": "report"},
    ]
    if docker:
        # The box has its address from the runner, which exports DOCKER_HOST.
        mounts.append({"name": "docker", "mountPath": pools.DOCKER_SOCKET})
    made = _theirs(names.BOX, said, pool, share)
    if pool.seccomp:
        made["securityContext"]["seccompProfile"] = _seccomp(pool.seccomp)
    return {
        **made,
        "command": [literal(each) for each in [*(said["entrypoint"] or ()), *session]],
        "volumeMounts": mounts,
    }


def _seccomp(said: str) -> dict[str, str]:
    """Return the profile of a box; our containers and services keep that of the pod."""
    if said == pools.UNCONFINED:
        return {"type": "Unconfined"}
    return {"type": "Localhost", "localhostProfile": said.removeprefix(pools.PROFILE)}


def service(
    at: int, said: Mapping[str, Any], pool: Pool, keys: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    """Return a service; its hidden variables stand under *keys* of a Secret."""
    made = _theirs(f"{names.SERVICE}{at}", said, pool, pool.service)
    for name, (secret, key) in keys.items():
        source = {"secretKeyRef": {"name": secret, "key": key}}
        made["env"].append({"name": name, "valueFrom": source})
    if said["entrypoint"] is not None:
        made["command"] = [literal(each) for each in said["entrypoint"]]
    if said["cmd"] is not None:
        made["args"] = [literal(each) for each in said["cmd"]]
    return made


def _theirs(name: str, said: Mapping[str, Any], pool: Pool, share: Amounts) -> dict[str, Any]:
    env = [{"name": key, "value": literal(value)} for key, value in said["env"].items()]
    return {
        "name": name,
        "image": said["image"],
        "imagePullPolicy": pool.pull,
        "env": env,
        "resources": _resources(share, pool),
        "securityContext": _security(said["user"], pool),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _resources(share: Amounts, pool: Pool) -> dict[str, dict[str, str]]:
    """Memory and disk are what was asked for; idle processors may be used up to the pool's most."""
    fixed = {"memory": share.memory, "ephemeral-storage": share.disk}
    return {"requests": {"cpu": share.cpu, **fixed}, "limits": {"cpu": pool.most.cpu, **fixed}}


def _security(user: str | None, pool: Pool) -> dict[str, Any]:
    made: dict[str, Any] = {"capabilities": {"drop": ["ALL"] if pool.restricted else DROPPED}}
    if pool.restricted:
        made |= {"runAsNonRoot": True, "allowPrivilegeEscalation": False}
    if user:
        found = _USER.fullmatch(user)
        if found is None:
            raise UserError(
                f"`user: {user[:60]}` cannot be had in a pod, which knows users by number only",
                hint="write its number: `user: 1000`, or `user: 1000:1000` with a group",
            )
        made["runAsUser"] = int(found[1])
        if found[2]:
            made["runAsGroup"] = int(found[2])
    return made


def hosts(services: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names under which the services are found, all at the pod's own address."""
    for each in services:
        if not _HOST.fullmatch(each["name"]):
            raise UserError(
                f"a service cannot be called {each['name'][:60]} in a pod, since that is no name "
                "of a host",
                hint="give it a `name:` of small letters, digits and hyphens",
            )
    return [each["name"] for each in services]
