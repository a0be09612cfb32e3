"""A box that is no box: a folder of this machine, and a shell that runs as we do."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from steersman import trees
from steersman.containers import owners, processes
from steersman.containers.base import BoxSpec, Leftover, Upload
from steersman.core.errors import Refused, Unavailable, UserError
from steersman.sessions import script
from steersman.sessions.attach import AttachTransport
from steersman.sessions.base import Kill
from steersman.trees import Collected, Limits

if TYPE_CHECKING:
    from steersman.containers.local_terminal import LocalTerminal
    from steersman.containers.terminals import Size

OWNER = ".owner"
# What a step needs to find programs and to print; the rest of our environment may hold secrets.
PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TERM",
    "TZ",
    "TMPDIR",
)


def environment(environ: Mapping[str, str], spec: BoxSpec) -> dict[str, str]:
    """Return what the shell is given: little of ours, all of the box's `env`."""
    passed = {name: environ[name] for name in PASSED_ON if name in environ}
    passed.setdefault("PATH", os.defpath)
    return {**passed, **spec.image.env, **spec.env, processes.MARK: spec.run_id}


class LocalBox:
    """The folder *root* stands for `/` before `/pipeline` and `/report`."""

    def __init__(self, spec: BoxSpec, root: Path) -> None:
        self._spec = spec
        self._root = root
        self.process: subprocess.Popen[bytes] | None = None
        self._close: Callable[[], Awaitable[None]] | None = None

    async def put(self, uploads: Sequence[Upload]) -> None:
        for upload in uploads:
            target = self._inside(upload.target)
            await asyncio.to_thread(trees.copy, upload.entries, target)

    def _inside(self, path: str) -> Path:
        """Refuse a path that is not of this run: everything else belongs to the user."""
        found = Path(os.path.normpath(path))
        if not found.is_relative_to(self._root):
            raise UserError(
                f"{path} is outside of the run's folder, and the host is not a box",
                hint="use a path below /pipeline or /report, or run in containers",
            )
        return found

    def spelled(self, uploads: Sequence[Upload]) -> str | None:
        return None

    async def start(self) -> AttachTransport:
        token = f"steersman-{secrets.token_hex(16)}"
        words = script.command(self._spec.shell, token=token, alone=False)
        # Real pipes, since asyncio would give sockets, which a shell cannot open again.
        stdin, ours_in = os.pipe()
        ours_out, stdout = os.pipe()
        try:
            self.process = self._spawn(words, stdin, stdout)
        except OSError as error:
            os.close(ours_in)
            os.close(ours_out)
            raise Refused(f"cannot start {words[0]}: {error.strerror}") from error
        finally:
            os.close(stdin)
            os.close(stdout)
        return await self._attach(ours_in, ours_out, token)

    def _spawn(self, words: list[str], stdin: int, stdout: int) -> subprocess.Popen[bytes]:
        (self._root / "pipeline").mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            words,
            stdin=stdin,
            stdout=stdout,
            stderr=stdout,
            cwd=self._root / "pipeline",
            env=environment(os.environ, self._spec),
            start_new_session=True,
        )

    async def _attach(self, into: int, out_of: int, token: str) -> AttachTransport:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=256 * 1024)
        reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(out_of, "rb", 0)
        )
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
            os.fdopen(into, "wb", 0),
        )
        writer = asyncio.StreamWriter(transport, protocol, None, loop)

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        async def close() -> None:
            for one in (writer, reading):
                if not one.is_closing():
                    one.close()
            # Closing is done by the loop, in two rounds of it.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        self._close = close
        return AttachTransport(reader, write, self._kill, token, close=close)

    async def _kill(self, what: Kill) -> None:
        if self.process is not None and self.process.poll() is None:
            await asyncio.to_thread(processes.kill, self._spec.run_id, self.process.pid, what)

    async def fetch(self, path: str, into: Path, limits: Limits) -> Collected:
        folder = self._inside(path)
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            return Collected(missing=True, skipped=(f"{path}: is not a folder",))
        if not folder.exists():
            return Collected(missing=True)
        return await asyncio.to_thread(trees.collect, folder, into, limits)

    async def terminal(self, prepare: str, size: Size) -> LocalTerminal:
        from steersman.containers import local_terminal, terminals

        env = {**environment(os.environ, self._spec), "TERM": terminals.TERM}
        words = terminals.command(prepare)
        return await local_terminal.start(words, env, self._root / "pipeline", size)

    async def end(self) -> None:
        """Kill everything of the run and wait for its first process."""
        await asyncio.to_thread(self._end)
        if self._close is not None:
            await self._close()

    def _end(self) -> None:
        leader = self.process.pid if self.process else None
        if self.process is None or self.process.poll() is not None:
            leader = None  # its number may belong to somebody else by now
        processes.kill_all(self._spec.run_id, leader)
        if self.process is not None:
            self.process.wait()


class LocalBoxes:
    """The boxes below *folder*, one folder for each run, which says who made it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._boxes: dict[str, LocalBox] = {}

    def root(self, run_id: str) -> Path:
        return self._folder / run_id

    def create(self, spec: BoxSpec) -> LocalBox:
        root = self.root(spec.run_id)
        try:
            root.mkdir(parents=True)
            (root / OWNER).write_text(str(owners.current()))
        except OSError as error:
            raise Unavailable(f"cannot make the folder {root}: {error.strerror}") from error
        self._boxes[spec.run_id] = LocalBox(spec, root)
        return self._boxes[spec.run_id]

    async def remove(self, run_id: str) -> None:
        box = self._boxes.pop(run_id, None)
        if box is not None:
            await box.end()
        else:
            await asyncio.to_thread(processes.kill_all, run_id)
        await asyncio.to_thread(_delete, self.root(run_id))

    def leftovers(self) -> list[Leftover]:
        found = sorted(self._folder.glob(f"*/{OWNER}"))
        return [
            Leftover(
                run_id=path.parent.name, owner=path.read_text(), kind="box", id=str(path.parent)
            )
            for path in found
        ]


def _delete(folder: Path) -> None:
    """Delete a folder, also one that was made unwritable."""
    if not folder.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for path, _, _ in os.walk(folder):
            os.chmod(path, 0o700)
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise Refused(
            f"cannot delete {folder}", hint="delete it yourself, with the rights it takes"
        )
