"""What the machine does to us while we write: said in words, since it is no bug of ours."""

from __future__ import annotations

import errno

from steersman.core.errors import SteersmanError
from steersman.trees.base import unwritable

NO_BUGS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM))


def explained(error: OSError) -> SteersmanError | None:
    """Return what to tell a person; None where the error is nothing a disk does."""
    if error.errno not in NO_BUGS:
        return None
    return unwritable(error.filename or "what the run prints or keeps", error)
