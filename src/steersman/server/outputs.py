"""What jobs of a workflow are given of those before them: one output, or a folder for each.

The outputs are strangers' archives. Of several, each member is written anew below its folder as it
passes, and what would stand outside of it is left out, as it would be where it is unpacked.
"""

from __future__ import annotations

import tarfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import NamedTuple

from steersman.blobs.base import Blobs
from steersman.core import handing_over
from steersman.core.errors import UserError
from steersman.server import archives
from steersman.server.downloads import primed
from steersman.store import keeping
from steersman.store.base import Row, Transaction
from steersman.trees import packing
from steersman.trees.base import Damaged, Entry, Kind
from steersman.trees.packing import BLOCK
from steersman.trees.reading import Member

END = bytes(2 * BLOCK)
SPOILED = b"\xff" * BLOCK
"""No archive goes on with this: who reads it finds the damage, and does not ask again."""
_KINDS = {
    tarfile.DIRTYPE: Kind.FOLDER,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.LNKTYPE: Kind.HARDLINK,
}


class Output(NamedTuple):
    """What *giver* left for *job*: a blob, None when it left nothing.

    It stands in *folder*, or is the whole source where that is empty.
    """

    job: str
    giver: str
    folder: str
    blob: str | None


def given(tx: Transaction, job: Row) -> tuple[Output, ...]:
    """Return what a job begins with; nothing where that is the commit."""
    handed = handing_over.of_facts(job["facts"])
    if handed.whole:
        whole = _output(tx, job, handed.whole, "")
        return (whole,) if whole.blob is not None else ()
    return tuple(_output(tx, job, giver, folder) for giver, folder in handed.parts)


def _output(tx: Transaction, job: Row, giver: str, folder: str) -> Output:
    row = keeping.output(tx, job["run_id"], giver)
    found = Output(job["name"], giver, folder, row["blob"] if row else None)
    if row is None and keeping.succeeded(tx, job["run_id"], giver):
        raise _not_kept(found)
    return found


def _not_kept(output: Output) -> UserError:
    return UserError(
        f"the output of {output.giver}, with which {output.job} begins, was not kept",
        hint="rerun the whole run",
    )


async def source(blobs: Blobs, found: Sequence[Output]) -> AsyncIterator[bytes]:
    """Return what `given` found as one archive."""
    first = found[0]
    if not first.folder and first.blob is not None:
        return blobs.get(first.blob)
    for output in found:
        # Once the first has gone out, nothing can be said in words any more.
        if output.blob is not None and await blobs.size(output.blob) is None:
            raise _not_kept(output)
    return await primed(_joined(blobs, found))


async def _joined(blobs: Blobs, found: Sequence[Output]) -> AsyncGenerator[bytes, None]:
    for output in found:
        below = _Below(output.folder)
        if output.blob is not None:
            try:
                async with aclosing(archives.walk(blobs.get(output.blob), below)) as walking:
                    async for _ in walking:
                        yield below.taken()
            except Damaged:
                yield SPOILED
                return
        yield below.taken()
    yield END


class _Below:
    """Writes the members of an archive anew, each below *folder*."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._padding = 0
        # It is there even when nothing is in it.
        self._out = [packing.header(Entry("", Kind.FOLDER, 0o755), prefix=folder)]

    def begin(self, member: Member) -> Callable[[memoryview], None] | None:
        entry = _entry(member)
        if entry is None:
            return None
        self._out.append(packing.header(entry, prefix=self._folder))
        self._padding = -entry.size % BLOCK
        return lambda part: self._out.append(bytes(part))

    def end(self) -> None:
        self._out.append(bytes(self._padding))
        self._padding = 0

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        out, self._out = self._out, []
        return b"".join(out)


def _entry(member: Member) -> Entry | None:
    """Return what to write of a member; None for what may not stand below a folder."""
    kind = _KINDS.get(member.type, Kind.FILE)
    # The top must stay a folder: a link in its place would lead what follows outside.
    if member.why is not None or not (member.name or kind is Kind.FOLDER):
        return None
    if kind is Kind.HARDLINK and not member.target:
        return None
    # Set-id bits are nothing that an output hands over.
    mode = member.mode & 0o777
    times = member.modified
    return Entry(member.name, kind, mode, None, member.size, times, member.target)
