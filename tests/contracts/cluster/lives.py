"""What the runners of these tests do: an entry that a nursery calls."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from pathlib import Path

from steersman.cluster.folders import read_spec

READY = "ready"
FACTS = "facts.json"
BEGUN = "begun"


def main(folder: Path) -> int:
    """Live as the setting `life` says."""
    with open(folder / BEGUN, "a") as file:
        file.write("once\n")
    life = read_spec(folder).settings.get("life", "waits")
    if life == "fails":
        raise RuntimeError("the disk is on fire")
    if life == "tells":
        (folder / "facts").write_text(json.dumps(_facts()))
        (folder / "facts").rename(folder / FACTS)
    if life in ("tells", "ends"):
        return 0
    if life == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    (folder / READY).touch()
    while True:
        signal.pause()


def _facts() -> dict[str, object]:
    print("to the log")
    mask = os.umask(0)
    os.umask(mask)
    handles = sorted(int(name) for name in os.listdir("/proc/self/fd"))
    return {
        "leads": os.getsid(0) == os.getpid(),
        "mask": mask,
        "here": os.getcwd(),
        "name": Path("/proc/self/comm").read_text().strip(),
        "stdin": os.readlink("/proc/self/fd/0"),
        # The last one is of the folder that was listed just now.
        "open": [target for each in handles if (target := _target(each))],
        "child": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
        "interrupt": signal.getsignal(signal.SIGINT) == signal.default_int_handler,
        "term": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        "collects": gc.isenabled(),
        "environment": dict(os.environ),
        "who": [os.getuid(), os.getgid(), *os.getgroups()],
    }


def _target(handle: int) -> str:
    try:
        return os.path.basename(os.readlink(f"/proc/self/fd/{handle}"))
    except OSError:
        return ""
