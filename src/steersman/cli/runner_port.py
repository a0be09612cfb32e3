"""The port of a server that runners use, and nobody else can: it knows their routes only.

A network policy cannot tell a runner from the box beside it, so what a hostile box can reach has
to be harmless in itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import uvicorn

from steersman.core.errors import UserError
from steersman.server import app as apps
from steersman.server.platform import Platform

log = logging.getLogger("steersman.server")
LOOK_EVERY = 30.0
"""Seconds between looks for a certificate that was renewed."""


class Certificate:
    """A certificate with its key in files, which whoever renews it replaces."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = (certificate, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._seen = self._stamp()
        self._load()

    def _stamp(self) -> tuple[float, ...]:
        # A mounted Secret is exchanged by a link: the files behind it are others then.
        with contextlib.suppress(OSError):
            return tuple(os.stat(each).st_mtime_ns for each in self._files)
        return ()

    def _load(self) -> None:
        certificate, key = self._files
        try:
            self.context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise UserError(
                f"the certificate {certificate} with the key {key} cannot be used: {error}",
                hint="both are PEM files; --runner-tls-cert holds the whole chain",
            ) from error

    def renew(self) -> bool:
        """Take in files that were replaced; new connections get what is new."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        try:
            self._load()
        except UserError as error:
            # Both files are seldom replaced at once: the next look finds them together.
            log.warning("certificate_not_renewed: %s", error)
            return False
        self._seen = stamp
        log.info("certificate_renewed: %s", self._files[0])
        return True

    async def watch(self) -> NoReturn:
        """Look for new files for as long as this runs."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.renew()


class RunnerPort(NamedTuple):
    """Where runners are listened to, and the certificate that is shown to them."""

    at: socket.socket
    certificate: Certificate | None = None


class RunnerServer(uvicorn.Server):
    """Serves runners beside the main server, which alone hears signals."""

    def __init__(self, platform: Platform, port: RunnerPort, grace: int) -> None:
        self.app = apps.build_for_runners(platform)
        self._port = port
        context = port.certificate.context if port.certificate else None
        super().__init__(
            uvicorn.Config(
                self.app,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=grace,
                server_header=False,
                date_header=False,
                ssl_context_factory=(lambda config, default: context) if context else None,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def close(self) -> None:
        """Let go of those who wait, and end once the others are answered."""
        self.app.state.closing.set()
        self.should_exit = True

    async def run_beside(self) -> None:
        """Serve until `close`."""
        watching = None
        if self._port.certificate is not None:
            watching = asyncio.ensure_future(self._port.certificate.watch())
        try:
            await self.serve(sockets=[self._port.at])
        finally:
            if watching is not None:
                watching.cancel()
