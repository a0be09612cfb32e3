"""A reaper of 100,000 Jobs: its memory, its CPU for each, and its pace.

The API server is a stand-in: a process of its own that gives Jobs of the usual size page by page,
and takes deletes. `steer reap` is whole, with its client and its process.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

Row = tuple[str, str, str]
MANY, QUICK_MANY = 100_000, 5_000
PACE, PACED = 100, 2_000
JOBS = "/apis/batch/v1/namespaces/default/jobs"
# What a Job of a real cluster weighs: 3 to 4 kB of spec and of who wrote which field.
WEIGHT = [{"name": f"VARIABLE_{number}", "value": "x" * 60} for number in range(20)]
FIELD: dict[str, Any] = {".": {}, "f:name": {}, "f:value": {}}
MANAGED = {"f:env": {f'k:{{"name":"{each["name"]}"}}': FIELD for each in WEIGHT}}


def _stamp(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def job(number: int, ended: str) -> dict[str, Any]:
    """Return a Job that succeeded."""
    name = f"job-{number:06}-0123456789ab"
    container = {"name": "job", "image": "busybox", "command": ["true"], "env": WEIGHT}
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{number}",
            "labels": {"cronetes": "true"},
            "creationTimestamp": ended,
            "managedFields": [{"manager": "steer", "fieldsV1": MANAGED}],
        },
        "spec": {"template": {"spec": {"containers": [container], "restartPolicy": "Never"}}},
        "status": {
            "completionTime": ended,
            "conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": ended}],
        },
    }


class Cluster:
    """Jobs that are numbers: all but each tenth ended long ago."""

    def __init__(self, many: int) -> None:
        self._left = dict.fromkeys(range(many))
        self._old, self._new = _stamp(48), _stamp(0.1)

    def answer(self, method: str, target: str) -> dict[str, Any]:
        """Give a page, or take a Job away."""
        parts = urlsplit(target)
        if method == "DELETE":
            del self._left[int(parts.path.rpartition("/")[2].split("-")[1])]
            return {"kind": "Status", "status": "Success"}
        if parts.path != JOBS:
            return {"items": [], "metadata": {}}
        asked = parse_qs(parts.query)
        start, limit = int(asked.get("continue", ["-1"])[0]), int(asked["limit"][0])
        numbers = [number for number in self._left if number > start][: limit + 1]
        page, more = numbers[:limit], len(numbers) > limit
        items = [job(each, self._old if each % 10 else self._new) for each in page]
        return {"items": items, "metadata": {"continue": str(page[-1]) if more else ""}}


async def _talk(cluster: Cluster, reader: asyncio.StreamReader, writer: Any) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, _ = head.split(" ", 2)
            lengths = [line for line in head.lower().split("\r\n") if "content-length" in line]
            if lengths:
                await reader.readexactly(int(lengths[0].partition(":")[2]))
            body = json.dumps(cluster.answer(method, target)).encode()
            kind = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            )
            writer.write(kind % len(body) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def serve(many: int, told: Any) -> None:
    """Be the API server until killed; *told* hears the port."""

    async def forever() -> None:
        cluster = Cluster(many)
        server = await asyncio.start_server(lambda r, w: _talk(cluster, r, w), "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


class Ran(NamedTuple):
    """Of one `steer reap`: how long, how much CPU, and the most memory, in MiB."""

    seconds: float
    cpu: float
    memory: float
    said: str


def reap(many: int, rate: float) -> Ran:
    """Let `steer reap` remove them."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(many, theirs), daemon=True)
    server.start()
    try:
        endpoint = f"http://127.0.0.1:{ours.recv()}"
        words = [sys.executable, "-m", "steersman", "reap", "--kube-endpoint", endpoint]
        began = time.monotonic()
        child = subprocess.Popen([*words, "--rate", str(rate)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        last = ""
        for line in child.stdout:
            last = line
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        took = time.monotonic() - began
    finally:
        server.kill()
    assert child.returncode == 0
    return Ran(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, last.strip())


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - as all benchmarks here
    """Measure all of it: few, to know what a process takes anyhow, many, and some at a pace."""
    many = QUICK_MANY if quick else MANY
    few, all_of_them, paced = reap(10, 1e6), reap(many, 1e6), reap(PACED, PACE)
    deletes = many - -(-many // 10)
    what = f"reaping {deletes:,} of {many:,} Jobs"
    return [
        (f"{what}: most memory (10 Jobs: {few.memory:.0f} MiB)", f"{all_of_them.memory:.0f} MiB",
         "64 MiB"),
        (f"{what}, no pace: time", f"{all_of_them.seconds:.0f} s", "20 min"),
        (f"{what}: CPU of each", f"{all_of_them.cpu / deletes * 1000:.1f} ms", ""),
        (f"{PACED} at {PACE} a second: deletes/s", f"{PACED * 0.9 / paced.seconds:.0f}", ""),
    ]  # fmt: skip


if __name__ == "__main__":
    for row in main("--quick" in sys.argv[1:]):
        print(*row, sep="\t")
