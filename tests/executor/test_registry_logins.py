"""Credentials of Amazon and Azure, exchanged with servers on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import pytest

from steersman.containers.base import Login
from steersman.core.errors import Refused, Unavailable
from steersman.core.registry_logins import AZURE_USER, Azure, Basic, Ecr
from steersman.executor import registry_logins

ECR = Ecr("AKIA", "very secret", "eu-west-1", "123456789012")


class Asked(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def answering(answers: dict[str, tuple[int, Any]]) -> Iterator[tuple[str, list[Asked]]]:
    """Answer each path with a status and an object, and keep what was asked."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(Asked(self.path, dict(self.headers.items()), body))
            status, data = answers[self.path]
            said = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *words: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", asked
        server.shutdown()


def login(given: Any, **environ: str) -> Login | None:
    return asyncio.run(registry_logins.login(given, environ))


def test_a_username_and_a_password_are_what_they_are() -> None:
    assert login(Basic("me", "p")) == Login("me", "p")
    assert login(None) is None


def test_amazon_gives_a_user_and_a_password_for_a_signed_request() -> None:
    token = "QVdTOnRva2VuOndpdGgtY29sb24="  # AWS:token:with-colon
    answer = {"authorizationData": [{"authorizationToken": token, "proxyEndpoint": "https://x"}]}
    with answering({"/": (200, answer)}) as (host, asked):
        found = login(ECR, AWS_ENDPOINT_URL_ECR=f"http://{host}")
    assert found == Login("AWS", "token:with-colon")
    (request,) = asked
    assert request.headers["X-Amz-Target"].endswith(".GetAuthorizationToken")
    assert json.loads(request.body) == {"registryIds": ["123456789012"]}
    authorization = request.headers["Authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIA/")
    assert "/eu-west-1/ecr/aws4_request" in authorization
    assert "very secret" not in str(asked)


def test_amazons_refusal_is_handed_on_in_its_words() -> None:
    answer = {"__type": "UnrecognizedClientException", "message": "The token is invalid."}
    with answering({"/": (400, answer)}) as (host, _), pytest.raises(Refused) as raised:
        login(ECR, AWS_ENDPOINT_URL=f"http://{host}")
    assert str(raised.value).endswith("The token is invalid.")


@pytest.mark.parametrize("answer", [{}, {"authorizationData": []}, [], {"authorizationData": [7]}])
def test_an_answer_without_a_token_is_no_crash(answer: Any) -> None:
    with answering({"/": (200, answer)}) as (host, _), pytest.raises(Refused):
        login(ECR, AWS_ENDPOINT_URL_ECR=f"http://{host}")


def test_a_server_that_does_not_answer_may_be_asked_again() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        login(ECR, AWS_ENDPOINT_URL_ECR="http://127.0.0.1:9")


def azure(host: str) -> Azure:
    return Azure("id", "very secret", "tenant", host)


def test_azure_changes_a_token_of_the_directory_for_one_of_the_registry() -> None:
    answers = {
        "/tenant/oauth2/v2.0/token": (200, {"access_token": "of-directory"}),
        "/oauth2/exchange": (200, {"refresh_token": "of-registry"}),
    }
    with answering(answers) as (host, asked):
        found = login(azure(host), AZURE_AUTHORITY_HOST=f"http://{host}/")
    assert found == Login(AZURE_USER, "of-registry")
    first, second = (parse_qs(request.body.decode()) for request in asked)
    assert (first["client_id"], first["client_secret"]) == (["id"], ["very secret"])
    assert (second["access_token"], second["service"]) == (["of-directory"], [host])


def test_a_principal_that_azure_does_not_know_is_said_without_its_secret() -> None:
    answer = {"error": "invalid_client", "error_description": "AADSTS7000215: no such client"}
    answers = {"/tenant/oauth2/v2.0/token": (401, answer)}
    with answering(answers) as (host, _), pytest.raises(Refused) as raised:
        login(azure(host), AZURE_AUTHORITY_HOST=f"http://{host}")
    assert "AADSTS7000215" in str(raised.value)
    assert "very secret" not in str(raised.value)


def test_a_registry_that_does_not_take_the_token_says_why() -> None:
    denied = {"errors": [{"code": "UNAUTHORIZED", "message": "retrieving permissions failed"}]}
    answers = {
        "/tenant/oauth2/v2.0/token": (200, {"access_token": "t"}),
        "/oauth2/exchange": (401, denied),
    }
    with answering(answers) as (host, _), pytest.raises(Refused) as raised:
        login(azure(host), AZURE_AUTHORITY_HOST=f"http://{host}")
    assert "retrieving permissions failed" in str(raised.value)
