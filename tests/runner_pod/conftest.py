"""One server for all tests of pods, and pods that are always removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.platform.programs import machine
from tests.runner_pod.engine_pods import EnginePod, gateway
from tests.runner_pod.platforms import Granted, Platform

Make = Callable[[Granted], EnginePod]


@pytest.fixture(scope="session")
def platform(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    # Pods are other machines to it.
    with machine(tmp_path_factory.mktemp("server"), host="0.0.0.0") as found:  # noqa: S104
        found.start()
        platform = Platform(found, gateway())
        yield platform
        platform.close()


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[Make]:
    made: list[EnginePod] = []

    def make(granted: Granted) -> EnginePod:
        made.append(EnginePod(tmp_path / granted.attempt, granted.order))
        return made[-1]

    yield make
    for pod in made:
        pod.close()
