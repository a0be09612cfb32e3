"""Where the engine is: flags, environment, contexts of the docker command, usual sockets."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from steersman.core.errors import UserError

USUAL = "/var/run/docker.sock"


class Address(NamedTuple):
    """A socket's *path*, or *host* and *port*, with *certificates* of a folder when it is TLS."""

    text: str
    path: str | None = None
    host: str = ""
    port: int = 0
    certificates: Path | None = None
    verify: bool = True

    def context(self) -> ssl.SSLContext | None:
        """Return how to speak TLS; None for plain text."""
        if self.certificates is None:
            return None
        try:
            return self._context(self.certificates)
        except OSError as error:
            raise UserError(
                f"cannot use the certificates in {self.certificates} for {self.text}: {error}",
                hint="DOCKER_CERT_PATH must hold ca.pem, cert.pem and key.pem",
            ) from error

    def _context(self, folder: Path) -> ssl.SSLContext:
        authority = folder / "ca.pem"
        context = ssl.create_default_context(cafile=authority if authority.exists() else None)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if (folder / "cert.pem").exists():
            context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        return context


def find(
    environ: Mapping[str, str],
    *,
    host: str | None = None,
    tls_verify: bool | None = None,
    cert_path: str | None = None,
) -> Address:
    """Return where the engine should be; an argument wins over the environment."""
    home = Path(environ.get("HOME") or "/")
    named = host or environ.get("DOCKER_HOST")
    if not named:
        return _of_context(environ, home) or _of_usual_sockets(environ)
    verify = bool(environ.get("DOCKER_TLS_VERIFY")) if tls_verify is None else tls_verify
    folder = cert_path or environ.get("DOCKER_CERT_PATH")
    uses_tls = verify or bool(environ.get("DOCKER_TLS"))
    certificates = Path(folder) if folder else home / ".docker"
    return read(named, certificates=certificates if uses_tls else None, verify=verify)


def read(text: str, *, certificates: Path | None = None, verify: bool = True) -> Address:
    """Read an address as DOCKER_HOST holds it."""
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = ("unix", text) if text.startswith("/") else ("tcp", text)
    if scheme == "unix":
        return Address(text=f"unix://{rest or USUAL}", path=rest or USUAL)
    if scheme in ("tcp", "http", "https"):
        if scheme == "https" and certificates is None:
            certificates = Path("/nonexistent")
        return _of_network(text, rest, certificates, verify=verify)
    raise UserError(
        f"cannot speak to an engine at {text}: {scheme}:// is not supported", hint=_hint(scheme)
    )


def _hint(scheme: str) -> str:
    if scheme == "ssh":
        return (
            "forward the socket, `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`, "
            "and set DOCKER_HOST=unix:///tmp/docker.sock"
        )
    return "set DOCKER_HOST to unix:///PATH or tcp://HOST:PORT"


def _of_network(text: str, rest: str, certificates: Path | None, *, verify: bool) -> Address:
    host, colon, port = rest.rstrip("/").rpartition(":")
    if not colon or port.endswith("]"):
        host, port = rest.rstrip("/"), "2375" if certificates is None else "2376"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise UserError(f"{text} is not the address of an engine", hint="write tcp://HOST:PORT")
    return Address(
        text=text, host=host.strip("[]") or "localhost", port=int(port),
        certificates=certificates, verify=verify,
    )  # fmt: skip


def _of_usual_sockets(environ: Mapping[str, str]) -> Address:
    runtime = environ.get("XDG_RUNTIME_DIR")
    paths = [USUAL, "/run/podman/podman.sock"]
    if runtime:
        paths[1:1] = [f"{runtime}/docker.sock"]
        paths.append(f"{runtime}/podman/podman.sock")
    path = next((path for path in paths if os.path.exists(path)), USUAL)
    return Address(text=f"unix://{path}", path=path)


def config(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Return what the user's config.json of the docker command says; empty when it is unusable."""
    folder = environ.get("DOCKER_CONFIG") or f"{environ.get('HOME') or '/'}/.docker"
    try:
        data = json.loads(Path(folder, "config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _of_context(environ: Mapping[str, str], home: Path) -> Address | None:
    name = environ.get("DOCKER_CONTEXT") or config(environ).get("currentContext")
    if not name or name == "default":
        return None
    from hashlib import sha256

    folder = Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "contexts"
    digest = sha256(str(name).encode()).hexdigest()
    try:
        meta = json.loads((folder / "meta" / digest / "meta.json").read_bytes())
        endpoint = meta["Endpoints"]["docker"]
        host = str(endpoint["Host"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the docker context {name} cannot be read",
            hint="`docker context ls` lists them; or set DOCKER_HOST",
        ) from error
    certificates = folder / "tls" / digest / "docker"
    return read(
        host,
        certificates=certificates if certificates.is_dir() else None,
        verify=not endpoint.get("SkipTLSVerify", False),
    )
