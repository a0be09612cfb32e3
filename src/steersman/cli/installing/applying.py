"""Gives objects to the cluster of the current context, by the kubectl that everybody has there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence

from steersman.cli.installing import everything
from steersman.cli.installing.parts import Object
from steersman.core.errors import Refused, UserError


def apply(found: Sequence[Object]) -> None:
    """Make what is missing, and change what differs."""
    _told(["apply", "--filename=-"], everything.written(found))


def create(found: Sequence[Object]) -> None:
    """Make what is missing, one by one; what is there already stays as it is."""
    for each in found:
        name, namespace = (each["metadata"][key] for key in ("name", "namespace"))
        asked = ["get", each["kind"].lower(), name, f"--namespace={namespace}"]
        there = _told([*asked, "--ignore-not-found", "--output=name"])
        if not there.strip():
            _told(["create", "--filename=-"], everything.written([each]))


def cluster_version() -> str:
    """Return the version of the cluster."""
    said = json.loads(_told(["version", "--output=json"]))
    return str(said["serverVersion"]["gitVersion"])


def _told(words: list[str], text: str = "") -> str:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise UserError(
            "there is no kubectl here",
            hint="`steer install --dry-run` prints the objects: apply them where there is one",
        )
    done = subprocess.run(
        [kubectl, *words], input=text, text=True, stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise Refused(
            f"`kubectl {' '.join(words)}` ended with {done.returncode}",
            hint="what it says stands above; installing again goes on where this stopped",
        )
    return done.stdout
