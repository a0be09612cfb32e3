"""What goes in and out of the mirrors."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class HostKeys(StrEnum):
    """What ssh does about a host's key, as its `StrictHostKeyChecking`.

    ACCEPT_NEW trusts a host the first time it is met and refuses it when its key has changed.
    """

    KNOWN_ONLY = "yes"
    ACCEPT_NEW = "accept-new"
    ANY = "no"


class Rules(NamedTuple):
    """Where repositories may be fetched from; https and ssh always may.

    *allow_local* lets plain absolute paths and `file://` be fetched: whoever names a project's URL
    then reads every repository that the server can read. *known_hosts* is a file of ssh; when it is
    empty the mirrors keep one of their own.
    """

    allow_http: bool = False
    allow_git: bool = False
    allow_local: bool = False
    host_keys: HostKeys = HostKeys.ACCEPT_NEW
    known_hosts: str = ""


class Credentials(NamedTuple):
    """What a host wants to see: user and password (or token) for https, a private *key* for ssh."""

    user: str = ""
    password: str = ""
    key: str = ""

    def __repr__(self) -> str:
        # Values end up in tracebacks and logs; these must not.
        return f"Credentials(user={self.user!r}, ...)"


class Commit(NamedTuple):
    """One commit. *time* is when it was committed.

    *branch* and *tag* are by which it was asked for; for a commit asked for by its id they are the
    branch and the tag that point at it, as far as there is no doubt, else empty.
    """

    sha: str
    branch: str
    tag: str
    message: str
    author: str
    time: float
