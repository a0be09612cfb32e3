"""What must be known to use a bucket, and the library's store that is made of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from steersman.blobs.s3_errors import reason_of
from steersman.core.errors import UserError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Store

LONGEST_GET = timedelta(days=1)
"""A slow reader is no reason to end; only silence of the store is."""
_ADDRESS = re.compile(
    r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?(/[\w./-]*)?", re.ASCII
)


class S3Settings(NamedTuple):
    """Where the bucket is, and who we are there.

    Without *endpoint* it is Amazon's. Without *access_key* the credentials are found as Amazon's
    own programs find them. A request is tried again at most *retries* times and for *patience*
    seconds, and is given up when the store is silent for *silence* seconds.
    """

    bucket: str
    endpoint: str = ""
    prefix: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""
    retries: int = 5
    patience: float = 30.0
    silence: float = 30.0

    def __repr__(self) -> str:
        """Tell everything but the key, which must not come into a log."""
        return f"S3Settings({self.bucket!r}, endpoint={self.endpoint!r}, prefix={self.prefix!r})"


def open_store(settings: S3Settings) -> S3Store:
    """Return the library's store; nothing is sent yet."""
    _check(settings)
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError as error:
        raise UserError(
            "blobs in S3 need a library that is not installed", hint="install `steersman[s3]`"
        ) from error
    try:
        return S3Store(
            prefix=settings.prefix or None,
            config=_config(settings),
            client_options=_client(settings),
            retry_config=_retries(settings),
        )
    except (BaseError, ValueError, OverflowError) as error:
        raise UserError(f"the settings of the blob store are wrong: {reason_of(error)}") from error


def _check(settings: S3Settings) -> None:
    """Raise `UserError` for what the library would take, and crash on later."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", settings.bucket):
        raise UserError(f"the blob store's bucket {settings.bucket!r} cannot be one's name")
    if settings.endpoint and not _ADDRESS.fullmatch(settings.endpoint):
        raise UserError(
            f"the blob store's endpoint {settings.endpoint!r} is no address",
            hint="write it like https://s3.example.com or http://minio:9000",
        )


def _config(settings: S3Settings) -> S3Config:
    # One request for each delete: not every store has the one that deletes many.
    config: S3Config = {
        "bucket": settings.bucket,
        "region": settings.region,
        "disable_bulk_delete": True,
    }
    if settings.endpoint:
        config["endpoint"] = settings.endpoint.rstrip("/")
    if settings.access_key:
        config["access_key_id"] = settings.access_key
        config["secret_access_key"] = settings.secret_key
    return config


def _client(settings: S3Settings) -> ClientConfig:
    silence = timedelta(seconds=settings.silence)
    return {
        "allow_http": settings.endpoint.startswith("http://"),
        "connect_timeout": min(silence, timedelta(seconds=5)),
        "read_timeout": silence,
        "timeout": LONGEST_GET,
    }


def _retries(settings: S3Settings) -> RetryConfig:
    return {
        "max_retries": settings.retries,
        "retry_timeout": timedelta(seconds=settings.patience),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=5),
            "base": 2,
        },
    }
