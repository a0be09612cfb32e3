"""Which changes of a project matter to whoever develops it, and how they are said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Stamp = tuple[str, int, float]
"""What differs once a file has changed: its kind, size and time."""

# What editors, tools and version control write beside the source, however the project is called.
_FOLDERS = frozenset(
    {".git", ".hg", ".svn", ".wercker", "__pycache__", "node_modules", ".pytest_cache",
     ".mypy_cache", ".ruff_cache", ".tox", ".venv", ".idea", ".vscode"}
)  # fmt: skip
_FILES = re.compile(r".*~|\.#.*|#.*#|\..*\.sw[a-z]|4913|\.DS_Store|.*\.py[co]|.*\.tmp", re.DOTALL)
MOST_NAMED = 3


def is_noise(name: str, is_folder: bool) -> bool:  # noqa: FBT001 - the shape trees.scan takes
    """Tell whether what happens at *name* (relative, with `/`) is no change of the source."""
    last = name.rpartition("/")[2]
    return last in _FOLDERS if is_folder else _FILES.fullmatch(last) is not None


def changes(before: Mapping[str, Stamp], after: Mapping[str, Stamp]) -> tuple[str, ...]:
    """Name what was made, changed or removed."""
    made = (name for name, stamp in after.items() if before.get(name) != stamp)
    gone = (name for name in before if name not in after)
    return tuple(sorted({*made, *gone}))


def words(changed: Sequence[str]) -> str:
    """Say what changed in a line."""
    rest = len(changed) - MOST_NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return f"{', '.join(changed[:MOST_NAMED])}{more} changed"
