"""The port for runners: what it serves, by whose token, and with which certificate."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute

from steersman.cli.installing import certificates
from steersman.cli.runner_port import Certificate
from steersman.core.errors import UserError
from steersman.server import app as apps
from steersman.server import runner_api
from tests.server.conftest import URL, application
from tests.server.kept import Shop, in_shop

HOST = "localhost"


def _at_the_port(shop: Shop) -> httpx2.AsyncClient:
    app = apps.build_for_runners(shop.here.parts)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url=URL)


def _routes(described: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return every route with something in the places of its parameters."""
    return [
        (method.upper(), re.sub(r"\{[^}]*\}", "x", path))
        for path, methods in described["paths"].items()
        for method in methods
    ]


@in_shop
async def test_only_the_routes_of_runners_answer(shop: Shop) -> None:
    attempt = await shop.push()
    tokens = (attempt.token, shop.here.admin, shop.here.worker)
    everything = _routes(application(shop.here.parts).openapi())
    others = [each for each in everything if not each[1].startswith("/runner/v1/")]
    assert len(others) > 60
    async with _at_the_port(shop) as http:
        for method, path in [*others, ("GET", "/openapi.json"), ("GET", "/docs")]:
            for token in tokens:
                headers = {"Authorization": f"Bearer {token}"}
                answer = await http.request(method, path, headers=headers)
                assert answer.status_code == 404, f"{method} {path}"


@in_shop
async def test_a_runner_comes_in_by_its_attempts_token_and_nobody_by_another(shop: Shop) -> None:
    attempt = await shop.push()
    async with _at_the_port(shop) as http:
        routes = [each for each in runner_api.router.routes if isinstance(each, APIRoute)]
        assert routes
        for token in ("", shop.here.admin, shop.here.worker, f"{attempt.token}x"):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            for route in routes:
                method = min(route.methods or ())
                path = re.sub(r"\{[^}]*\}", "x", route.path)
                answer = await http.request(method, path, headers=headers, json={})
                assert answer.status_code == 401, f"{method} {path}"
        headers = {"Authorization": f"Bearer {attempt.token}"}
        answer = await http.post("/runner/v1/heartbeat", headers=headers, json={"runner": "r"})
        assert answer.json() == {"cancel": None}


@in_shop
async def test_an_attempts_token_opens_nothing_of_another_attempt(shop: Shop) -> None:
    first, second = await shop.push(), await shop.push()
    await first.end()
    async with _at_the_port(shop) as http:
        for attempt, status in ((first, 409), (second, 200)):
            headers = {"Authorization": f"Bearer {attempt.token}"}
            answer = await http.put("/runner/v1/log?offset=0", headers=headers, content=b"x")
            assert answer.status_code == status
    size = (await shop.get("runs/shop/1")).json()["jobs"][0]["attempts"][0]["log_size"]
    assert size == 0


def _written(folder: Path, name: str = HOST) -> tuple[Path, Path, str]:
    """Make a certificate as files, and return also who is to be believed."""
    made = certificates.make([name], datetime.now(UTC))
    certificate, key = folder / "tls.crt", folder / "tls.key"
    certificate.write_text(made.certificate)
    key.write_text(made.key)
    return certificate, key, made.authority


async def _shown(certificate: Certificate, authority: str) -> bool:
    """Tell whether who believes *authority* believes what is shown."""
    server = await asyncio.start_server(
        lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=certificate.context
    )
    port = server.sockets[0].getsockname()[1]
    believes = ssl.create_default_context(cadata=authority)
    async with server:
        try:
            _, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=believes, server_hostname=HOST
            )
        except ssl.SSLCertVerificationError:
            return False
        writer.close()
    return True


def test_a_certificate_that_was_renewed_is_shown_without_a_restart(tmp_path: Path) -> None:
    cert, key, old = _written(tmp_path)
    certificate = Certificate(cert, key)
    assert not certificate.renew()
    assert asyncio.run(_shown(certificate, old))
    new = _written(tmp_path)[2]
    assert certificate.renew()
    assert asyncio.run(_shown(certificate, new))
    assert not asyncio.run(_shown(certificate, old))


def test_half_a_renewal_changes_nothing(tmp_path: Path) -> None:
    cert, key, authority = _written(tmp_path)
    certificate = Certificate(cert, key)
    cert.write_text("half of it")
    assert not certificate.renew()
    assert asyncio.run(_shown(certificate, authority))


def test_a_certificate_that_is_none_is_said_before_anything_starts(tmp_path: Path) -> None:
    cert, key, _ = _written(tmp_path)
    key.unlink()
    with pytest.raises(UserError, match=r"tls\.key cannot be used") as error:
        Certificate(cert, key)
    assert error.value.hint
