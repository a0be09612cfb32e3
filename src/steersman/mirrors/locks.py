"""One at a time, in this process and among all that share the folder."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from steersman.core.errors import Refused, Unavailable

_PAUSE = 0.05


@asynccontextmanager
async def held(path: Path, patience: float) -> AsyncGenerator[int, None]:
    """Hold the lock *path*, and give its descriptor: whoever inherits that holds the lock too.

    So a git that outlives a killed server is not disturbed by the next one.
    """
    try:
        async with asyncio.timeout(patience):
            # The kernel tells nobody that a lock is free, unless a thread waits for it.
            while (descriptor := _try(path)) is None:  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE)
    except TimeoutError:
        what = f"somebody else has been busy with the mirror {path.stem} for {patience:g} seconds"
        raise Unavailable(what, hint="try again later") from None
    except OSError as error:
        raise Refused(f"cannot lock {path}: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its holder may have removed it meanwhile: then this one is nobody's any more.
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
