"""An issuer of identities in this process: it vouches for whom a test says, well or badly."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT = "steersman"
SECRET = "sesame"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
FOREIGN = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


class Issuer:
    """Gives codes to browsers and tokens to whoever comes with a code, once.

    *claims* and *header* replace what is true, *key* what signs; None leaves a claim out.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.person: dict[str, Any] = {"sub": "42", "preferred_username": "ada"}
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.key: RSAKey | OctKey = KEY
        self.metadata: dict[str, Any] = {}
        self.reuse = False
        self._codes: dict[str, dict[str, str]] = {}

    def log_in(self, location: str) -> str:
        """Do what a person does there; return the query with which the browser comes back."""
        address, _, query = location.partition("?")
        assert address == f"{self.address}/authorize"
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return f"code={code}&state={asked['state']}"

    def document(self, path: str) -> dict[str, Any] | None:
        """Return what stands at *path*."""
        if path == "/.well-known/openid-configuration":
            places = {"authorization": "authorize", "token": "token"}
            found = {f"{name}_endpoint": f"{self.address}/{at}" for name, at in places.items()}
            keys = {"jwks_uri": f"{self.address}/keys", "issuer": self.address}
            return {**found, **keys, **self.metadata}
        return {"keys": [KEY.as_dict(private=False)]} if path == "/keys" else None

    def token(self, login: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return what is answered to who comes with a code."""
        asked = self._codes.get(form.get("code", ""))
        if login != f"{CLIENT}:{SECRET}":
            return 401, {"error": "invalid_client"}
        if asked is None or not self._proven(asked, form):
            return 400, {"error": "invalid_grant"}
        if not self.reuse:
            del self._codes[form["code"]]
        said = self._said(asked)
        header = {"alg": "RS256", "kid": "one", **self.header}
        if header["alg"] == "none":
            signed = f"{_spelled(header)}.{_spelled(said)}."
        else:
            signed = jwt.encode(header, said, self.key, algorithms=[header["alg"]])
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": signed}

    def _proven(self, asked: dict[str, str], form: dict[str, str]) -> bool:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        same_place = form.get("redirect_uri") == asked["redirect_uri"]
        return challenge == asked["code_challenge"] and same_place

    def _said(self, asked: dict[str, str]) -> dict[str, Any]:
        now = int(time.time())
        true = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 300}
        said = {**true, "nonce": asked["nonce"], **self.person, **self.claims}
        return {name: value for name, value in said.items() if value is not None}


def _spelled(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@contextmanager
def issuing() -> Iterator[Issuer]:
    """Let an issuer answer on a port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    found = Issuer(f"http://127.0.0.1:{server.server_port}")
    _Handler.issuer = found
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        found = self.issuer.document(urlsplit(self.path).path)
        self._answer(404 if found is None else 200, found or {})

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(text).items()}
        _, _, basic = self.headers.get("Authorization", "").partition(" ")
        login = base64.b64decode(basic).decode()
        self._answer(*self.issuer.token(login, form))

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: object) -> None:
        pass
