"""Waiting until a service answers: its HEALTHCHECK, or else a port of it."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, NamedTuple

from steersman.containers.base import Service, ServiceEnded
from steersman.containers.docker.engine import Engine, EngineRefused
from steersman.core import services
from steersman.core.errors import Refused
from steersman.core.services import Ended

POLL = 0.1
CONNECT = 1.0
SETTLED = 1.0
_HINT = "is its command right, and has it the variables it needs?"


class Look(NamedTuple):
    """What was seen of a service."""

    running: bool
    exit_code: int
    health: str
    error: str
    out_of_memory: bool = False


class NotReady(Exception):
    """The service will not answer; the message says why, and *ended* how it ended, if it did."""

    def __init__(self, message: str, ended: Ended | None = None) -> None:
        super().__init__(message)
        self.ended = ended


async def wait(engine: Engine, service: Service, seconds: float) -> None:
    """Return when the service answers, else raise `NotReady`."""
    try:
        async with asyncio.timeout(seconds):
            await _wait(engine, service)
    except TimeoutError:
        raise NotReady(f"did not answer within {seconds:g} seconds") from None


async def _wait(engine: Engine, service: Service) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    local = engine.address.path is not None and sys.platform == "linux" and service.address
    ports = [int(port.partition("/")[0]) for port in service.ports if port.endswith("/tcp")]
    while True:
        look = await _look(engine, service)
        if look.health == "healthy":
            return
        if not look.health:
            settled = loop.time() - began >= SETTLED
            if not ports:
                return
            answers = await _probe(service.address, ports) if local else None
            if answers or (answers is None and settled):
                return
        await asyncio.sleep(POLL)


async def _look(engine: Engine, service: Service) -> Look:
    try:
        look = read(await engine.get(f"/containers/{service.container}/json"))
    except EngineRefused as error:
        raise NotReady(f"is gone: {error}") from error
    if not look.running:
        raise NotReady(
            f"ended with exit code {look.exit_code}" + (f": {look.error}" if look.error else ""),
            Ended(look.exit_code, memory=look.out_of_memory),
        )
    return look


def read(data: dict[str, Any]) -> Look:
    """Read the state of a container; *health* is empty where there is no check."""
    state = data.get("State") or {}
    health = (state.get("Health") or {}).get("Status") or ""
    return Look(
        running=bool(state.get("Running")),
        exit_code=int(state.get("ExitCode") or 0),
        health="" if health == "none" else health,
        error=str(state.get("Error") or ""),
        out_of_memory=bool(state.get("OOMKilled")),
    )


async def _probe(address: str, ports: list[int]) -> bool | None:
    """Tell whether any port answers; None when this machine has no way to the container."""
    found = await asyncio.gather(*(_connects(address, port) for port in ports))
    if any(found):
        return True
    return None if all(one is None for one in found) else False


async def _connects(address: str, port: int) -> bool | None:
    try:
        async with asyncio.timeout(CONNECT):
            _, writer = await asyncio.open_connection(address, port)
    except ConnectionRefusedError:
        return False
    except OSError:
        return None
    writer.transport.abort()
    return True


def refused(service: Service, why: NotReady, log: str) -> Refused:
    """Put the end of the log beside the reason."""
    said = f"; the end of its log:\n{log.rstrip()}" if log.strip() else "; it printed nothing"
    text, hint = f"service {service.alias} {why}{said}", _HINT
    if why.ended is None:
        return Refused(text, hint=hint)
    return ServiceEnded(text, reason=services.reason(why.ended), hint=hint)
