"""A terminal in a container: an exec of the engine with a terminal, on a stream of its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from steersman.containers import terminals
from steersman.containers.docker.connection import Connection
from steersman.containers.docker.engine import Engine, EngineRefused
from steersman.containers.terminals import Size
from steersman.core.errors import Refused, SteersmanError

START_DEADLINE = 30.0
CHUNK = 64 * 1024
_HANG_UP = 'kill -HUP "$0"; kill -CONT "$0"'


class DockerTerminal:
    """The shell of exec *identity* in the container at *path*."""

    def __init__(self, engine: Engine, path: str, identity: str, connection: Connection) -> None:
        self._engine = engine
        self._path = path
        self._exec = f"/exec/{identity}"
        self._connection = connection
        self._rest = b""
        self._shell = ""
        self._ended = False

    async def begin(self, first: bytes) -> None:
        """Wait for the shell's first line, its process id in the box."""
        said = first
        while b"\n" not in said and (data := await self._more()):
            said += data
        line, newline, self._rest = said.partition(b"\n")
        self._shell = line.decode(errors="replace").strip()
        if not newline or not self._shell.isdigit():
            why = said.decode(errors="replace").strip() or "it ended without a word"
            raise Refused(f"no shell starts in the box: {why}")

    async def _more(self) -> bytes:
        try:
            data = await self._connection.reader.read(CHUNK)
        except (OSError, EOFError):
            data = b""
        self._ended |= not data
        return data

    async def read(self) -> bytes:
        if self._rest:
            data, self._rest = self._rest, b""
            return data
        return await self._more()

    async def write(self, data: bytes) -> None:
        with suppress(OSError):
            self._connection.writer.write(data)
            await self._connection.writer.drain()

    async def resize(self, size: Size) -> None:
        # A shell that ends just now, or an engine that does not answer, takes no size.
        with suppress(SteersmanError):
            await self._engine.post(f"{self._exec}/resize", w=str(size.columns), h=str(size.rows))

    async def close(self) -> None:
        # The engine lets an exec run on when nobody is attached to it any more.
        if self._shell and not self._ended:
            with suppress(SteersmanError):
                await self._hang_up()
        self._connection.abort()
        await asyncio.sleep(0)

    async def _hang_up(self) -> None:
        words = ["/bin/sh", "-c", _HANG_UP, self._shell]
        made = await self._engine.post(f"{self._path}/exec", {"Cmd": words})
        await self._engine.request("POST", f"/exec/{made['Id']}/start", data={"Detach": True})


async def start(engine: Engine, path: str, prepare: str, size: Size) -> DockerTerminal:
    """Start a shell on a terminal in the container at *path*."""
    wanted = {
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": True,
        "Env": [f"TERM={terminals.TERM}"],
        "Cmd": terminals.command(prepare),
    }
    try:
        made = await engine.post(f"{path}/exec", wanted)
        said = {"Detach": False, "Tty": True}
        connection, first = await engine.hijack(f"/exec/{made['Id']}/start", said)
    except EngineRefused as error:
        raise Refused(f"no shell starts in the box: {error}") from error
    terminal = DockerTerminal(engine, path, str(made["Id"]), connection)
    try:
        async with asyncio.timeout(START_DEADLINE):
            await terminal.begin(first)
        await terminal.resize(size)
    except TimeoutError:
        await terminal.close()
        raise Refused(f"no shell starts in the box within {START_DEADLINE:g} s") from None
    except BaseException:
        await terminal.close()
        raise
    return terminal
