"""The flags of cron that several commands share: which cluster, and where the ledger is.

Names and environment variables of the cluster's flags are those of Cronetes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

F = Callable[..., Any]


class ClusterFlags(NamedTuple):
    """How to reach a cluster; without an endpoint it is found by kubeconfig, or as its pod."""

    in_cluster: bool = False
    endpoint: str = ""
    username: str = ""
    password: str = ""
    token: str = ""
    insecure: bool = False
    ca_file: Path | None = None
    key_file: Path | None = None
    cert_file: Path | None = None
    namespace: str = "default"
    kubeconfig: Path | None = None


_FILE = click.Path(path_type=Path, dir_okay=False)
_CLUSTER = (
    click.option("--kube-in-cluster", "in_cluster", is_flag=True, envvar="KUBE_IN_CLUSTER",
                 help="use the pod's own service account, and no other flag of these"),
    click.option("--kube-endpoint", "endpoint", default="", envvar="KUBE_ENDPOINT",
                 help="address of the API server [default: of the kubeconfig]"),
    click.option("--kube-username", "username", default="", envvar="KUBE_USERNAME",
                 help="user, for a server that takes passwords"),
    click.option("--kube-password", "password", default="", envvar="KUBE_PASSWORD",
                 help="that user's password; better by the environment"),
    click.option("--kube-token", "token", default="", envvar="KUBE_TOKEN",
                 help="bearer token; better by the environment"),
    click.option("--kube-insecure", "insecure", is_flag=True, envvar="KUBE_INSECURE",
                 help="do not check the server's certificate"),
    click.option("--kube-ca-file", "ca_file", type=_FILE, envvar="KUBE_CA_FILE",
                 help="certificate that the server's is signed by"),
    click.option("--kube-key-file", "key_file", type=_FILE, envvar="KUBE_KEY_FILE",
                 help="key of a client certificate"),
    click.option("--kube-cert-file", "cert_file", type=_FILE, envvar="KUBE_CERT_FILE",
                 help="client certificate"),
    click.option("--kube-namespace", "namespace", default="default", envvar="KUBE_NAMESPACE",
                 show_default=True, help="where Jobs are"),
    click.option("--kubeconfig", "kubeconfig", type=_FILE, envvar="STEERSMAN_KUBECONFIG",
                 help="kubeconfig file [default: KUBECONFIG or the home folder's]"),
)  # fmt: skip


def cluster(command: F) -> F:
    """Give *command* the flags of the cluster; `taken` makes a value of them."""
    for option in reversed(_CLUSTER):
        command = option(command)
    return command


def taken(values: dict[str, Any]) -> ClusterFlags:
    """Take the flags of the cluster out of a command's values."""
    return ClusterFlags(**{name: values.pop(name) for name in ClusterFlags._fields})


LEDGER = "configmap:steersman-cron"


def ledger(command: F) -> F:
    """Give *command* the flag of the ledger."""
    return click.option(
        "--ledger",
        envvar="STEERSMAN_CRON_LEDGER",
        help="sqlite:///FILE, postgresql://USER:PASSWORD@HOST/DATABASE or configmap:NAME "
        f"[default: {LEDGER}, or with commands in the configuration a file of their own]",
    )(command)
