"""Where a repository is at its forge, read from any address that git takes."""

from __future__ import annotations

import re
from typing import NamedTuple

_LONGEST = 2000
_HTTP = re.compile(r"(https?)://(?:[^@/\s]*@)?([^@/\s]+)/(\S+)", re.IGNORECASE)
_SSH = re.compile(
    r"(?:git\+)?(?:ssh|git)://(?:[^@/\s]*@)?([^@/\s]+?)(?::\d+)?/(\S+)", re.IGNORECASE
)
_SCP = re.compile(r"(?:[^@/:\s]+@)?(\[[0-9a-fA-F:.]+\]|[^@/:\s\[]{2,}):(?!/)(\S+)")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_NAME = re.compile(r"(?!-?$|\.+$)[A-Za-z0-9_.~{}-]+")

_PUBLIC = frozenset({"github.com", "gitlab.com", "bitbucket.org"})
# Where ssh is answered for those behind a firewall, and whose door it is.
_OTHER_HOSTS = {
    "www.github.com": "github.com",
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}


class Repository(NamedTuple):
    """A repository at a forge. *owner* holds the slashes of GitLab's sub-groups."""

    base_url: str
    owner: str
    name: str


def repository(url: str) -> Repository | None:
    """Return the repository at *url*, None when it is at no forge.

    The web side of an ssh address is taken to be https on the usual port.
    """
    if len(url) > _LONGEST:
        return None
    if match := _HTTP.fullmatch(url):
        return _made(match[1].lower(), match[2], match[3])
    match = _SSH.fullmatch(url) or (None if "://" in url else _SCP.fullmatch(url))
    return _made("https", match[1], match[2]) if match else None


def _made(scheme: str, host: str, path: str) -> Repository | None:
    host = host.lower()
    *owner, name = path.strip("/").removesuffix(".git").split("/")
    whole = owner and all(map(_NAME.fullmatch, (*owner, name)))
    if not whole or not _HOST.fullmatch(host):
        return None
    host = _OTHER_HOSTS.get(host, host)
    # A token goes there later: never in the clear where it need not.
    scheme = "https" if host in _PUBLIC else scheme
    return Repository(f"{scheme}://{host}", "/".join(owner), name)
