"""A server in this process, on SQLite or PostgreSQL, and a repository to trigger it with."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from steersman.cli.server_parts import Options, build
from steersman.server import app as apps
from steersman.server import first_start
from steersman.server.planning import Planner
from steersman.server.platform import Platform
from steersman.store.migrating import migrate
from tests import postgresql

URL = "http://127.0.0.1:8111"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without any table, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: postgresql.Server = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, to be copied: to make them takes longer than most tests."""
    file = tmp_path_factory.mktemp("tables") / "store.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_tables(postgres: postgresql.Server) -> str:
    """The address of a database with all tables, to be copied."""
    address = postgres.new_database()
    migrate(address)
    return address


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with all tables and nothing in them, of each kind in turn."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("sqlite_tables"), tmp_path / "store.db")
        yield f"sqlite:///{file}"
        return
    server: postgresql.Server = request.getfixturevalue("postgres")
    address = server.new_database(request.getfixturevalue("postgres_tables"))
    yield address
    server.drop(address)


@pytest.fixture
def platform(tmp_path: Path, sqlite_tables: Path) -> Iterator[Platform]:
    """A server's parts on SQLite."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    shutil.copy(sqlite_tables, folder / "steersman.db")
    parts = build(Options(folder, URL, allow_local=True), {})
    yield parts
    parts.store.close()


@pytest.fixture
def platform_on(tmp_path: Path, database: str) -> Iterator[Platform]:
    """A server's parts on each database."""
    parts = build(Options(tmp_path / "data", URL, database=database, allow_local=True), {})
    yield parts
    parts.store.close()


_routes: list[BaseRoute] = []


def application(parts: Platform, tasks: tuple[apps.Task, ...] = ()) -> FastAPI:
    """Return the application of *parts*, as `apps.build` does.

    What its routes need is worked out when somebody asks for the first time, which takes a second:
    so all that are made here share them.
    """
    app = apps.build(parts, tasks)
    _routes[:] = _routes or app.router.routes
    app.router.routes = [*_routes]
    return app


class Repository:
    """A repository of git with a pipeline file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        done = subprocess.run(
            ["git", *identity, "-c", "commit.gpgsign=false", *words],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, files: dict[str, str], message: str = "change") -> str:
        """Commit these files and return the commit."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


class Site(NamedTuple):
    """A server that answers in this process, an admin's token and a worker's."""

    parts: Platform
    http: httpx2.AsyncClient
    admin: str
    worker: str

    async def call(
        self, method: str, path: str, json: Any = None, token: str | None = None, **more: Any
    ) -> httpx2.Response:
        """Ask as the admin, or by *token*."""
        headers = {"Authorization": f"Bearer {token or self.admin}", **more.pop("headers", {})}
        return await self.http.request(method, path, json=json, headers=headers, **more)

    async def plan(self) -> None:
        """Plan whatever was triggered."""
        await Planner(self.parts).plan_all()


@asynccontextmanager
async def site(
    parts: Platform, routers: Sequence[tuple[APIRouter, str]] = ()
) -> AsyncIterator[Site]:
    """Let *parts* answer requests in this process; also *routers*, each below its prefix."""
    admin = await first_start.admin_token(parts)
    worker = await first_start.worker_token(parts, "test", None)
    app = application(parts)
    for router, prefix in routers:
        app.include_router(router, prefix=prefix)
    app.state.closing = asyncio.Event()
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=URL) as http:
        yield Site(parts, http, admin or "", worker)
