"""What a machine or a cluster does to us: said in words, since it is no bug of ours."""

from __future__ import annotations

import errno

from steersman.containers.base import Containers, Explaining
from steersman.core.errors import SteersmanError
from steersman.executor.stepping import Ended
from steersman.trees.base import unwritable

NO_BUGS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM))


def explained(error: OSError) -> SteersmanError | None:
    """Return what to tell a person; None where the error is nothing a disk does."""
    if error.errno not in NO_BUGS:
        return None
    return unwritable(error.filename or "what the run prints or keeps", error)


async def named(ended: Ended, containers: Containers) -> Ended:
    """Say of a step whose box is gone why it is, where the door learns that."""
    lost = await containers.lost() if isinstance(containers, Explaining) else None
    if lost is None:
        return ended
    cause = lost.reason or ended.cause
    return ended._replace(message=f"{ended.message}: {lost.text}", cause=cause)
