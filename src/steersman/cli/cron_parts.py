"""Puts the parts of cron together: cluster, ledger, configuration, program."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import click

from steersman.cli.cron_flags import ClusterFlags
from steersman.cluster.kubernetes import api as kubernetes
from steersman.cluster.kubernetes.api import Api
from steersman.cluster.kubernetes.reflector import Collection, Reflector
from steersman.core.errors import InvalidFile, UserError
from steersman.core.pipelines import report
from steersman.cron import times
from steersman.cron.configs import reading
from steersman.cron.configs.reading import Read, Reading
from steersman.cron.kubernetes.base import Changed, Follower, Object
from steersman.cron.kubernetes.configmap import ConfigMapLedger
from steersman.cron.ledger.base import Ledger
from steersman.patience import Patience, patience

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?")
CONNECTIONS = 4


def connect(flags: ClusterFlags) -> Api:
    """Return the way to the cluster that *flags* mean."""
    pause = patience()
    if flags.in_cluster or not flags.endpoint:
        if flags.in_cluster:
            return _client(None, pause)
        return kubernetes.connect(pause, flags.kubeconfig)
    return _client(flags, pause)


def _client(flags: ClusterFlags | None, pause: Patience) -> Api:
    """Log in as the flags say, or as the pod we are; each file of TLS counts by itself."""
    from lightkube.config.client_adapter import AsyncClient, ConnectionParams
    from lightkube.config.kubeconfig import KubeConfig
    from lightkube.config.models import Cluster, User
    from lightkube.core.exceptions import ConfigError

    try:
        if flags is None:
            found = KubeConfig.from_service_account()
        else:
            cluster = Cluster(
                server=flags.endpoint,
                certificate_auth=_text(flags.ca_file),
                insecure=flags.insecure,
            )
            user = User(
                username=flags.username or None,
                password=flags.password or None,
                token=flags.token or None,
                client_cert=_text(flags.cert_file),
                client_key=_text(flags.key_file),
            )
            found = KubeConfig.from_one(cluster=cluster, user=user, fname=Path.cwd() / "flags")
        one = found.get()
        if one is None:
            raise UserError("no cluster is named")
        return Api(AsyncClient(one, ConnectionParams()), pause)
    except (ConfigError, OSError, KeyError, ValueError) as error:
        raise UserError(
            f"the cluster cannot be reached as the flags say: {error}",
            hint="check the --kube flags; --kube-in-cluster works in a pod only",
        ) from error


def _text(file: Path | None) -> str | None:
    return None if file is None else str(file.absolute())


class _Followed:
    """A reflector as cron knows it."""

    def __init__(self, reflector: Reflector) -> None:
        self._reflector = reflector
        self.run = reflector.run

    @property
    def objects(self) -> Mapping[str, Object]:
        return self._reflector.objects


def follow(api: Api) -> Any:
    """Return what makes followers of *api*."""

    def make(
        path: str,
        keep: Callable[[Object], Object | None],
        parameters: Mapping[str, str],
        changed: Changed,
    ) -> Follower:
        collection = Collection(path, keep, parameters)
        return _Followed(Reflector(api, collection, changed, patience()))

    return make


def open_ledger(url: str, flags: ClusterFlags, api: Callable[[], Api]) -> Ledger:
    """Open the ledger at *url*; the cluster is only asked for where it holds the ledger."""
    clocks = times.system()
    kind, _, rest = url.partition(":")
    if kind == "configmap":
        if not _NAME.fullmatch(rest):
            raise UserError(f"{rest!r} cannot be the name of a ledger", hint="configmap:NAME")
        return ConfigMapLedger(api(), flags.namespace, rest, clocks.now, clocks.elapsed)
    from steersman.cron.ledger.sql import SqlLedger
    from steersman.store import engines

    try:
        sqlite = engines.is_sqlite(url)
        engine = engines.open_engine(url)
    except OSError as error:
        raise UserError(f"cannot open the ledger at {url}: {error.strerror}") from error
    executor = None if sqlite else ThreadPoolExecutor(CONNECTIONS, "ledger")
    ledger = SqlLedger(engine, clocks.now, executor)
    ledger.prepare()
    return ledger


def is_there(url: str) -> bool:
    """Tell whether the ledger at *url* may be there: a file that is not is no ledger."""
    if not url.startswith("sqlite"):
        return True
    from steersman.store import engines

    path = engines.parsed(url).database
    return bool(path) and Path(str(path)).is_file()


class Source(NamedTuple):
    """Where a configuration comes from; None is stdin, which is read once."""

    path: Path | None
    zone: str

    @property
    def name(self) -> str:
        return "stdin" if self.path is None else str(self.path)

    def text(self) -> str:
        """Return what is there now."""
        if self.path is None:
            return sys.stdin.read()
        try:
            return self.path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise UserError(f"cannot read {self.path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UserError(f"{self.path} is no UTF-8 text", hint="save it as UTF-8") from error

    def read(self, text: str, *, lint: bool = True) -> Read:
        """Read *text* as a configuration."""
        return reading.read(text, self.name, Reading(self.zone, int(time.time()), lint))


def source(config: Path | None, zone: str | None) -> Source:
    """Find the configuration: the file, or stdin when that is no terminal."""
    if config is None and sys.stdin.isatty():
        raise UserError(
            "no configuration is given", hint="name one by --config, or send one to stdin"
        )
    return Source(None if config is None or str(config) == "-" else config, zone or local_zone())


def local_zone() -> str:
    """Return the zone of this machine, as Cronetes took it: by TZ, else UTC in most containers."""
    name = os.environ.get("TZ", "").lstrip(":")
    if name:
        return name
    try:
        target = os.path.realpath("/etc/localtime")
    except OSError:
        return "UTC"
    _, found, name = target.partition("/zoneinfo/")
    return name if found else "UTC"


def checked(found: Read) -> Read:
    """Show the problems of a configuration on stderr; `InvalidFile` if it cannot be used."""
    if found.problems:
        click.echo(report.render(found.problems, found.source), err=True)
    if found.entries is None:
        raise InvalidFile(found.problems)
    return found


def holder() -> str:
    """Return a name that no other instance has or had."""
    return f"{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}"


def digest(text: str) -> str:
    """Return what tells two configurations apart."""
    return hashlib.sha256(text.encode()).hexdigest()
