"""What git is told: its words and its environment, and which words of others may be among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from steersman.core.errors import UserError
from steersman.core.quoting import single
from steersman.mirrors.addresses import Address
from steersman.mirrors.base import Credentials, Rules

ALWAYS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
ASKPASS = """#!/bin/sh
# The prompt names the host that asks: after a redirection it is another one, which learns nothing.
case $1 in
"$STEERSMAN_ASKED_USER") printf '%s\\n' "$STEERSMAN_USER" ;;
"$STEERSMAN_ASKED_PASSWORD" | "$STEERSMAN_ASKED_QUOTED") printf '%s\\n' "$STEERSMAN_PASSWORD" ;;
*) exit 1 ;;
esac
"""
SETTINGS: Mapping[str, str] = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    # Harmless, and found in the history of many an old repository.
    "fetch.fsck.zeroPaddedFilemode": "ignore",
    "fetch.fsck.badTimezone": "ignore",
    "fetch.fsck.missingSpaceBeforeDate": "ignore",
    "gc.auto": "0",
    "http.lowSpeedLimit": "100",
    "http.lowSpeedTime": "60",
    "maintenance.auto": "false",
    "protocol.ext.allow": "never",
    # Folders are often volumes that belong to somebody else; below them is only what we made.
    "safe.directory": "*",
    "tar.umask": "0022",
}
# What an admin may have set for the server, and git needs to reach the outside.
INHERITED = ("PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BAD_REF = re.compile(
    r"[\x00-\x20\x7f-\x9f\ud800-\udfff~^:?*\[\\]|\.\.|@\{|//|(^|/)\.|\.lock(/|$)|[./]$|^[-/]|^@$"
)


class Login(NamedTuple):
    """What git needs to log in at *address*: paths of files that exist as long as it runs."""

    address: Address
    credentials: Credentials | None
    askpass: str
    key_file: str
    known_hosts: str


def check_commit(text: str) -> str:
    """Return *text*, which must be the whole id of a commit."""
    if not _COMMIT.fullmatch(text):
        raise UserError(f"{text[:80]!r} is not the id of a commit", hint="give all 40 digits")
    return text


def is_commit(text: str) -> bool:
    """Tell whether *text* is the whole id of a commit."""
    return _COMMIT.fullmatch(text) is not None


def check_ref(text: str) -> str:
    """Return *text*, which must be what git allows as the name of a branch or tag."""
    if not text or len(text) > 1000 or _BAD_REF.search(text):
        raise UserError(f"{text[:80]!r} cannot be the name of a branch, tag or commit")
    return text


def check_path(text: str) -> str:
    """Return *text*, which must lead to something inside of a repository."""
    parts = text.split("/")
    if "\0" in text or any(part in ("", ".", "..") for part in parts):
        hint = "give it relative to the top of the repository, without `.` and `..`"
        raise UserError(f"{text[:80]!r} is not the path of a file in a repository", hint=hint)
    return text


def refspecs(refs: Iterable[str]) -> tuple[str, ...]:
    """Return what is fetched: all heads and tags, and *refs*.

    These are full names (`refs/pull/7/head`), one part of which may be `*`, or ids of commits.
    """
    return (*ALWAYS, *map(_refspec, refs))


def _refspec(ref: str) -> str:
    if is_commit(ref):
        # A name of its own keeps it when nothing else leads to it.
        return f"+{ref}:refs/steersman/{ref}"
    check_ref(ref.replace("/*", "/0", 1))
    if not ref.startswith("refs/") or ref.startswith("refs/replace/"):
        raise UserError(f"{ref[:80]!r} cannot be fetched", hint="name it like refs/pull/7/head")
    return f"+{ref}:{ref}"


def fetch(address: Address, wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the words that bring *wanted* refspecs from *address* and drop what is gone there."""
    options = (
        "--force",
        "--prune",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
    )
    return ("fetch", "--quiet", *options, "--end-of-options", address.text, *wanted)


def environment(
    inherited: Mapping[str, str], rules: Rules, settings: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment of every git: built from nothing, with *settings* beside our own.

    The settings go by the environment since the programs that git starts must keep to them too.
    """
    proxies = (*_PROXIES, *map(str.upper, _PROXIES))
    kept = {name: inherited[name] for name in (*INHERITED, *proxies) if name in inherited}
    return kept | {
        "HOME": "/nonexistent",  # curl would read a .netrc there
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ALLOW_PROTOCOL": ":".join(_protocols(rules)),
        **_counted({**SETTINGS, **(settings or {})}),
    }


def _protocols(rules: Rules) -> Iterable[str]:
    yield from ("https", "ssh")
    flags = {"http": rules.allow_http, "git": rules.allow_git, "file": rules.allow_local}
    yield from (name for name, allowed in flags.items() if allowed)


def _counted(settings: Mapping[str, str]) -> dict[str, str]:
    counted = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings.items()):
        counted |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return counted


def login_environment(login: Login, rules: Rules) -> dict[str, str]:
    """Return what is added to the environment of a git that goes out."""
    if login.address.scheme == "ssh":
        return {"GIT_SSH_COMMAND": _ssh(login, rules), "GIT_SSH_VARIANT": "ssh"}
    if login.address.scheme not in ("http", "https") or not login.credentials:
        return {}
    user = login.credentials.user or "git"
    if not f"{user}{login.credentials.password}".isprintable():
        hint = "they often come from pasting; enter them again"
        raise UserError("the credentials hold line breaks or control characters", hint=hint)
    site = f"{login.address.scheme}://"
    host = login.address.host
    return {
        "GIT_ASKPASS": login.askpass,
        "STEERSMAN_USER": user,
        "STEERSMAN_PASSWORD": login.credentials.password,
        "STEERSMAN_ASKED_USER": f"Username for '{site}{host}': ",
        "STEERSMAN_ASKED_PASSWORD": f"Password for '{site}{user}@{host}': ",
        # Newer versions of git quote the user.
        "STEERSMAN_ASKED_QUOTED": f"Password for '{site}{quote(user, safe='')}@{host}': ",
    }


def _ssh(login: Login, rules: Rules) -> str:
    """Return the command of ssh, which knows no keys, settings or agents but those given here."""
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": rules.host_keys.value,
        "UserKnownHostsFile": f'"{login.known_hosts}"',
        "IdentitiesOnly": "yes",
        "IdentityFile": f'"{login.key_file}"' if login.key_file else "none",
        "IdentityAgent": "none",
        "ClearAllForwardings": "yes",
        "ConnectTimeout": "20",
        "ServerAliveInterval": "15",
    }
    words = (word for name, value in options.items() for word in ("-o", f"{name}={value}"))
    return " ".join(map(single, ("ssh", "-F", "/dev/null", *words)))


def lfs_settings(address: Address) -> dict[str, str]:
    """Return the settings with which git puts the files of LFS in the place of their pointers."""
    settings = {
        "filter.lfs.smudge": "git-lfs smudge",
        "filter.lfs.required": "true",
        "remote.origin.url": address.text,
    }
    if address.scheme in ("http", "https"):
        # Else a file in the repository could send us, and our login, anywhere.
        settings["lfs.url"] = f"{address.text.removesuffix('.git')}.git/info/lfs"
    return settings
