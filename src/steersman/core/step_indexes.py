"""What a folder of published steps says of one step: which versions there are, and their archives.

A registry is a folder, which any web server can serve: `OWNER/NAME/index.json` beside
`OWNER/NAME/VERSION.tar.gz`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from steersman.core import versions
from steersman.core.errors import Conflict, UserError

FILE = "index.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Published(NamedTuple):
    """One version of a step: the digest of its archive, its size in bytes, and its summary."""

    sha256: str
    size: int
    summary: str = ""


def archive_name(version: str) -> str:
    """Return the name of the archive of a version."""
    return f"{version}.tar.gz"


def read(text: str | bytes) -> dict[str, Published]:
    """Read an index; `UserError` for what is none. What is wrong with one version leaves it out.

    Only real versions are taken: each becomes a part of a path.
    """
    try:
        data = json.loads(text)
        items = dict(data["versions"]).items()
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UserError(
            "this is no index of a step", hint="look at the registry's address"
        ) from None
    found = ((version, _published(item)) for version, item in items)
    return {
        version: item for version, item in found if item is not None and versions.parse(version)
    }


def _published(item: object) -> Published | None:
    if not isinstance(item, Mapping):
        return None
    digest, size, summary = (item.get(name) for name in Published._fields)
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest) or not isinstance(size, int):
        return None
    return Published(digest, size, summary if isinstance(summary, str) else "")


def write(known: Mapping[str, Published]) -> str:
    """Return the text of an index, the newest version first."""
    order = sorted(known, key=lambda text: versions.parse(text) or versions.Version((0, 0, 0)))
    shown = {version: known[version]._asdict() for version in reversed(order)}
    return json.dumps({"versions": shown}, indent=2) + "\n"


def added(
    known: Mapping[str, Published], step: str, version: str, item: Published
) -> dict[str, Published]:
    """Return the index with a version more; one that is published stays as it is for ever."""
    before = known.get(version)
    if before is not None and before.sha256 != item.sha256:
        raise Conflict(
            f"the step {step} {version} is published already, with other files",
            hint="give it a new version",
        )
    return {**known, version: before or item}
