"""A stage for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the server's packages are not installed")
pytest.importorskip("cryptography", reason="the server's packages are not installed")

from tests.server.outgoing.stages import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Return a store with nothing in it."""
    made = Stage(tmp_path)
    yield made
    made.store.close()
