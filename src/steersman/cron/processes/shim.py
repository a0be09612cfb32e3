"""Starts one command, keeps its output's end and its exit code, and ends it when it is told to.

A run does not need who launched it: its shim stands between both, as containerd's does. There is
one for each run, so it holds next to nothing. On its output it says that the run has begun, or why
it cannot.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import time
from collections.abc import Mapping, Sequence

STARTED, ENDED = "started", "ended"
OUTPUT, BEFORE = "output", "output.before"
BEGAN = b"began\n"
KEPT = 256 * 1024
"""So much of the end of a command's output is kept at least, and twice as much at most."""
_PIECE = 64 * 1024
_told: list[int] = []


def main(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Be the shim of the run in a folder: *words* are that, limit, grace, directory, command."""
    folder, limit, grace, directory, *command = words
    os.setsid()
    os.chdir(folder)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, frame: _told.append(got))
    signal.signal(signal.SIGCHLD, lambda got, frame: None)
    output, theirs = os.pipe()
    gate, opening = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(opening)
        _become(command, environment, directory, (gate, theirs))
    os.close(theirs)
    os.setpgid(child, child)
    lock = _claim(child)
    if lock is None:
        # The child goes as the gate is closed with us.
        return 0
    os.write(opening, b"\n")
    _answer()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    why = _follow(child, (output, woken), float(limit), float(grace))
    _, status = os.waitpid(child, 0)
    _keep(status, why)
    return 0


def _become(
    command: list[str], environment: Mapping[str, str], directory: str, pipes: tuple[int, int]
) -> None:
    """Be the command as soon as it is written down that it is."""
    gate, output = pipes
    code = 126
    try:
        os.setpgid(0, 0)
        if not os.read(gate, 1):
            os._exit(code)
        os.dup2(output, 1)
        os.dup2(output, 2)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD,
                       signal.SIGPIPE, signal.SIGXFSZ):  # fmt: skip
            signal.signal(number, signal.SIG_DFL)
        os.chdir(directory)
        os.execvpe(command[0], command, environment)  # noqa: S606 - no shell, unless it is the command
    except FileNotFoundError as error:
        code = 127
        _complain(command, error)
    except OSError as error:
        _complain(command, error)
    finally:
        os._exit(code)


def _answer() -> None:
    try:
        os.write(1, BEGAN)
    except OSError:
        # Who launched us is gone; the run goes on.
        return


def _complain(command: list[str], error: OSError) -> None:
    what = error.filename or command[0]
    os.write(2, os.fsencode(f"steer cron: cannot start {what}: {error.strerror}\n"))


def _claim(child: int) -> int | None:
    """Write down that the run has begun, as what; None where another shim has done so.

    The descriptor that is returned is locked as long as we live.
    """
    boot = _read("/proc/sys/kernel/random/boot_id").strip()
    me = os.getpid()
    text = (
        f'{{"boot": "{boot}", "shim": [{me}, "{began(me)}"], '
        f'"command": [{child}, "{began(child)}"], "at": {time.time():.6f}}}\n'
    )
    name = f".{STARTED}-{me}"
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.write(handle, text.encode())
    os.fsync(handle)
    try:
        os.link(name, STARTED)
    except FileExistsError:
        return None
    finally:
        os.unlink(name)
    # What was launched and that it began outlives the machine: only then it begins.
    for each in ("run.json", ".", ".."):
        _fsync(each)
    return handle


def _follow(child: int, pipes: tuple[int, int], limit: float, grace: float) -> str:
    """Keep the output until the command has ended; return why we ended it, if we did.

    What is left of its group after *grace* seconds is killed.
    """
    output, woken = pipes
    tail = Tail()
    ends = time.monotonic() + limit if limit else None
    open_ = [woken, output]
    why = ""
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        left = None if ends is None else max(0.0, ends - time.monotonic())
        ready = select.select(open_, [], [], left)[0]
        if woken in ready:
            os.read(woken, _PIECE)
        if output in ready and not tail.take(output):
            open_.remove(output)
        over = ends is not None and time.monotonic() >= ends
        if why:
            if over:
                _signal(child, signal.SIGKILL)
                ends = None
        elif _told or over:
            why = "stopped" if _told else "limit"
            ends = time.monotonic() + grace
            _signal(child, signal.SIGTERM)
    if why:
        _signal(child, signal.SIGKILL)
    os.set_blocking(output, False)
    while output in open_ and tail.take(output) and tail.late < KEPT:
        tail.late += _PIECE
    return why


def _signal(group: int, number: int) -> None:
    """Send to all of the group; its number is not given anew before the command is waited for."""
    try:
        os.killpg(group, number)
    except OSError:
        return


class Tail:
    """The end of an output, in two files of which the older one is dropped in turn."""

    def __init__(self) -> None:
        self.late = 0
        self._size = 0
        self._handle = -1

    def take(self, source: int) -> bool:
        """Move a piece from *source*; False when there is none."""
        try:
            piece = os.read(source, _PIECE)
        except BlockingIOError:
            return False
        if piece:
            self._write(piece)
        return bool(piece)

    def _write(self, piece: bytes) -> None:
        """Write a piece; on a full disk it is lost, and the command is not held up."""
        try:
            if self._handle < 0:
                self._handle = os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._size += os.write(self._handle, piece)
            if self._size >= KEPT:
                os.replace(OUTPUT, BEFORE)
                os.close(self._handle)
                self._handle, self._size = -1, 0
        except OSError:
            return


def _keep(status: int, why: str) -> None:
    """Write down how the command ended; while the disk is full we stay, as only we know it."""
    code = os.waitstatus_to_exitcode(status)
    text = f'{{"code": {code}, "why": "{why}", "at": {time.time():.6f}}}\n'
    while True:
        try:
            write(ENDED, text)
        except OSError:
            time.sleep(1.0)
        else:
            return


def write(name: str, text: str) -> None:
    """Write a file of this folder that is whole or not there, also after a power cut."""
    new = f".{name}-{os.getpid()}"
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(new, name)
    _fsync(".")


def _fsync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def began(pid: int) -> str:
    """Return the kernel's start time of a process, which tells it from others of its number."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()[19]


def _read(path: str) -> str:
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, _PIECE).decode("utf-8", "replace")
    finally:
        os.close(handle)
