"""A node is cut off, or its engine hangs, while a run of cron is on it (`make chaos-cluster`)."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from steersman.core.schedules.fires import Fire, Outcome, State
from steersman.cron.ledger.base import Wanted
from steersman.cron.ledger.sql import SqlLedger
from steersman.store import engines
from tests.cron import on_cluster
from tests.cron.on_cluster import said, until
from tests.kubernetes import clusters, labs

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.timeout(600),
    pytest.mark.skipif("LOST_NODES" not in os.environ, reason="LOST_NODES is not set"),
]
NOTICED = 360.0
"""A node counts as lost 30 s after Kubernetes says so: some 40 s after the node's last word, and
some two and a half minutes after its engine has answered for the last time."""


@pytest.fixture
def namespace() -> Iterator[str]:
    with clusters.namespace() as name:
        yield name


def _rows(ledger: Path) -> list[Fire]:
    opened = SqlLedger(engines.open_engine(f"sqlite:///{ledger}"), time.time)
    found = asyncio.run(opened.rows(Wanted()))
    failures = [each.failures for each in asyncio.run(opened.cursors())]
    asyncio.run(opened.close())
    assert failures == [0]
    return found


@pytest.mark.parametrize("fault", ["partition", "hang-docker"])
def test_a_run_on_a_node_that_goes_sick_is_launched_again_under_its_instant(
    namespace: str, tmp_path: Path, fault: str
) -> None:
    lab, node = labs.required(), on_cluster.nodes()[-1]
    template = on_cluster.endless_on(node)
    job = {"metadata": {"name": "lost"}, "spec": {"backoffLimit": 0, "template": template}}
    each = {
        "name": "lost", "schedules": ["*/10 * * * * *"], "overlap": "forbid", "job": job,
        "stop": {"failures": 1},
    }  # fmt: skip
    with on_cluster.cron(namespace, tmp_path, each) as ledger:
        (pod,) = until(lambda: on_cluster.running(namespace))
        assert pod["spec"]["nodeName"] == node
        (first,) = on_cluster.jobs(namespace)
        instant = said(first, "instant")
        began = time.monotonic()
        with lab.fault(node, fault):
            assert lab.engine_answers(node) is (fault != "hang-docker")
            until(lambda: on_cluster.done_after(namespace, instant), NOTICED)
            print(f"the next instant's run was done {time.monotonic() - began:.0f} s after")
        # The node is back: what it still ran goes, and nothing is launched once more.
        uid = pod["metadata"]["uid"]
        until(lambda: uid not in {each["metadata"]["uid"] for each in on_cluster.pods(namespace)})
        rows = {row.instant: row for row in _rows(ledger)}
    lost = rows[instant]
    assert (lost.state, lost.attempt, lost.outcome) == (State.FIRED, 2, Outcome.SUCCEEDED)
    later = [row for row in rows.values() if row.instant > instant]
    assert {row.attempt for row in later if row.state is State.FIRED} == {1}
