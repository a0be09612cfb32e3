from __future__ import annotations

import pytest

from steersman.containers.base import Leftover
from steersman.core import leftovers
from steersman.core.leftovers import Owner


def left(run_id: str, owner: str) -> Leftover:
    return Leftover(run_id=run_id, owner=owner, kind="box", id="1")


@pytest.mark.parametrize(
    ("owner", "dead"),
    [
        ("here:1:100", False),
        ("here:1:99", True),
        ("here:2:100", True),
        ("there:2:100", False),
        ("", False),
        ("garbage", False),
    ],
)
def test_only_what_a_dead_process_of_this_machine_left_is_dead(owner: str, *, dead: bool) -> None:
    found = leftovers.dead_runs([left("r", owner)], host="here", started={1: "100"}.get)
    assert found == (("r",) if dead else ())


def test_a_run_with_one_living_owner_is_left_alone() -> None:
    seen = [left("r", "here:2:1"), left("r", "here:1:100"), left("s", "here:2:1")]
    assert leftovers.dead_runs(seen, host="here", started={1: "100"}.get) == ("s",)


def test_an_owner_reads_back_as_it_was_written() -> None:
    owner = Owner("here", 12, "345")
    assert leftovers.read(str(owner)) == owner
