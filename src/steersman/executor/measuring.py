"""What a box used, asked of the box itself."""

from __future__ import annotations

from steersman.core import scripts
from steersman.core.errors import Unavailable
from steersman.core.steps import Memory
from steersman.executor.setting_up import Prepared


async def memory(prepared: Prepared) -> Memory:
    """Return how much memory the box may have and had, as far as it can tell."""
    try:
        found = parsed(await prepared.session.ask(scripts.read_memory()))
    except Unavailable:
        return Memory()
    return Memory(found.get("memory"), found.get("limit"))


def parsed(said: bytes) -> dict[str, int]:
    """Return the numbers of an answer by their names; whatever else is said is left out."""
    words = (line.split() for line in said.decode(errors="replace").splitlines())
    return {
        pair[0]: int(pair[1])
        for pair in words
        if len(pair) == 2 and pair[1].isascii() and pair[1].isdigit() and len(pair[1]) < 19
    }
