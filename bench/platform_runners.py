"""The load of many runners and readers on a server, from one process: see `_platform.simulate`.

It speaks HTTP over plain streams, one connection for each runner and reader, since a client that
does more would be measured instead of the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

PIECE = b"a line of a log, such as a compiler writes: src/thing.c:42: fine\n"
PAUSE = 0.1
"""A runner's pause between two pieces of its log."""


class Connection:
    """One connection that is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, method: str, path: str, token: str, body: bytes = b"") -> bytes:
        """Return the body of the answer; `RuntimeError` unless it is a good one."""
        head = await self.send(method, path, token, body)
        length = next(
            int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")
        )
        answer = await self.reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"{method} {path}: {head[:40]!r} {answer!r}")
        return answer

    async def send(self, method: str, path: str, token: str, body: bytes = b"") -> bytes:
        """Send a request and return the head of its answer, in lower case."""
        self.writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        return first + b"\r\n" + rest.lower()

    async def say(self, path: str, token: str, said: Any) -> Any:
        return json.loads(await self.ask("POST", path, token, json.dumps(said).encode()))

    async def piece(self) -> bytes:
        """Return the next piece of an answer without a length; nothing at its end."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.reader.readexactly(size + 2))[:size]


async def lease(connection: Connection, said: dict[str, Any], worker: str) -> tuple[str, str]:
    """Lease one attempt and return its id and its token."""
    asked = {
        "worker": worker, "pools": ["default"], "capabilities": [],
        "slots": 100, "take": 1, "wait": 0,
    }  # fmt: skip
    granted = (await connection.say("/worker/v1/lease", said["worker"], asked))["granted"][0]
    return granted["attempt"], granted["token"]


async def begin(connection: Connection, said: dict[str, Any], worker: str) -> tuple[str, str]:
    """Lease an attempt and let its runner begin."""
    attempt, token = await lease(connection, said, worker)
    await connection.say("/runner/v1/started", token, {"runner": worker})
    return attempt, token


async def end(connection: Connection, token: str, worker: str, size: int) -> None:
    """Send the completion record."""
    record = {"runner": worker, "state": "succeeded", "log_size": size}
    await connection.say("/runner/v1/record", token, record)


async def cycles(said: dict[str, Any]) -> dict[str, Any]:
    """Lease, begin, send one piece, end: over and over on each connection."""
    spent = [0.0] * 4

    async def one(connection: Connection, worker: str) -> None:
        marks = [time.perf_counter()]
        _, token = await lease(connection, said, worker)
        marks.append(time.perf_counter())
        await connection.say("/runner/v1/started", token, {"runner": worker})
        marks.append(time.perf_counter())
        await connection.ask("PUT", "/runner/v1/log?offset=0", token, PIECE)
        marks.append(time.perf_counter())
        await end(connection, token, worker, len(PIECE))
        marks.append(time.perf_counter())
        for number in range(4):
            spent[number] += marks[number + 1] - marks[number]

    seconds = await _repeated(said, one)
    return {"seconds": seconds, "spent": [each / said["total"] for each in spent]}


async def triggers(said: dict[str, Any]) -> dict[str, Any]:
    """Trigger runs of several projects."""
    counted = iter(range(said["total"]))

    async def one(connection: Connection, worker: str) -> None:
        path = f"/api/v1/projects/project-{next(counted) % said['spread']}/triggers"
        await connection.say(path, said["token"], {"kind": "push", "branch": "main"})

    return {"seconds": await _repeated(said, one)}


async def _repeated(
    said: dict[str, Any], one: Callable[[Connection, str], Awaitable[None]]
) -> float:
    """Do *one* so many times on so many connections and return the seconds."""
    left = iter(range(said["total"]))

    async def repeat(connection: Connection, worker: str) -> None:
        for _ in left:
            await one(connection, worker)

    opened = [await Connection.open(said["port"]) for _ in range(said["connections"])]
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, connection in enumerate(opened):
            group.create_task(repeat(connection, f"worker-{number}"))
    return time.perf_counter() - began


async def live(said: dict[str, Any]) -> dict[str, Any]:
    """Write logs at a rate, read each as it grows, and count how late its lines are."""
    late: list[float] = []
    async with asyncio.TaskGroup() as group:
        for number in range(said["attempts"]):
            connection = await Connection.open(said["port"])
            attempt, token = await begin(connection, said, f"worker-{number}")
            reader = await Connection.open(said["port"])
            path = f"/api/v1/attempts/{attempt}/log?follow=true"
            await reader.send("GET", path, said["token"])
            group.create_task(_write(connection, said, token, f"worker-{number}"))
            group.create_task(_read(reader, late))
    late.sort()
    expected = said["attempts"] * said["lines"]
    shown = [each for each in late if each <= 0.5]
    return {
        "complete": len(late) == expected,
        "in_time": len(shown) / expected,
        "median": late[len(late) // 2],
        "most": late[-1],
    }


async def _write(connection: Connection, said: dict[str, Any], token: str, worker: str) -> None:
    """Send lines as a runner does: what there is, then a pause. Each says when it was due."""
    began, written, offset = time.time(), 0, 0
    while written < said["lines"]:
        due = min(said["lines"], int((time.time() - began) * said["rate"]))
        lines = (f"{began + n / said['rate']:.4f} {'x' * 60}\n" for n in range(written, due))
        data = "".join(lines).encode()
        if data:
            await connection.ask("PUT", f"/runner/v1/log?offset={offset}", token, data)
        written, offset = due, offset + len(data)
        await asyncio.sleep(PAUSE)
    await end(connection, token, worker, offset)


async def _read(connection: Connection, late: list[float]) -> None:
    rest = b""
    while piece := await connection.piece():
        now = time.time()
        *lines, rest = (rest + piece).split(b"\n")
        late += [now - float(line[:15]) for line in lines]


KINDS = {"cycles": cycles, "triggers": triggers, "live": live}

if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    print(json.dumps(asyncio.run(KINDS[wanted["kind"]](wanted))))
