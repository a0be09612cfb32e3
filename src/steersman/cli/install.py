"""`steer install`: put server and workers into a Kubernetes cluster, or print what would be."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from steersman import __version__
from steersman.cli.installing import applying, everything, parts, secrets
from steersman.cli.installing.wishes import NEWEST, Names, Networks, Wishes, check, version
from steersman.core.errors import UserError


@click.command("install")
@click.option("--dry-run", is_flag=True, help="print the objects instead of making them")
@click.option(
    "--secrets",
    "only_secrets",
    is_flag=True,
    help="only the Secrets, made anew: once, at the first",
)
@click.option(
    "--runner-host",
    "runner_hosts",
    multiple=True,
    help="with --secrets: one more name of that port",
)
@click.option("--url", default="", help="how people reach the server")
@click.option(
    "--image", default=f"steersman:{__version__}", show_default=True, help="the image (Dockerfile)"
)
@click.option("--pull-policy", default="IfNotPresent", show_default=True)
@click.option("--pull-secret", "pull_secrets", multiple=True, help="Secret of the image's registry")
@click.option("--namespace", default="steersman", show_default=True)
@click.option("--jobs-namespace", default="steersman-jobs", show_default=True)
@click.option("--replicas", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--workers", type=click.IntRange(min=0), default=2, show_default=True)
@click.option(
    "--slots",
    type=click.IntRange(min=1),
    help="jobs of each worker [default: 100, and no more than there is room for]",
)
@click.option(
    "--surplus", type=click.IntRange(min=0), default=0, help="pods that may wait for a node to come"
)
@click.option("--blobs", default="", help="s3://BUCKET/PREFIX for logs, artifacts and caches")
@click.option("--claim", default="", help="or a volume claim, for one server without a bucket")
@click.option("--s3-endpoint", default="", help="of a bucket that is not Amazon's")
@click.option("--s3-region", default="")
@click.option("--s3-secret", default="", help="Secret with `access-key` and `secret-key`")
@click.option("--database-secret", default=Names().database, show_default=True, help="has `url`")
@click.option("--env", "variables", multiple=True, help="NAME=VALUE, one more for the server")
@click.option("--env-secret", "env_secrets", multiple=True, help="Secret of more of them")
@click.option(
    "--pools-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="the pools (docs/kubernetes.md) [default: one, `default`]",
)
@click.option(
    "--deny", multiple=True, help="a network no untrusted job may reach, beside private ones"
)
@click.option("--allow", multiple=True, help="a private network that every job may reach")
@click.option("--from", "to_server", multiple=True, help="a network outside from which people come")
@click.option("--ingress", is_flag=True, help="make an Ingress for the host of --url")
@click.option("--ingress-class", default="")
@click.option("--ingress-tls", default="", help="Secret with the certificate of that host")
@click.option("--service-monitor", is_flag=True, help="make a ServiceMonitor for Prometheus")
@click.option(
    "--kubernetes",
    default="",
    help="version of the cluster [default: it is asked; --dry-run takes 1.21 or newer for granted]",
)
def command(*, dry_run: bool, only_secrets: bool, **said: Any) -> int:
    """Put server and workers into the cluster of the current kubectl context.

    The Secrets with the database's address and the bucket's keys are yours to make. --dry-run
    prints what would be applied: `steer install --dry-run ... | kubectl apply -f -`.
    """
    wishes = _wishes(said)
    if only_secrets:
        found = list(secrets.objects(wishes, made(wishes)))
    else:
        check(wishes)
        if not dry_run and not said["kubernetes"]:
            wishes = wishes._replace(kubernetes=version(applying.cluster_version()))
        found = everything.objects(wishes)
    if dry_run:
        click.echo(everything.written(found), nl=False)
    elif only_secrets:
        applying.create(found)
    else:
        applying.apply(found)
        click.echo(_next(wishes))
    return 0


def _next(wishes: Wishes) -> str:
    """Say how it is gone on from here."""
    kubectl = f"kubectl -n {wishes.namespace}"
    return f"""next:
  {kubectl} rollout status deployment/{parts.SERVER}
  {kubectl} get secret {wishes.names.tokens} -o jsonpath='{{.data.admin}}' | base64 -d
  steer login {wishes.url}"""


def _wishes(said: dict[str, Any]) -> Wishes:
    return Wishes(
        url=said["url"].rstrip("/"),
        image=said["image"],
        version=__version__,
        namespace=said["namespace"],
        jobs=said["jobs_namespace"],
        pull=said["pull_policy"],
        pull_secrets=said["pull_secrets"],
        replicas=said["replicas"],
        workers=said["workers"],
        slots=said["slots"] or 0,
        surplus=said["surplus"],
        blobs=said["blobs"],
        claim=said["claim"],
        s3_endpoint=said["s3_endpoint"],
        s3_region=said["s3_region"],
        names=Names(database=said["database_secret"], s3=said["s3_secret"]),
        pools=_pools(said["pools_file"]),
        env=dict(_variable(each) for each in said["variables"]),
        env_secrets=said["env_secrets"],
        runner_hosts=said["runner_hosts"],
        networks=Networks(said["deny"], said["allow"], said["to_server"]),
        ingress=said["ingress"],
        ingress_class=said["ingress_class"],
        ingress_tls=said["ingress_tls"],
        monitor=said["service_monitor"],
        kubernetes=version(said["kubernetes"]) if said["kubernetes"] else NEWEST,
    )


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UserError(f"--env {text!r} is no variable", hint="write --env NAME=VALUE")
    return name, value


def _pools(file: Path | None) -> dict[str, Any]:
    """Return the pools as the file says them, read once to find mistakes now and not in a pod."""
    if file is None:
        return {"default": {}}
    import yaml

    from steersman.cluster.kubernetes import pools

    try:
        said = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{file} cannot be read: {error}") from error
    pools.read(said, place=str(file))
    found: dict[str, Any] = said
    return found


def made(wishes: Wishes) -> secrets.Made:
    """Make new keys, tokens and a certificate."""
    from steersman import keyring
    from steersman.cli.installing import certificates
    from steersman.core import tokens

    return secrets.Made(
        keyring=keyring.written([keyring.new_key()]),
        attempt_key=os.urandom(32).hex(),
        admin=tokens.make(tokens.Kind.PERSONAL, os.urandom(20)),
        worker=tokens.make(tokens.Kind.WORKER, os.urandom(20)),
        certificate=certificates.make(secrets.served_names(wishes), datetime.now(UTC)),
    )
