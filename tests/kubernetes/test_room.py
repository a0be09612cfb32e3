"""How many more pods could begin, and what is read of a worker's pools file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from steersman.cli.worker_kubernetes import read_pools
from steersman.cluster.kubernetes import quantities, room
from steersman.cluster.kubernetes.pools import Amounts, Pool
from steersman.cluster.kubernetes.room import Taken
from steersman.core.errors import UserError

POOL = Pool("p", default=Amounts("900m", "1Gi", "1Gi"), runner=Amounts("100m", "0", "0"))


def node(name: str = "n1", **more: Any) -> dict[str, Any]:
    allocatable = {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "100Gi", "pods": "110"}
    ready = [{"type": "Ready", "status": more.pop("ready", "True")}]
    labels = more.pop("labels", {})
    status = {"allocatable": allocatable, "conditions": ready}
    return {"metadata": {"name": name, "labels": labels}, "spec": more, "status": status}


def pod(on: str, cpu: str) -> dict[str, Any]:
    return {"spec": {"nodeName": on, "containers": [{"resources": {"requests": {"cpu": cpu}}}]}}


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500m", "0.5"),
        ("2Gi", "2147483648"),
        ("1e3", "1000"),
        ("1E", "1000000000000000000"),
        ("3k", "3000"),
        (7, "7"),
        ("100n", "0.0000001"),
        (".5", "0.5"),
    ],
)
def test_amounts_are_read_as_kubernetes_does(text: object, amount: str) -> None:
    assert quantities.parse(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "much", "-1", "1 Gi", "1gi", "1e", "0x10", None, "1" * 50])
def test_what_is_no_amount_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        quantities.parse(text)


def test_what_our_pods_hold_of_a_node_is_not_free() -> None:
    assert room.by_nodes([node()], Taken(), POOL) == 4
    assert room.by_nodes([node()], Taken([pod("n1", "1500m")]), POOL) == 2
    assert room.by_nodes([node(), node("n2")], Taken([pod("n1", "4")]), POOL) == 4


def test_a_pod_that_ended_or_went_leaves_its_room_to_others() -> None:
    first, second = pod("n1", "2"), pod("n1", "1")
    taken = Taken([first, second])
    taken.change(first, {**first, "status": {"phase": "Succeeded"}})
    taken.change(second, None)
    assert room.by_nodes([node()], taken, POOL) == 4


def test_a_pod_counts_from_when_it_has_a_node() -> None:
    waiting = {"spec": {"containers": pod("n1", "2")["spec"]["containers"]}}
    taken = Taken([waiting])
    assert room.by_nodes([node()], taken, POOL) == 4
    taken.change(waiting, pod("n1", "2"))
    assert room.by_nodes([node()], taken, POOL) == 2


@pytest.mark.parametrize(("cpu", "most"), [("500m", 2), ("2", 2), ("15900m", 15)])
def test_a_node_has_as_many_to_start_at_once_as_it_gets_on_with(cpu: str, most: int) -> None:
    assert room.starts({"status": {"allocatable": {"cpu": cpu}}}) == most
    assert room.starts({}) == room.FEWEST_STARTS


@pytest.mark.parametrize(
    ("more", "fits"),
    [
        ({"unschedulable": True}, 0),
        ({"ready": "Unknown"}, 0),
        ({"taints": [{"key": "jobs", "value": "big", "effect": "NoSchedule"}]}, 4),
        ({"taints": [{"key": "jobs", "value": "small", "effect": "NoSchedule"}]}, 0),
        ({"taints": [{"key": "else", "effect": "PreferNoSchedule"}]}, 4),
    ],
)
def test_only_nodes_that_a_pool_may_use_count(more: dict[str, Any], fits: int) -> None:
    tolerant = POOL._replace(tolerations=({"key": "jobs", "operator": "Equal", "value": "big"},))
    assert room.by_nodes([node(**more)], Taken(), tolerant) == fits


def test_a_selector_leaves_out_other_nodes() -> None:
    picky = POOL._replace(node_selector={"disk": "fast"})
    assert room.by_nodes([node()], Taken(), picky) == 0
    assert room.by_nodes([node(labels={"disk": "fast"})], Taken(), picky) == 4


def test_a_quota_bounds_by_what_is_scarcest() -> None:
    status = {
        "hard": {"pods": "10", "requests.cpu": "5"},
        "used": {"pods": "2", "requests.cpu": "2"},
    }
    assert room.by_quotas([{"status": status}], POOL) == 3
    scoped = {"spec": {"scopes": ["Terminating"]}, "status": status}
    assert room.by_quotas([scoped], POOL) is None
    full = {"status": {"hard": {"count/pods": "1"}, "used": {"count/pods": "3"}}}
    assert room.by_quotas([full], POOL) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: [", "is no YAML"), ("", "no map of pools"), ("default: {x: 1}", "nothing is known of x")],
)
def test_a_pools_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "pools.yml"
    file.write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        read_pools(file)
    assert str(file) in str(caught.value)


def test_a_pools_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        read_pools(tmp_path / "none.yml")
