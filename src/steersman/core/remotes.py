"""The addresses of repositories, taken apart for people."""

from __future__ import annotations

import re


def parts(url: str) -> tuple[str, str, str]:
    """Split the address of a remote into domain, owner and repository.

    Understands `https://host/owner/name.git`, `ssh://git@host:22/owner/name` and
    `git@host:owner/name.git`; anything else gives empty texts.
    """
    match = re.match(
        r"(?:\w+://)?(?:[^@/]+@)?([^:/]+)(?::\d+)?[:/]+(.+)/([^/]+?)(?:\.git)?/?$", url
    )
    return (match[1], match[2], match[3]) if match and "." in match[1] else ("", "", "")


def shown(url: str) -> str:
    """Return *url* without the login that may stand in it."""
    return re.sub(r"//[^/@]*@", "//", url)
