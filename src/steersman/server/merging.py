"""Compacts closed logs: many small pieces become few, and what is read from them stays the same."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from steersman.blobs.base import Blobs
from steersman.core import retention
from steersman.core.retention import PieceFacts
from steersman.server.logs import INLINE
from steersman.store import merging as rows
from steersman.store.logs import Piece
from steersman.store.sql import Store


async def merge(store: Store, blobs: Blobs, attempt: str) -> int:
    """Merge the small pieces of a closed log; return how many fewer there are.

    What becomes larger than a piece in the database may be becomes a blob. One that was put by
    somebody who died before its row is put again, with the same bytes.
    """
    fewer = 0
    while True:
        pieces = await store.scan(partial(rows.pieces, attempt=attempt))
        before = fewer
        for group in retention.merges(pieces):
            if await _merge_group(store, blobs, attempt, group):
                fewer += len(group) - 1
        # A group is short enough for one transaction: many tiny pieces need more than one round.
        if fewer == before:
            return fewer


async def _merge_group(
    store: Store, blobs: Blobs, attempt: str, group: Sequence[PieceFacts]
) -> bool:
    starts = [piece.start for piece in group]
    found = await store.scan(partial(rows.group, attempt=attempt, starts=starts))
    if len(found) != len(group):
        return False
    data = b"".join(row["data"] for row in found)
    first, lines = found[0], sum(row["lines"] for row in found)
    merged = Piece(attempt, first["start"], len(data), lines, first["at"], data)
    if len(data) > INLINE:
        key = f"logs/{attempt}/c{first['start']:020d}"
        await blobs.put_bytes(key, data)
        merged = merged._replace(data=b"", blob=key)
    line = first["first_line"]
    return await store.write(partial(rows.replace, merged=merged, first_line=line, starts=starts))
