"""Runs a server until somebody ends it; what runs elsewhere is not disturbed by that."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from types import FrameType
from typing import Any, NamedTuple

import uvicorn

from steersman.cli import server_parts
from steersman.cli.runner_port import RunnerPort, RunnerServer
from steersman.core.errors import SteersmanError, UserError
from steersman.server import app as apps
from steersman.server.collecting import Collector
from steersman.server.expiring import expire
from steersman.server.outgoing import sending
from steersman.server.outgoing.sending import Sender
from steersman.server.planning import Planner
from steersman.server.platform import Platform
from steersman.server.schedules_firing import Scheduler

log = logging.getLogger("steersman.server")
GRACE = 10


class Address(NamedTuple):
    """Where to listen. Port 0 means any that is free."""

    host: str
    port: int


def listen(address: Address, *, flag: str = "--listen") -> socket.socket:
    """Return the listening socket; `UserError` when somebody else has the port."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # Named as TCP, or asyncio does not turn Nagle's delay off: 40 ms for each answer.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((address.host, address.port))
    except OSError as error:
        found.close()
        raise UserError(
            f"cannot listen on {address.host}:{address.port}: {error.strerror}",
            hint=f"name another one by {flag} HOST:PORT",
        ) from error
    found.listen(1024)
    return found


async def serve(
    platform: Platform,
    at: socket.socket,
    beside: Callable[[], Awaitable[None]] | None = None,
    *,
    runners: RunnerPort | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; *beside* runs as soon as requests are answered.

    With *runners* these have a port of their own, which begins and ends with the other.
    Whoever waits for something (a log, events, work) is let go first; requests end in order.
    """
    settings = platform.settings
    sender = Sender(
        sending.Parts(
            platform.store,
            platform.keyring,
            settings.url,
            mail=server_parts.mailer(),
            allow_private=settings.allow_private_targets,
        )
    )
    app = apps.build(platform, tasks(platform, sender), server_parts.oidc())
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE,
        server_header=False,
        date_header=False,
    )
    closing: asyncio.Event = app.state.closing
    for_runners = RunnerServer(platform, runners, GRACE) if runners else None

    def close() -> None:
        closing.set()
        if for_runners is not None:
            for_runners.close()
        platform.store.waking.close()

    server = _Server(config, close)
    serving = asyncio.ensure_future(_all(server, at, for_runners))
    try:
        await asyncio.wait({serving, server.ready}, return_when=asyncio.FIRST_COMPLETED)
        if beside is not None and server.started:
            await _both(serving, beside, closing)
        await serving
    except SteersmanError:
        server.should_exit = True
        await serving
        raise
    finally:
        await sender.close()
        platform.store.close()
        await platform.blobs.close()


def tasks(platform: Platform, sender: Sender) -> tuple[apps.Task, ...]:
    """Return what runs beside the answering of requests: the task map of ARCHITECTURE.md."""
    collector = Collector(platform.store, platform.blobs, mirrors=platform.mirrors)
    return (
        Planner(platform).run,
        partial(expire, platform),
        platform.store.listen,
        sender.run,
        collector.run,
        Scheduler(platform, platform.settings.schedule_rate).run,
    )


async def _all(server: _Server, at: socket.socket, for_runners: RunnerServer | None) -> None:
    """Serve both ports; the end of either is the end of the other."""
    if for_runners is None:
        await server.serve(sockets=[at])
        return
    second = asyncio.ensure_future(for_runners.run_beside())
    second.add_done_callback(lambda _: server.close())
    try:
        await server.serve(sockets=[at])
    finally:
        for_runners.close()
        await second


async def _both(
    serving: asyncio.Future[None],
    beside: Callable[[], Awaitable[None]],
    closing: asyncio.Event,
) -> None:
    """Run *beside* until the server is to end."""
    other = asyncio.ensure_future(beside())
    told = asyncio.ensure_future(closing.wait())
    both: set[asyncio.Future[Any]] = {serving, other, told}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if other.done():
            other.result()
    finally:
        other.cancel()
        told.cancel()
        await asyncio.gather(other, told, return_exceptions=True)


class _Server(uvicorn.Server):
    """Lets go of those who wait before it waits for those who are being answered."""

    def __init__(self, config: uvicorn.Config, closing: Callable[[], None]) -> None:
        super().__init__(config)
        self._closing = closing
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.ready.done():
            self.ready.set_result(None)

    def close(self) -> None:
        """End, after those who are being answered."""
        self._closing()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # A signal comes between any two of the loop's steps.
        self._loop.call_soon_threadsafe(self._closing)
        if sig == signal.SIGINT and self.should_exit:
            self.force_exit = True
        self.should_exit = True
