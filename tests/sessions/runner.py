"""The runner's side of a FIFO session, for a container of its own: JSON lines in and out."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from steersman.sessions import fifo
from tests.sessions.driven import Driven


async def main(directory: Path, grace: float) -> None:
    transport = fifo.FifoTransport(directory)
    driven = Driven(transport, grace)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answer = await driven.answer(json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2])))
