"""Puts a server together from a folder and flags: the only place that chooses its doors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from steersman import keyring
from steersman.blobs.base import Blobs
from steersman.clock import SystemClock
from steersman.core.errors import UserError
from steersman.core.schedules import pacing
from steersman.keyring import Keyring
from steersman.mirrors import Mirrors, Rules
from steersman.server.logs import Logs
from steersman.server.moving import Rules as MovingRules
from steersman.server.oidc import OidcSettings
from steersman.server.outgoing import mail, noting
from steersman.server.platform import Platform, Settings
from steersman.server.queue import Queue
from steersman.server.shells import Relay
from steersman.store.migrating import migrate
from steersman.store.sql import Store

KEY_BYTES = 32


class Options(NamedTuple):
    """What decides how a server is made. Empty texts mean: in the folder."""

    folder: Path
    url: str
    database: str = ""
    blobs: str = ""
    allow_local: bool = False
    allow_http: bool = False
    allow_private_targets: bool = False
    schedule_rate: float = pacing.RATE


def build(options: Options, environ: Mapping[str, str] = os.environ) -> Platform:
    """Make what is missing in the folder, bring the database up to date, open the doors."""
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    url = options.database or f"sqlite:///{folder.absolute() / 'steersman.db'}"
    migrate(url)
    clock = SystemClock()
    store = Store(url, clock)
    blobs = _blobs(options, environ)
    mirrors = Mirrors(
        folder / "mirrors",
        rules=Rules(allow_local=options.allow_local, allow_http=options.allow_http),
    )
    return Platform(
        store=store,
        blobs=blobs,
        mirrors=mirrors,
        keyring=_keyring(folder, environ),
        clock=clock,
        queue=Queue(store, MovingRules(clock.new_id, told=noting.note)),
        logs=Logs(store, blobs),
        settings=Settings(
            options.url.rstrip("/"),
            _attempt_key(folder, environ),
            allow_private_targets=options.allow_private_targets,
            schedule_rate=options.schedule_rate,
        ),
        shells=Relay(store.waking),
    )


def mailer(environ: Mapping[str, str] = os.environ) -> mail.Settings | None:
    """Return the mail server; None where nobody named one: then no e-mail is sent."""
    host = environ.get("STEERSMAN_SMTP_HOST")
    if not host:
        return None
    tls = environ.get("STEERSMAN_SMTP_TLS", mail.Tls.STARTTLS)
    port = environ.get("STEERSMAN_SMTP_PORT", "587")
    if tls not in set(mail.Tls) or not (port.isascii() and port.isdigit()):
        raise UserError(
            "the mail server cannot be understood",
            hint="STEERSMAN_SMTP_PORT is a number, STEERSMAN_SMTP_TLS is none, starttls or tls",
        )
    return mail.Settings(
        host=host,
        sender=environ.get("STEERSMAN_SMTP_FROM", "steersman@localhost"),
        port=int(port),
        tls=mail.Tls(tls),
        user=environ.get("STEERSMAN_SMTP_USER", ""),
        password=environ.get("STEERSMAN_SMTP_PASSWORD", ""),
    )


def oidc(environ: Mapping[str, str] = os.environ) -> OidcSettings | None:
    """Return whom to believe about who somebody is; None where nobody was named."""
    issuer = environ.get("STEERSMAN_OIDC_ISSUER")
    if not issuer:
        return None
    return OidcSettings(
        issuer=issuer,
        client_id=environ.get("STEERSMAN_OIDC_CLIENT_ID", ""),
        client_secret=environ.get("STEERSMAN_OIDC_CLIENT_SECRET", ""),
        name=environ.get("STEERSMAN_OIDC_NAME", "OIDC"),
        admins=tuple(environ.get("STEERSMAN_OIDC_ADMINS", "").split()),
        allowed_domains=tuple(environ.get("STEERSMAN_OIDC_DOMAINS", "").split()),
    )


def _blobs(options: Options, environ: Mapping[str, str]) -> Blobs:
    if not options.blobs or not options.blobs.startswith("s3://"):
        from steersman.blobs.folder import FolderBlobs

        return FolderBlobs(Path(options.blobs) if options.blobs else options.folder / "blobs")
    try:
        from steersman.blobs.s3 import S3Blobs, S3Settings
    except ImportError:
        raise UserError("blobs in S3 need obstore", hint="pip install 'steersman[s3]'") from None
    bucket, _, prefix = options.blobs.removeprefix("s3://").partition("/")
    return S3Blobs(
        S3Settings(
            bucket=bucket,
            prefix=prefix,
            endpoint=environ.get("STEERSMAN_S3_ENDPOINT", ""),
            region=environ.get("STEERSMAN_S3_REGION", "us-east-1"),
            access_key=environ.get("STEERSMAN_S3_ACCESS_KEY", ""),
            secret_key=environ.get("STEERSMAN_S3_SECRET_KEY", ""),
        )
    )


def _keyring(folder: Path, environ: Mapping[str, str]) -> Keyring:
    """Return the keys of the secrets: of the environment, or of a file that is made once."""
    if said := environ.get("STEERSMAN_KEYRING"):
        return keyring.parse(said, "STEERSMAN_KEYRING")
    path = folder / "keys" / "keyring"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return keyring.read(path) if path.exists() else keyring.create(path)


def _attempt_key(folder: Path, environ: Mapping[str, str]) -> bytes:
    """Return the key that signs the tokens of attempts; all servers of one store share it."""
    if said := environ.get("STEERSMAN_ATTEMPT_KEY"):
        return said.encode()
    path = folder / "keys" / "attempts"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(KEY_BYTES))
    return path.read_bytes()
