"""How a pod may end before its job does: each way one state, one reason, and never green."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from steersman.client import Client
from steersman.containers.base import ServiceEnded
from steersman.core.reports import Reason
from steersman.runner.jobs import Allowed, Places
from steersman.runner.program import Runner
from steersman.runner.reporting import Ending, Fenced
from tests.platform.programs import until
from tests.runner_pod.conftest import Make
from tests.runner_pod.engine_pods import EnginePod
from tests.runner_pod.jobs import pipeline
from tests.runner_pod.platforms import Granted, Platform

ENDLESS = "echo working; sleep 600; echo never"
GONE = {"kind": "box-ended", "container": "box", "text": "the box was killed: it used 64 MiB"}


def working(platform: Platform, pods: Make, folder: Path) -> tuple[Granted, EnginePod]:
    """Let a job begin that would not end."""
    files = {"wercker.yml": pipeline("busybox", ENDLESS)}
    granted = platform.granted(folder / "repository", files)
    pod = pods(granted)
    assert pod.prepare() == 0, pod.printed("prepare")
    pod.start()
    until(lambda: "working" in platform.log(granted), "the step works")
    return granted, pod


@pytest.mark.engine
def test_a_pod_that_is_told_to_end_blames_no_step(
    platform: Platform, pods: Make, tmp_path: Path
) -> None:
    granted, pod = working(platform, pods, tmp_path)
    with ThreadPoolExecutor(2) as both:
        # In any order, as a node would.
        list(both.map(lambda name: pod.kill(name, "TERM"), ("box", "runner")))
    assert pod.code("runner") == 0, pod.printed("runner")
    attempt = platform.attempt(granted)
    assert (attempt["state"], attempt["reason"]) == ("errored", "interrupted"), attempt
    assert "the pod of the job was told to end" in attempt["message"]
    assert "never" not in platform.log(granted)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("reason", "state", "recorded"),
    [("out-of-memory", "failed", "out-of-memory"), ("", "errored", "box-lost")],
)
def test_a_box_that_is_gone_is_named_by_what_the_worker_saw(
    reason: str, state: str, recorded: str, platform: Platform, pods: Make, tmp_path: Path
) -> None:
    granted, pod = working(platform, pods, tmp_path)
    pod.kill("box")
    platform.tell(granted, GONE | ({"reason": reason} if reason else {}))
    assert pod.code("runner") == 0, pod.printed("runner")
    attempt = platform.attempt(granted)
    assert (attempt["state"], attempt["reason"]) == (state, recorded), attempt
    assert GONE["text"] in attempt["message"]
    assert "after-steps are skipped: the box is gone" in platform.log(granted)


@pytest.mark.engine
def test_what_cannot_be_set_up_is_recorded_without_any_box(
    platform: Platform, pods: Make, tmp_path: Path
) -> None:
    files = {"wercker.yml": "box: busybox\nbuild:\n  steps: [nobody/nothing]\n"}
    granted = platform.granted(tmp_path / "repository", files)
    pod = pods(granted)
    assert pod.prepare() == 0, pod.printed("prepare")
    pod.start(box=False)
    assert pod.code("runner") == 0, (pod.printed("runner"), platform.log(granted))
    attempt = platform.attempt(granted)
    assert (attempt["state"], attempt["reason"]) == ("failed", "rejected")
    assert "nobody/nothing" in attempt["message"]


SPEC: Any = {"settings": {"log_limit": 1000, "repeatable": False, "fencing": 0.1}}


def test_a_runner_that_may_not_be_repeated_stops_when_nobody_hears_it(tmp_path: Path) -> None:
    def away(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("nobody is there")

    async def body() -> list[str]:
        said = []

        async def work() -> Ending:
            try:
                await asyncio.Event().wait()
            finally:
                said.append("stopped")
            return Ending("succeeded")

        transport = httpx2.MockTransport(away)
        async with Client("http://ci.test", "t", transport=transport) as client:
            runner = Runner(client, Places(tmp_path, tmp_path), Allowed(), lambda: None)  # type: ignore[arg-type,return-value]
            with pytest.raises(Fenced):
                await runner.supervised(SPEC, runner.audience(SPEC), work)
        return said

    assert asyncio.run(asyncio.wait_for(body(), 30)) == ["stopped"]


@pytest.mark.parametrize(
    ("reason", "state"), [(Reason.SERVICE_ENDED, "failed"), (Reason.INTERRUPTED, "errored")]
)
def test_a_service_that_ended_is_the_users_unless_something_else_ended_it(
    reason: Reason, state: str, tmp_path: Path
) -> None:
    records: list[Any] = []

    async def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/heartbeat"):
            await asyncio.Event().wait()
        if request.method == "PUT":
            return httpx2.Response(200, json={"size": len(request.content)})
        if request.url.path.endswith("/record"):
            records.append(json.loads(request.content))
        return httpx2.Response(200, json={})

    async def work() -> Ending:
        raise ServiceEnded("the service db ended", reason=reason)

    async def body() -> None:
        transport = httpx2.MockTransport(answer)
        async with Client("http://ci.test", "t", transport=transport) as client:
            runner = Runner(client, Places(tmp_path, tmp_path), Allowed(), lambda: None)  # type: ignore[arg-type,return-value]
            spec: Any = {"settings": {"log_limit": 1000}}
            await runner.supervised(spec, runner.audience(spec), work)

    asyncio.run(asyncio.wait_for(body(), 30))
    [record] = records
    assert (record["state"], record["reason"]) == (state, reason)
