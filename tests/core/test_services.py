"""A service that ended before it answered is the user's, unless something else ended it."""

from __future__ import annotations

import pytest

from steersman.core import services
from steersman.core.reports import Reason
from steersman.core.services import Ended


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (Ended(1), Reason.SERVICE_ENDED),
        (Ended(0), Reason.SERVICE_ENDED),
        (Ended(127), Reason.SERVICE_ENDED),
        (Ended(255), Reason.SERVICE_ENDED),
        (Ended(139), Reason.SERVICE_ENDED),
        (Ended(signal=11, code=0), Reason.SERVICE_ENDED),
        (Ended(137), Reason.INTERRUPTED),
        (Ended(143), Reason.INTERRUPTED),
        (Ended(0, signal=9), Reason.INTERRUPTED),
        (Ended(), Reason.INTERRUPTED),
        (Ended(137, memory=True), Reason.OUT_OF_MEMORY),
        (Ended(1, memory=True), Reason.OUT_OF_MEMORY),
        (Ended(1, going=True), Reason.INTERRUPTED),
        (Ended(0, going=True), Reason.INTERRUPTED),
        (Ended(137, memory=True, going=True), Reason.INTERRUPTED),
    ],
)
def test_whose_it_is_that_a_service_ended(ended: Ended, expected: Reason) -> None:
    assert services.reason(ended) is expected
