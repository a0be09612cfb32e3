"""What every part of the server is given: its doors, its keys and its settings."""

from __future__ import annotations

from typing import NamedTuple

from steersman.blobs.base import Blobs
from steersman.clock import Clock
from steersman.core.schedules import pacing
from steersman.keyring import Keyring
from steersman.mirrors.git import Mirrors
from steersman.server.logs import Logs
from steersman.server.queue import Queue
from steersman.server.shells import Relay
from steersman.store.sql import Store

MIB = 1024 * 1024


class Settings(NamedTuple):
    """How the server behaves; sizes in bytes, times in seconds.

    *url* is how people reach it. *attempt_key* signs the tokens of attempts. *schedule_rate* is
    launches a second, 0 for no limit.
    """

    url: str
    attempt_key: bytes
    log_limit: int = 2048 * MIB
    artifact_limit: int = 5000 * MIB
    cache_limit: int = 2000 * MIB
    body_limit: int = 8 * MIB
    secure_cookies: bool = False
    allow_private_targets: bool = False
    schedule_rate: float = pacing.RATE


class Platform(NamedTuple):
    """One server's parts."""

    store: Store
    blobs: Blobs
    mirrors: Mirrors
    keyring: Keyring
    clock: Clock
    queue: Queue
    logs: Logs
    settings: Settings
    shells: Relay
