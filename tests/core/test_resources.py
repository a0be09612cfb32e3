from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import resources
from steersman.core.resources import Resources

SIZES = {
    "8388608": 8 * 2**20,
    "8388608B": 8 * 2**20,
    "512Mi": 512 * 2**20,
    "512MiB": 512 * 2**20,
    "512M": 512_000_000,
    "1.5Gi": 3 * 2**29,
    "9000k": 9_000_000,
    "9000Ki": 9000 * 1024,
    "0.000000001T": None,
    "512": None,
    "2048Ti": None,
    "9" * 5000: None,
}


@pytest.mark.parametrize("text", SIZES, ids=lambda text: text[:20])
def test_sizes_are_read_as_a_cluster_reads_them(text: str) -> None:
    assert resources.in_bytes(text) == SIZES[text]


@pytest.mark.parametrize(
    ("text", "found"), [("2", 2000), ("0.5", 500), ("250m", 250), ("0.0001", None), ("2000", None)]
)
def test_processors_are_counted_in_thousandths(text: str, found: int | None) -> None:
    assert resources.thousandths(text) == found


@given(memory=st.integers(resources.LEAST_BYTES, resources.MOST_BYTES))
def test_what_is_spelled_out_means_the_same(memory: int) -> None:
    spelled = resources.quantities(Resources(memory=memory))["memory"]
    assert resources.in_bytes(spelled) == memory


def test_a_pool_bounds_what_is_asked_for() -> None:
    assert resources.bounded(5, 3) == 3
    assert resources.bounded(None, 3) == 3
    assert resources.bounded(2, None) == 2
    assert resources.bounded(None, None) is None
