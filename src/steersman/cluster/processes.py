"""Processes of this machine: their identity over time, signals, and what a new one begins with."""

from __future__ import annotations

import contextlib
import gc
import os
import pwd
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

from steersman.core.errors import Refused

Entry = Callable[[Path], int]
BUG = 70


class Process(NamedTuple):
    """A process: its *began* tells it from a later one of the same number; empty if unknown."""

    pid: int
    began: str

    def line(self) -> str:
        return f"{self.pid} {self.began}\n"


class Account(NamedTuple):
    """Whom a runner runs as."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


class Birth(NamedTuple):
    """What a new process gets: its folder, the descriptors to keep, and whom to be."""

    folder: Path
    alive: int
    log: int
    account: Account | None


def account(name: str | None) -> Account | None:
    """Return the account of a runner; None for our own."""
    if name is None:
        return None
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        hint = "create it, or change `user` in the pool's settings"
        raise Refused(f"there is no user {name!r} on this machine", hint=hint) from None
    if os.geteuid() not in (0, found.pw_uid):
        hint = "only a worker of root can run jobs as somebody else"
        raise Refused(f"runners cannot become the user {name!r}", hint=hint)
    groups = tuple(os.getgrouplist(name, found.pw_gid))
    return Account(name, found.pw_uid, found.pw_gid, groups, found.pw_dir)


def note(alive: int, pid: int) -> None:
    """Write into `alive` which process it is: parent and child both do, whoever comes first."""
    os.pwrite(alive, Process(pid, _began(pid)).line().encode(), 0)


def parse(line: str) -> Process | None:
    """Read what `Process.line` wrote; None where it is not whole."""
    words = line.split()
    if not line.endswith("\n") or not words or not words[0].isdigit() or int(words[0]) < 2:
        return None
    return Process(int(words[0]), words[1] if len(words) > 1 else "")


def _began(pid: int) -> str:
    """Return the kernel's start time of a process, where it tells."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


def _owner(pid: int) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("Uid:")), "")
    return int(found.split()[1]) if found else None


def send(process: Process, number: signal.Signals, owner: int, *, group: bool = False) -> None:
    """Send a signal, unless the process is another by now, or not *owner*'s.

    Where runners are other users they could write any number where ours reads it.
    """
    if process.began and process.began != _began(process.pid):
        return
    if _owner(process.pid) not in (owner, None):
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if group:
            # A runner that was forked just now does not lead a group yet.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        os.kill(process.pid, number)


def live(entry: Entry, birth: Birth) -> NoReturn:
    """Be the new process that a fork just made, from its first moment to its end."""
    code = BUG
    try:
        _begin(birth)
        code = entry(birth.folder)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else BUG
    except BaseException:  # noqa: BLE001 - nothing may go back into the loop that forked us
        traceback.print_exc()
    finally:
        _leave(code)


def _leave(code: int) -> NoReturn:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code & 0xFF)


def _begin(birth: Birth) -> None:
    """Undo what came with the fork: session, streams, descriptors, signals, identity."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (birth.log, 1), (birth.log, 2)):
        os.dup2(source, target)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    most = most if 0 < most < 2**20 else 2**20
    os.closerange(3, birth.alive)
    os.closerange(birth.alive + 1, most)
    os.umask(0o077)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    note(birth.alive, os.getpid())
    _be_called("steer-runner")
    if birth.account is not None:
        _become(birth.account)
    os.chdir(birth.folder)
    gc.enable()


def _be_called(name: str) -> None:
    """Show this name in lists of processes, where that can be done; not the nursery's."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name)


def _become(account_: Account) -> None:
    if os.geteuid() == 0:
        os.setgroups(account_.groups)
        os.setgid(account_.gid)
        os.setuid(account_.uid)
    names = {"HOME": account_.home, "USER": account_.name, "LOGNAME": account_.name}
    os.environ.update(names)
