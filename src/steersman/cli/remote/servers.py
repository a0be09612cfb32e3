"""The servers somebody logged in to: which one is meant, and where the tokens are kept."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from steersman.core.errors import UserError


class Server(NamedTuple):
    """A login at *url* as *name*; *token_id* is set where the token was made by `steer login`."""

    url: str
    token: str
    name: str = ""
    token_id: str = ""


class Servers(NamedTuple):
    """Every login by the name of its context; *current* is meant where none is named."""

    current: str = ""
    known: Mapping[str, Server] = {}


class Wanted(NamedTuple):
    """What flags and environment say of the server."""

    server: str | None = None
    token: str | None = None
    context: str | None = None


def place(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the file that keeps the logins."""
    base = environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "steersman" / "servers.toml"


def read(path: Path) -> Servers:
    """Read the logins; no file means none."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Servers()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    tables = said.get("servers", {})
    if not isinstance(tables, dict):
        raise _damaged(path, "`servers` is no table")
    known = {name: _server(path, name, table) for name, table in tables.items()}
    return Servers(str(said.get("current", "")), known)


def _server(path: Path, name: str, table: object) -> Server:
    said = table if isinstance(table, dict) else {}
    texts = {key: value for key, value in said.items() if isinstance(value, str)}
    if not texts.get("url") or not texts.get("token"):
        raise _damaged(path, f"the server {name!r} has no url or no token")
    return Server(texts["url"], texts["token"], texts.get("name", ""), texts.get("token_id", ""))


def _damaged(path: Path, why: str) -> UserError:
    return UserError(f"{path}: {why}", hint="mend it, or remove it and log in again")


def write(path: Path, servers: Servers) -> None:
    """Keep the logins, readable for nobody else at any moment."""
    lines = [f"current = {_quoted(servers.current)}"]
    for name, server in servers.known.items():
        lines += ["", f"[servers.{_quoted(name)}]"]
        lines += [f"{key} = {_quoted(value)}" for key, value in server._asdict().items() if value]
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, fresh = tempfile.mkstemp(prefix=".servers-", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.replace(fresh, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error


def _quoted(text: str) -> str:
    if not text.isprintable():
        raise UserError(f"{text[:100]!r} has characters that cannot be printed")
    return json.dumps(text, ensure_ascii=False)


def choose(servers: Servers, wanted: Wanted) -> Server:
    """Return the server that is meant. A stored token goes only to the address it was made for."""
    if wanted.server and not wanted.context:
        found = _at(servers, wanted.server, wanted.token)
    else:
        found = servers.known[called(servers, wanted.context)]
        if wanted.server and found.url != address(wanted.server):
            raise UserError(
                f"the context {wanted.context} is at {found.url}, not at {wanted.server}",
                hint="give --context or --server, not both",
            )
    return found._replace(token=wanted.token) if wanted.token else found


def address(url: str) -> str:
    """Return *url* as it is compared and stored."""
    return url.strip().rstrip("/")


def _at(servers: Servers, url: str, token: str | None) -> Server:
    if token:
        return Server(address(url), token)
    here = {name: each for name, each in servers.known.items() if each.url == address(url)}
    if not here:
        raise UserError(
            f"no token is known for {url}", hint=f"`steer login {url}`, or set STEERSMAN_TOKEN"
        )
    if servers.current in here:
        return here[servers.current]
    if len(here) > 1:
        raise UserError(f"several logins are known for {url}", hint=_one_of(here))
    return next(iter(here.values()))


def called(servers: Servers, context: str | None) -> str:
    """Return the name of the context that is meant: the one named, the current, the only one."""
    known = servers.known
    if context is not None:
        if context not in known:
            raise UserError(
                f"there is no context {context!r}", hint=_one_of(known) or "`steer login URL`"
            )
        return context
    if servers.current in known:
        return servers.current
    if len(known) == 1:
        return next(iter(known))
    if known:
        raise UserError("several servers are known, and none is named", hint=_one_of(known))
    raise UserError(
        "no server is known", hint="`steer login URL`, or set STEERSMAN_SERVER and STEERSMAN_TOKEN"
    )


def _one_of(known: Mapping[str, Server]) -> str:
    return " or ".join(f"--context {name}" for name in known)
