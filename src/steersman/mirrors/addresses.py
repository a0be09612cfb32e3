"""The addresses of repositories: which are allowed, and what they are made of."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from steersman.core.errors import UserError
from steersman.mirrors.base import Credentials, Rules

LONGEST = 2048
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff\\]|%[01][0-9a-f]|%7f", re.I)
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(?:([^/@]*)@)?([^/@]*)(/[^?#]*)", re.I)
_SCP = re.compile(r"(?:([^/@:]+)@)?([^/@:]+|\[[0-9a-f:.]+\]):([^:].*)", re.I)
_HOST = re.compile(r"(?:[a-z0-9_][a-z0-9._-]*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.I)
_LOGIN = re.compile(r"[a-z0-9_][a-z0-9._+-]*", re.I)
_SECRET = re.compile(r"//[^/\s]*@")
_HINT = "use https://host/path.git or git@host:path.git"


class Address(NamedTuple):
    """Where a repository is. *host* has the port, if any; *login* is the user of ssh.

    *plain*: written without a scheme, as `user@host:path` or `/path`.
    """

    scheme: str
    login: str
    host: str
    path: str
    plain: bool = False

    @property
    def text(self) -> str:
        """Return what git is given; there is no secret in it."""
        login = f"{self.login}@" if self.login else ""
        if not self.plain:
            return f"{self.scheme}://{login}{self.host}{self.path}"
        return self.path if self.scheme == "file" else f"{login}{self.host}:{self.path}"

    @property
    def origin(self) -> tuple[str, str]:
        """Return what must be the same for credentials to be shown to both."""
        return self.scheme, self.host.lower()


def masked(text: str) -> str:
    """Return *text* without what stands before the host of a URL in it."""
    return _SECRET.sub("//", text)


def parse(url: str, rules: Rules) -> tuple[Address, Credentials | None]:
    """Take *url* apart, its login for https split off; UserError when it is not allowed."""
    shown = repr(masked(url[:200]))
    if not url or len(url) > LONGEST or url.startswith("-") or _FORBIDDEN.search(url):
        raise UserError(f"{shown} is not the address of a repository", hint=_HINT)
    address, credentials = _taken_apart(url, shown)
    _check_scheme(address.scheme, rules, shown)
    return address, credentials


def _taken_apart(url: str, shown: str) -> tuple[Address, Credentials | None]:
    if url.startswith("/"):
        return Address("file", "", "", url, plain=True), None
    if found := _URL.fullmatch(url):
        return _of_url(*(part or "" for part in found.groups()), shown=shown)
    found = _SCP.fullmatch(url)
    if not found or "://" in url:
        raise UserError(f"{shown} is not the address of a repository", hint=_HINT)
    login, host, path = (part or "" for part in found.groups())
    _check_host(host, login, shown)
    if path.startswith("-"):
        raise UserError(f"{shown}: a path must not begin with a dash", hint=_HINT)
    return Address("ssh", login, host, path, plain=True), None


def _of_url(
    scheme: str, login: str, host: str, path: str, *, shown: str
) -> tuple[Address, Credentials | None]:
    scheme = scheme.lower()
    if scheme == "file":
        if login or host not in ("", "localhost"):
            raise UserError(f"{shown}: file:// reaches no other host", hint=_HINT)
        return Address(scheme, "", "", path), None
    if scheme in ("http", "https"):
        _check_host(host, "", shown)
        user, _, password = login.partition(":")
        given = Credentials(unquote(user), unquote(password)) if login else None
        return Address(scheme, "", host, path), given
    _check_host(host, login, shown)
    return Address(scheme, login, host, path), None


def _check_host(host: str, login: str, shown: str) -> None:
    if ":" in login:
        hint = "leave the password out and give the project a key"
        raise UserError(f"{shown}: ssh takes no password in an address", hint=hint)
    if not _HOST.fullmatch(host) or (login and not _LOGIN.fullmatch(login)):
        raise UserError(f"{shown} names no host that can be", hint=_HINT)


def _check_scheme(scheme: str, rules: Rules, shown: str) -> None:
    allowed = {
        "https": True,
        "ssh": True,
        "http": rules.allow_http,
        "git": rules.allow_git,
        "file": rules.allow_local,
    }
    if scheme not in allowed:
        raise UserError(f"{shown}: git is not allowed to speak {scheme!r}", hint=_HINT)
    if not allowed[scheme]:
        what = "repositories on the server's own disk" if scheme == "file" else f"{scheme}://"
        raise UserError(f"{shown}: this server does not fetch from {what}", hint=_HINT)


def of_submodule(parent: Address, url: str, rules: Rules) -> Address:
    """Return where a submodule is whose file says *url*; relative to *parent* as git has it.

    A login in the file is dropped: it is everybody's who reads the file. The server's own disk is
    reached only from there, or else any repository could ask for its neighbours.
    """
    if url.startswith(("./", "../")):
        url = parent._replace(path=_joined(parent.path, url)).text
    address, _ = parse(url, rules)
    if address.scheme == "file" and parent.scheme != "file":
        raise UserError(
            f"the submodule {url!r} is on the server's own disk, its parent is not", hint=_HINT
        )
    return address


def _joined(base: str, relative: str) -> str:
    absolute = base.startswith("/")
    parts = [part for part in base.split("/") if part]
    for part in relative.split("/"):
        if part == ".." and not parts:
            raise UserError(f"the submodule {relative!r} leads above its parent's host", hint=_HINT)
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if absolute else "") + "/".join(parts)
