"""Real registries on loopback: Debian's docker-registry, open, with a login, or with tokens."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest

USER, PASSWORD = "robot", "p4ss w*rd:x"
_HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuu/G97cPBiaRSOG51yq0DBCTBPeLDeFOS\n"
_TYPES = (
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.manifest.v1+json"
)


class Registry(NamedTuple):
    """A registry at *host*; one that is *locked* wants a login."""

    host: str
    locked: bool = False

    def get(self, path: str, **headers: str) -> Any:
        if self.locked:
            headers["Authorization"] = f"Basic {basic()}"
        with urlopen(Request(f"http://{self.host}/v2/{path}", headers=headers)) as answer:
            return json.load(answer)

    def tags(self, repository: str) -> set[str]:
        return set(self.get(f"{repository}/tags/list")["tags"])

    def config(self, repository: str, tag: str = "latest") -> Any:
        """Return the config of an image as the registry has it."""
        manifest = self.get(f"{repository}/manifests/{tag}", Accept=_TYPES)
        return self.get(f"{repository}/blobs/{manifest['config']['digest']}")


def basic(user: str = USER, password: str = PASSWORD) -> str:
    """Return a login as it stands in config.json and in headers."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def require() -> None:
    """Skip without the program, but fail in CI."""
    if shutil.which("docker-registry") is None:
        why = "docker-registry is not installed (Debian's package of that name)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{why}, and this is CI")
        pytest.skip(why)


@contextmanager
def running(folder: Path, auth: str = "", *, locked: bool = False) -> Iterator[Registry]:
    """Run a registry; what is called after it at the engine goes with it."""
    require()
    file = folder / "registry.yml"
    lines = (
        "version: 0.1",
        "log: {accesslog: {disabled: true}}",
        f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}}}",
        "http: {addr: '127.0.0.1:0'}",
        auth,
    )
    file.write_text("\n".join(lines))
    (folder / "log").touch()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(file)], stdout=log, stderr=log)
    try:
        yield Registry(_address(process, folder / "log"), locked)
    finally:
        forget(_address(process, folder / "log"))
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the registry says where it listens."""
    mark = "listening on "
    while mark not in (said := log.read_text()):
        assert process.poll() is None, f"the registry did not start: {said}"
        time.sleep(0.02)
    return said.partition(mark)[2].partition('"')[0]


@contextmanager
def with_login(folder: Path) -> Iterator[Registry]:
    """Run a registry that lets in USER with PASSWORD."""
    (folder / "htpasswd").write_text(_HTPASSWD)
    auth = f"auth: {{htpasswd: {{realm: tests, path: {folder / 'htpasswd'}}}}}\n"
    with running(folder, auth, locked=True) as registry:
        yield registry


def forget(host: str) -> None:
    """Take the names of a registry's images away from the engine."""
    listed = subprocess.run(
        ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    names = [name for name in listed.split() if name.startswith(f"{host}/")]
    if names:
        subprocess.run(["docker", "rmi", "-f", *names], capture_output=True, check=True)


@contextmanager
def with_tokens(folder: Path) -> Iterator[tuple[Registry, list[str]]]:
    """Run a registry as the Docker Hub is: it sends whoever comes to a server that gives tokens.

    The list is of the users that got one.
    """
    key, certificate = _signer(folder)
    users: list[str] = []

    class Tokens(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("Authorization") == f"Basic {basic()}"
            query = parse_qs(urlsplit(self.path).query)
            if known:
                users.append(USER)
            token = _token(key, certificate, query.get("scope", []) if known else [])
            body = json.dumps({"token": token}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Tokens) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        auth = (
            f"auth: {{token: {{realm: 'http://127.0.0.1:{server.server_port}/token', "
            f"service: tests, issuer: tests, rootcertbundle: {folder / 'signer.pem'}}}}}\n"
        )
        with running(folder, auth) as registry:
            yield registry, users
        server.shutdown()


def _signer(folder: Path) -> tuple[Any, str]:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, SHA256())
    )
    (folder / "signer.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return key, base64.b64encode(made.public_bytes(Encoding.DER)).decode()


def _token(key: Any, certificate: str, scopes: list[str]) -> str:
    """Sign a token for *scopes*, each `repository:NAME:pull,push`."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    access = [
        {"type": kind, "name": name, "actions": actions.split(",")}
        for kind, name, actions in (scope.split(":") for scope in scopes)
    ]
    now = int(time.time())
    claims = {
        "iss": "tests", "sub": USER, "aud": "tests", "exp": now + 300, "nbf": now - 10,
        "iat": now, "jti": "1", "access": access,
    }  # fmt: skip
    head = {"typ": "JWT", "alg": "ES256", "x5c": [certificate]}
    text = b".".join(_part(json.dumps(part).encode()) for part in (head, claims))
    numbers = decode_dss_signature(key.sign(text, ECDSA(SHA256())))
    signature = b"".join(number.to_bytes(32, "big") for number in numbers)
    return b".".join((text, _part(signature))).decode()


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
