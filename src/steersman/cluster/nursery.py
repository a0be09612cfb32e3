"""The process that runners are forked from: it has imported already what every runner needs.

`python -m steersman.cluster.nursery FD ENTRY MODULE...` answers requests on the socket FD, each a
line of JSON, until the other end closes it. ENTRY is `module:function`, which gets the folder of
the runner and returns its exit code. Runners do not depend on it once they live.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from steersman.cluster import folders, processes
from steersman.cluster.processes import Account, Birth, Entry
from steersman.core.errors import SteersmanError

_PIECE = 64 * 1024


def main(arguments: list[str]) -> int:
    """Import what is named, then fork a runner for each request."""
    control, entry_name, *modules = arguments
    os.umask(0o077)
    gc.disable()
    for name in modules:
        importlib.import_module(name)
    module, _, function = entry_name.partition(":")
    entry: Entry = getattr(importlib.import_module(module), function)
    # Runners share these pages as long as nobody counts through them.
    gc.freeze()
    # Ended runners leave no zombies; a Ctrl-C in the worker's terminal is not for us.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _serve(int(control), entry)
    return 0


def _serve(control: int, entry: Entry) -> None:
    # Bare descriptors: an object round one could close it again in a runner.
    os.set_inheritable(control, False)  # noqa: FBT003
    try:
        os.write(control, b'{"ready": true}\n')
        for line in _lines(control):
            os.write(control, json.dumps(_answer(json.loads(line), entry)).encode() + b"\n")
    except (BrokenPipeError, ConnectionResetError):
        return


def _lines(control: int) -> Iterator[bytes]:
    buffer = b""
    while piece := os.read(control, _PIECE):
        *lines, buffer = (buffer + piece).split(b"\n")
        yield from lines


def _answer(request: dict[str, Any], entry: Entry) -> dict[str, Any]:
    try:
        account = processes.account(request["user"])
        return {"pid": _bear(Path(request["folder"]), account, entry)}
    except SteersmanError as error:
        return {"refused": str(error), "hint": error.hint}
    except OSError as error:
        return {"failed": str(error)}


def _bear(folder: Path, account: Account | None, entry: Entry) -> int | None:
    """Fork the runner of a folder; None where it had one already."""
    alive = folders.claim(folder)
    if alive is None:
        return None
    handles = [alive]
    try:
        log = os.open(
            folder / folders.LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600
        )
        handles.append(log)
        if account is not None:
            _give(folder, log, account)
        pid = os.fork()
        if pid == 0:
            processes.live(entry, Birth(folder, alive, log, account))
        processes.note(alive, pid)
        return pid
    except OSError:
        # There was no runner: another try may make one.
        (folder / folders.ALIVE).unlink(missing_ok=True)
        raise
    finally:
        for handle in handles:
            os.close(handle)


def _give(folder: Path, log: int, account: Account) -> None:
    """Let the folder be the user's: last of all, as then it is not ours to trust."""
    os.fchown(log, account.uid, account.gid)
    os.chown(folder / folders.SPEC, account.uid, account.gid, follow_symlinks=False)
    os.chown(folder, account.uid, account.gid)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
