"""The errors of S3's library in our words; most of what it knows is in its text."""

from __future__ import annotations

import re

from steersman.blobs.base import Missing
from steersman.core.errors import Refused, SteersmanError, Unavailable

WORTH_A_RETRY = frozenset({408, 409, 425, 429})


def status_of(error: Exception) -> int | None:
    """Return the status of the store's answer, None when there was none."""
    found = re.search(r"status code: (\d{3})", str(error))
    return int(found[1]) if found else None


def reason_of(error: Exception) -> str:
    """Return what the store said, or else why it could not be asked."""
    text = str(error)
    said = re.search(r"<Code>(.*?)</Code>\s*(?:<Message>(.*?)</Message>)?", text, re.DOTALL)
    if said:
        return ": ".join(filter(None, said.groups()))
    return text.partition("\n")[0].rpartition(" - ")[2]


def translated(store: str, sought: str, error: Exception) -> SteersmanError:
    """Return what *error* is to the one who asked *store*, for the key *sought* or for none."""
    # A head has no body, so it cannot say whether it is the bucket that is missing.
    elsewhere = "<Code>" in str(error) and "NoSuchKey" not in str(error)
    if sought and isinstance(error, FileNotFoundError) and not elsewhere:
        return Missing(f"there is no blob {sought}")
    status = status_of(error)
    if status is None or status >= 500 or status in WORTH_A_RETRY:
        return Unavailable(
            f"{store} does not answer: {reason_of(error)}",
            hint="try again, or check its address and whether it is up",
        )
    return Refused(
        f"{store} refuses: {reason_of(error)} ({status})",
        hint="check the bucket, the keys and what they may do",
    )
