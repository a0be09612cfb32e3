"""Times and sizes that programs agree on. They stand apart from `wire` for who starts often."""

from __future__ import annotations

HEARTBEAT_SECONDS = 5.0
HOLD_SECONDS = (60, 2 * 3600)
"""The shortest and the longest a box is held; the longest also with somebody in it."""
SHELL_QUIET_SECONDS = 15.0
"""After so much silence a byte of no meaning is sent: proxies close what says nothing."""
LEASE_WAIT_SECONDS = 20.0
PIECE = 1024 * 1024
"""The most bytes of a log in one request."""
LAST_PIECE = 16 * 1024
"""The most bytes of a log that come with the completion record."""
