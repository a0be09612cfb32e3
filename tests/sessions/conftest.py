"""Boxes for the session suite: one for each subject and worker, renewed between tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sessions.subjects import IN_ENGINE, LOCAL, Box, Subject

PARAMETERS = [pytest.param(subject, id=subject.name) for subject in LOCAL] + [
    pytest.param(subject, id=subject.name, marks=pytest.mark.engine) for subject in IN_ENGINE
]


@pytest.fixture(scope="module", params=PARAMETERS)
def subject(request: pytest.FixtureRequest) -> Subject:
    chosen: Subject = request.param
    if chosen.missing:
        pytest.skip(chosen.missing)
    if chosen.image is not None:
        request.getfixturevalue("engine")
    return chosen


@pytest.fixture(scope="module")
def shared_box(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    box = Box(subject, tmp_path_factory.mktemp("session"))
    try:
        assert "error" not in box.open("export FIRST='from the prelude'")
        yield box
    finally:
        box.close()


@pytest.fixture
def box(shared_box: Box) -> Box:
    """A box with a fresh shell and nothing else in it."""
    assert shared_box.renew()
    return shared_box


@pytest.fixture
def new_box(subject: Subject, tmp_path: Path) -> Iterator[Callable[..., Box]]:
    """Make boxes of one's own, for tests that end them."""
    made: list[Box] = []

    def make(*options: str) -> Box:
        made.append(Box(subject, tmp_path, *options))
        return made[-1]

    yield make
    for each in made:
        each.close()
