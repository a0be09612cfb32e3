"""A server for the tests of people: whom it knows, and how they come in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from json import dumps
from typing import Any, NamedTuple

import httpx2

from steersman.server import app as apps
from steersman.server import first_start
from steersman.server.api import audit, members, sessions, tokens, users
from steersman.server.oidc import OidcSettings
from steersman.server.platform import Platform
from tests.server.conftest import URL, application

PASSWORD = "correct horse battery"
ROUTERS = (users.router, tokens.router, members.router, sessions.router, audit.router)
API = "/api/v1"


class Door(NamedTuple):
    """A server that answers in this process; *app* makes more browsers, *admin* is a token."""

    parts: Platform
    app: Any
    http: httpx2.AsyncClient
    admin: str

    async def call(
        self, method: str, path: str, json: Any = None, token: str | None = None, **more: Any
    ) -> httpx2.Response:
        """Ask as the admin, or by *token*."""
        headers = {"Authorization": f"Bearer {token or self.admin}"}
        if json is not None:
            # In ASCII, so that even half a character goes through.
            headers["Content-Type"] = "application/json"
            more["content"] = dumps(json).encode()
        return await self.http.request(method, API + path, headers=headers, **more)

    async def get(self, path: str, token: str | None = None, status: int = 200) -> Any:
        """Return what is answered, which must have this *status*."""
        answer = await self.call("GET", path, token=token)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def do(
        self, method: str, path: str, json: Any = None, token: str | None = None, status: int = 201
    ) -> Any:
        """Change something, which must be answered with this *status*."""
        answer = await self.call(method, path, json, token)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def user(self, name: str, **more: Any) -> None:
        """Add a user."""
        await self.do("POST", "/users", {"name": name, **more})

    async def token_of(self, name: str, *scopes: str) -> str:
        """Return a token of somebody with a password, made in a session of theirs."""
        async with self.browser() as browser:
            answer = await log_in(browser, name)
            assert answer.status_code == 200, answer.text
            wanted = {"name": "test", "scopes": scopes or ["admin"]}
            made = await browser.post(f"{API}/tokens", json=wanted, headers={"Origin": URL})
            assert made.status_code == 201, made.text
            return str(made.json()["token"])

    def browser(self, address: str = "192.0.2.1") -> httpx2.AsyncClient:
        """Return a browser that keeps its cookies."""
        transport = httpx2.ASGITransport(
            app=self.app, raise_app_exceptions=False, client=(address, 1)
        )
        return httpx2.AsyncClient(transport=transport, base_url=URL)

    async def audited(self) -> list[tuple[str, str, str]]:
        """Return who did what to whom, the newest first."""
        found = (await self.get("/audit"))["items"]
        return [(each["author"], each["action"], each["subject"]) for each in found]


async def log_in(
    browser: httpx2.AsyncClient, name: str, password: str = PASSWORD
) -> httpx2.Response:
    """Log in as a page of our own does."""
    body = {"name": name, "password": password}
    return await browser.post(f"{API}/login", json=body, headers={"Origin": URL})


@asynccontextmanager
async def door(parts: Platform, oidc: OidcSettings | None = None) -> AsyncIterator[Door]:
    """Let *parts* answer requests in this process."""
    admin = await first_start.admin_token(parts)
    app = application(parts)
    for router in ROUTERS:
        if router not in apps.PARTS:
            app.include_router(router, prefix=apps.API)
    app.state.oidc = oidc
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=URL) as http:
        yield Door(parts, app, http, admin or "")
