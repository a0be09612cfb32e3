"""Logs of the platform: how fast one goes in and out, how live many are, and what a giant takes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from bench import _platform as platform
from bench import platform_queue as queue
from bench._platform import Api, Row, Started

MIB = 1024 * 1024
LINE = b"a line of a log, such as a compiler writes: src/thing.c:42: fine\n"
PIECE = (LINE * (MIB // len(LINE) + 1))[:MIB]
ATTEMPTS = 50
RATE = 200


class Sizes(NamedTuple):
    """MiB of a log that is timed, how often, seconds of the live ones, MiB of the giant."""

    timed: int = 128
    rounds: int = 5
    seconds: int = 20
    giant: int = 1024 if os.environ.get("BENCH_FULL") == "1" else 256


QUICK = Sizes(timed=32, rounds=1, seconds=4, giant=64)


class Runner(NamedTuple):
    """An attempt that has begun, and a connection with its token."""

    attempt: str
    api: Api

    def send(self, pieces: int) -> float:
        """Send so many MiB and return the seconds."""
        began = time.perf_counter()
        for number in range(pieces):
            path = f"/runner/v1/log?offset={number * MIB}"
            self.api.response("PUT", path, PIECE).read()
        return time.perf_counter() - began

    def end(self, pieces: int) -> None:
        record = {"runner": "bench", "state": "succeeded", "log_size": pieces * MIB}
        self.api.call("POST", "/runner/v1/record", record)


def begin(up: Started, worker: Api) -> Runner:
    """Lease an attempt and let it begin."""
    said = {
        "worker": "one", "pools": ["default"], "capabilities": [],
        "slots": 100, "take": 1, "wait": 0.0,
    }  # fmt: skip
    granted = worker.call("POST", "/worker/v1/lease", said)["granted"][0]
    api = up.api(granted["token"])
    api.call("POST", "/runner/v1/started", {"runner": "bench"})
    return Runner(granted["attempt"], api)


def read(api: Api, attempt: str, size: int) -> float:
    """Read a whole log and return the seconds."""
    began = time.perf_counter()
    answer = api.response("GET", f"/api/v1/attempts/{attempt}/log")
    found = 0
    while piece := answer.read(4 * MIB):
        found += len(piece)
    assert found == size
    return time.perf_counter() - began


def speed(up: Started, worker: Api, sizes: Sizes) -> list[Row]:
    """Measure one attempt's log in and out, one after the other."""
    turns = []
    for turn in range(sizes.rounds + 1):
        runner = begin(up, worker)
        into = runner.send(sizes.timed)
        runner.end(sizes.timed)
        out = read(up.api(), runner.attempt, sizes.timed * MIB)
        if turn:
            turns.append((into, out))
    megabytes = sizes.timed * MIB / 1e6
    into, out = (megabytes / platform.median([turn[n] for turn in turns]) for n in (0, 1))
    return [
        ("one log, in", f"{into:.0f} MB/s", "100 MB/s"),
        ("one log, out", f"{out:.0f} MB/s", "100 MB/s"),
    ]


def live(up: Started, said: dict[str, Any], sizes: Sizes) -> list[Row]:
    """Measure how late the lines of many growing logs are seen."""
    before = up.group.seconds()
    wanted = {"attempts": ATTEMPTS, "rate": RATE, "lines": RATE * sizes.seconds}
    found = platform.simulate(said | {"kind": "live"} | wanted)
    assert found["complete"]
    cores = (up.group.seconds() - before) / sizes.seconds
    what = f"{ATTEMPTS} logs of {RATE} lines/s with a reader each"
    late = f"{found['median'] * 1000:.0f} ms, {found['most'] * 1000:.0f} ms"
    return [
        (f"{what}: lines seen within 0.5 s", f"{found['in_time']:.2%}", "99 %"),
        (f"{what}: delay, median and most", late, ""),
        (f"{what}: CPU of the server", f"{cores:.2f} cores", ""),
    ]


def giant(up: Started, worker: Api, sizes: Sizes) -> list[Row]:
    """Measure how far the server's memory rises over a giant log, in and out."""
    before = platform.memory(up.pid)
    # From here on the peak is counted anew.
    Path(f"/proc/{up.pid}/clear_refs").write_text("5")
    runner = begin(up, worker)
    runner.send(sizes.giant)
    runner.end(sizes.giant)
    read(up.api(), runner.attempt, sizes.giant * MIB)
    grown = platform.memory(up.pid, "VmHWM") - before
    return [(f"a log of {sizes.giant} MiB: peak growth of the server", f"{grown:.0f} MiB", "50 MB")]


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - the flag of the command
    """Measure and return rows of (what, figure, goal)."""
    sizes = QUICK if quick else Sizes()
    with platform.scratch() as folder, queue.server(folder / "logs", "") as up:
        queue.fill(up, "", folder / "repository", 1, ATTEMPTS + 2 * sizes.rounds + 10)
        token = up.worker_token()
        worker = up.api(token)
        # The giant is first: what the others leave would hide how far memory rises.
        begin(up, worker).end(0)
        rows = giant(up, worker, sizes)
        rows = speed(up, worker, sizes) + rows
        return rows + live(up, {"port": up.port, "token": up.token, "worker": token}, sizes)


if __name__ == "__main__":
    platform.show(main)
