"""What git complains about, as errors for people."""

from __future__ import annotations

import re
from typing import NamedTuple

from steersman.core.errors import Refused, SteersmanError, Unavailable, UserError
from steersman.core.masking import Masker
from steersman.mirrors.addresses import masked


class Damaged(Unavailable):
    """The mirror is damaged; the next fetch makes it anew."""


class _Known(NamedTuple):
    pattern: str
    kind: type[SteersmanError]
    message: str
    hint: str


_LOGIN = "give the project credentials that may read the repository"
_ADDRESS = "check the address; many hosts say the same to somebody who may not read it"
# The first that is found counts: what names the cause stands above what merely follows from it.
_KNOWN = (
    _Known(
        r"No space left on device|Disk quota exceeded|unable to write file.*disk",
        Unavailable,
        "the disk of the mirrors is full",
        "make room on the server",
    ),
    _Known(
        r"Host key verification failed|HOST IDENTIFICATION HAS CHANGED",
        Refused,
        "the host's ssh key is not the known one",
        "if the host did change its key, correct the server's file of known hosts",
    ),
    _Known(
        r"certificate verif|SSL certificate problem|certificate has expired",
        Refused,
        "the host's certificate is not trusted",
        "mend the certificate, or tell the server about its issuer (GIT_SSL_CAINFO)",
    ),
    _Known(
        r"Authentication failed|could not read (Username|Password)|Permission denied \("
        r"|returned error: 40[137]|HTTP Basic: Access denied|unable to read askpass"
        r"|Invalid username",
        UserError,
        "the login was refused",
        _LOGIN,
    ),
    _Known(
        r"couldn't find remote ref|not our ref|no such remote ref",
        UserError,
        "the repository has no such ref or commit",
        "it may have been deleted or replaced since",
    ),
    _Known(
        r"transport '.*' not allowed",
        UserError,
        "the server does not fetch by this protocol",
        "use https or ssh",
    ),
    _Known(
        r"dubious ownership",
        Refused,
        "the repository belongs to another user of the server",
        "let it belong to the user that Steersman runs as, or serve it over https or ssh",
    ),
    _Known(
        r"Could not resolve host|Connection (refused|timed out|reset|closed)|Failed to connect"
        r"|Couldn't connect|No route to host|Network is unreachable|Operation too slow"
        r"|returned error: (429|5\d\d)|Temporary failure|not known|unable to connect",
        Unavailable,
        "the host does not answer",
        "check the address, or try again later",
    ),
    _Known(
        r"does not appear to be a git repository|is this a git repository\?|not a git repository"
        r"|is not valid: |invalid gitfile",
        UserError,
        "there is no git repository",
        _ADDRESS,
    ),
    _Known(
        r"not found|does not exist|returned error: 404|could not be found|No such file",
        UserError,
        "the repository was not found",
        _ADDRESS,
    ),
    _Known(
        r"fsck error|error in object|in fsck|malformed|: (gitmodules|hasDot|badTree|tree)\w*: ",
        Refused,
        "the repository holds objects that git holds to be broken or hostile",
        "find them with `git fsck`",
    ),
)
_DAMAGE = re.compile(
    r"^(?!remote:).*("
    r"not a git repository: '|object file .* is empty|corrupt loose object|is corrupt|bad config"
    r"|packfile .* (cannot|index|does not|is )|bad tree object|bad object (refs/|HEAD)"
    r"|missing (blob|tree|commit|object)|(unexpected|unterminated) line in"
    r"|unable to read (tree|sha1|[0-9a-f]{40})|could not read [0-9a-f]{40}|invalid sha1 pointer"
    r"|index file .* (is too|corrupt)|did not send all necessary objects|inflate:"
    r"|unable to (unpack|parse) [0-9a-f]{40}|failed to read object|data stream error"
    r")",
    re.MULTILINE,
)


def is_damage(err: str) -> bool:
    """Tell whether *err* speaks of our own files; what `remote:` complains of does not count."""
    return _DAMAGE.search(err) is not None


def error(what: str, err: str, secret: str = "") -> SteersmanError:
    """Return why *what* could not be done; *secret* and the logins of URLs are not in it."""
    said = _last_words(Masker([secret]).text(masked(err)))
    known = next((one for one in _KNOWN if re.search(one.pattern, err)), None)
    # A full disk leaves halves of files behind, which are not what is wrong.
    if is_damage(err) and known is not _KNOWN[0]:
        return Damaged(_joined(f"{what}: the mirror is damaged", said), hint="fetch it again")
    if known:
        return known.kind(_joined(f"{what}: {known.message}", said), hint=known.hint)
    return Unavailable(f"{what}: {said or 'git failed without a word'}", hint="try again later")


def _joined(message: str, said: str) -> str:
    return f"{message} ({said})" if said else message


def _last_words(err: str) -> str:
    """Return the line that says most: that of the other side, else git's own first verdict."""
    lines = ["".join(filter(str.isprintable, line)).strip() for line in err.splitlines()]
    for mark in ("remote: ERROR", "remote: fatal:", "fatal:", "error:", "remote:", ""):
        for line in lines:
            if line and line.startswith(mark):
                return line.removeprefix(mark).strip()[:200] or line
    return ""
