"""The blob stores under test, each of them empty."""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.request import Request, urlopen

import pytest

from steersman.blobs.base import Blobs
from steersman.blobs.fake import FakeBlobs
from steersman.blobs.folder import FolderBlobs
from steersman.blobs.s3 import S3Blobs, S3Settings
from steersman.core.errors import Unavailable

if TYPE_CHECKING:
    from moto.server import ThreadedMotoServer

MIB = 1 << 20


class Bucket(NamedTuple):
    """A bucket at a server that speaks S3."""

    endpoint: str
    name: str = "bucket"

    def settings(self, prefix: str = "") -> S3Settings:
        """Return settings that give up quickly."""
        need("obstore")
        return S3Settings(
            self.name,
            self.endpoint,
            prefix,
            access_key="id",
            secret_key="key",
            retries=1,
            patience=2.0,
            silence=10.0,
        )

    def ask(self, method: str, query: str = "") -> str:
        with urlopen(Request(f"{self.endpoint}/{self.name}{query}", method=method)) as answer:  # noqa: S310
            return str(answer.read().decode())

    def unfinished(self, prefix: str) -> list[str]:
        """Return the keys of uploads that were neither completed nor aborted."""
        keys = re.findall(r"<Key>(.*?)</Key>", self.ask("GET", "?uploads"))
        return [key for key in keys if key.startswith(prefix)]


def need(*modules: str) -> None:
    """Skip without one of the *modules*, but fail in CI."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            if os.environ.get("CI") == "true":
                pytest.fail(f"{module} is not installed, and this is CI")
            pytest.skip(f"{module} is not installed")


def started() -> tuple[ThreadedMotoServer, Bucket]:
    need("obstore", "moto")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    bucket = Bucket(f"http://127.0.0.1:{server.get_host_and_port()[1]}")
    bucket.ask("PUT")
    return server, bucket


@pytest.fixture(scope="session")
def bucket() -> Iterator[Bucket]:
    server, bucket = started()
    yield bucket
    server.stop()


@pytest.fixture
def prefix() -> str:
    return f"tests/{secrets.token_hex(6)}"


@pytest.fixture(params=["fake", "folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, prefix: str) -> Blobs:
    if request.param == "fake":
        return FakeBlobs()
    if request.param == "folder":
        return FolderBlobs(tmp_path / "store")
    return S3Blobs(request.getfixturevalue("bucket").settings(prefix))


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


def uses(blobs: Blobs, key: str) -> list[Callable[[], Awaitable[object]]]:
    return [
        lambda: blobs.put(key, pieces(b"x")),
        lambda: blobs.put_bytes(key, b"x"),
        lambda: anext(blobs.get(key)),
        lambda: blobs.read(key),
        lambda: blobs.size(key),
        lambda: blobs.delete(key),
    ]


async def nothing_works(blobs: Blobs) -> None:
    for use in [*uses(blobs, "a/b"), lambda: blobs.keys(""), blobs.check]:
        with pytest.raises(Unavailable):
            await use()
