"""One platform for all tests of faults: they come one after the other, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kubernetes import labs
from tests.kubernetes.scenes import Scene, scene


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    lab = labs.required()
    with scene(tmp_path_factory.mktemp("stage"), lab) as found:
        yield found
        found.nothing_left()
