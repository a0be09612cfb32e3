"""What the tests of the whole program share."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["host", pytest.param("containers", marks=pytest.mark.engine)])
def where(request: pytest.FixtureRequest) -> str:
    """Name each place where steps can run."""
    if request.param == "containers":
        request.getfixturevalue("engine")
    return str(request.param)
