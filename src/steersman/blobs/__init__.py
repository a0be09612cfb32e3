"""Where large things that never change live: artifacts, archives, parts of logs, caches.

The contract is in `base.py`. Import an implementation from its own module: the one for S3 brings a
library with it.
"""

from steersman.blobs.base import Blobs, Found, Missing, Stored, TooLarge

__all__ = ["Blobs", "Found", "Missing", "Stored", "TooLarge"]
