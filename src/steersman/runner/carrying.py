"""Archives between server and runner: the source and the cache here, what was made there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from steersman import trees
from steersman.client import Client, patience, patiently
from steersman.core.errors import Refused
from steersman.runner.jobs import Places
from steersman.runner.reporting import GIVE_UP
from steersman.trees import Limits

MIB = 1024 * 1024
SOURCE = Limits(size=20_000 * MIB)
LONG = 600.0
PATIENCE = 900.0


async def fetch_source(client: Client, places: Places) -> None:
    """Bring the source here."""
    await patiently(
        lambda: _fetch(client, "/runner/v1/source", places.source, SOURCE),
        pause=patience(),
        give_up_after=PATIENCE,
    )


async def fetch_cache(client: Client, places: Places, limit: int) -> None:
    """Bring the cache here, if there is one; none is no harm."""
    await patiently(
        lambda: _fetch(client, "/runner/v1/cache", places.cache, Limits(size=limit)),
        pause=patience(),
        give_up_after=PATIENCE,
    )


async def _fetch(client: Client, path: str, into: Path, limits: Limits) -> bool:
    async with client.stream("GET", path, timeout=LONG) as answer:
        if answer.status == 204:
            return False
        try:
            await trees.unpack(answer.pieces, into, limits)
        except trees.TooLarge:
            raise Refused(f"{path.rpartition('/')[2]} is too large") from None
    return True


async def send_kept(client: Client, places: Places) -> None:
    """Send the output and the reports of steps."""
    output = places.kept / "output"
    if output.is_dir():
        await _send(client, "output", "output", output)
    reports = places.kept / "reports"
    for folder in sorted(reports.iterdir()) if reports.is_dir() else ():
        await _send(client, "report", folder.name, folder)


async def _send(client: Client, kind: str, name: str, folder: Path) -> None:
    entries = await asyncio.to_thread(trees.scan, folder)
    files = sum(entry.kind is trees.Kind.FILE for entry in entries)
    path = f"/runner/v1/artifacts/{kind}/{quote(name, safe='')}?files={files}"
    await _put(client, path, folder)


async def send_cache(client: Client, places: Places) -> None:
    """Send the cache, if there is one."""
    if places.cache.is_dir():
        await _put(client, "/runner/v1/cache", places.cache)


async def _put(client: Client, path: str, folder: Path) -> None:
    async def send() -> None:
        pieces = _pieces(trees.pack(trees.scan(folder)))
        await client.send("PUT", path, pieces, timeout=LONG)

    await patiently(send, pause=patience(), give_up_after=GIVE_UP)


async def _pieces(archive: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read files in a thread, so that heartbeats go on."""
    while True:
        piece = await asyncio.to_thread(next, archive, None)
        if piece is None:
            return
        yield piece


async def send_tests(client: Client, places: Places, say: Callable[[str], None]) -> None:
    """Read the reports of tests and send what they say."""
    folder = places.kept / "tests"
    if not folder.is_dir():
        return
    from steersman import junit_files

    found = await asyncio.to_thread(junit_files.read_folder, folder, ("*.xml",))
    for problem in found.problems:
        say(f"warning: a report of tests cannot be read: {problem}")
    body = {
        "totals": found.report.totals._asdict(),
        "cases": [list(case) for case in found.report.cases],
    }
    await patiently(
        lambda: client.call("PUT", "/runner/v1/tests", body),
        pause=patience(),
        give_up_after=GIVE_UP,
    )
    totals = found.report.totals
    say(f"tests: {totals.passed} passed, {totals.failed + totals.errored} failed")
