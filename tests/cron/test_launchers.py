"""What every launcher holds to, and what the one of Kubernetes does besides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from steersman.cli import cron_parts
from steersman.core.errors import Forbidden, NotFound, Unavailable, UserError
from steersman.core.schedules import fires
from steersman.core.schedules.fires import Fire, Key, Kind, Outcome
from steersman.cron.kubernetes import jobs
from steersman.cron.kubernetes.launcher import KubernetesLauncher
from steersman.cron.launchers.base import Impossible, Launcher, Run, What, Work
from steersman.cron.launchers.fake import FakeCluster, FakeLauncher
from steersman.cron.launchers.several import Several
from tests.cron import commands
from tests.cron.fake_api import FakeApi
from tests.kubernetes import clusters

NOW = 1_800_000_000
POD = {"restartPolicy": "Never", "containers": [{"name": "a", "image": clusters.IMAGE,
                                                 "command": ["true"]}]}  # fmt: skip
WORK = Work(
    "nightly", "mails", {"metadata": {"name": "mails"}, "spec": {"template": {"spec": POD}}}
)
JOBS = "/apis/batch/v1/namespaces/space/jobs"

Use = Callable[[Launcher], Awaitable[Any]]


@pytest.fixture(
    params=["fake", "process", "api", pytest.param("cluster", marks=pytest.mark.kubernetes)]
)
def using(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Use], Any]]:
    """Run a coroutine with a launcher of each kind."""
    if request.param == "process":
        yield lambda use: commands.run(tmp_path, use)
    elif request.param == "fake":
        yield lambda use: asyncio.run(use(FakeLauncher(FakeCluster(lambda: NOW))))  # type: ignore[arg-type]
    elif request.param == "api":
        api = FakeApi()
        launcher = KubernetesLauncher(api, api.follow, "space", "main", lambda: NOW)
        yield lambda use: asyncio.run(use(launcher))  # type: ignore[arg-type]
    else:
        with clusters.namespace() as namespace:

            async def whole(use: Use) -> Any:
                api = clusters.api()
                try:
                    follow = cron_parts.follow(api)
                    return await use(
                        KubernetesLauncher(api, follow, namespace, "main", lambda: NOW)
                    )
                finally:
                    await api.close()

            yield lambda use: asyncio.run(whole(use))


@pytest.fixture
def work(using: Callable[[Use], Any], request: pytest.FixtureRequest) -> Work:
    """Return what a launcher of that kind knows: something that goes on."""
    is_process = request.node.callspec.params["using"] == "process"
    return commands.work("sleep", "600") if is_process else WORK


def _claim(launcher: Launcher, instant: int = NOW, attempt: int = 1) -> Fire:
    fire = fires.planned("nightly", instant, instant, NOW)._replace(attempt=attempt)
    return fires.claimed(fire, "one", 3, NOW, launcher.name(WORK, fire))


def test_a_launch_that_is_repeated_starts_nothing_new(
    using: Callable[[Use], Any], work: Work
) -> None:
    async def use(launcher: Launcher) -> None:
        fire = _claim(launcher)
        first = await launcher.launch(work, fire)
        assert await launcher.launch(work, fire) == first
        found = await launcher.find(fire.run)
        assert found is not None
        assert (found.uid, found.key, found.attempt) == (first, fire.key, 1)
        assert found.outcome is Outcome.RUNNING

    using(use)


def test_instants_and_attempts_have_names_of_their_own(using: Callable[[Use], Any]) -> None:
    async def use(launcher: Launcher) -> None:
        names = {
            _claim(launcher, NOW + number, attempt).run for number in range(3) for attempt in (1, 2)
        }
        assert len(names) == 6
        assert all(name.startswith("mails-") and len(name) == 18 for name in names)

    using(use)


def test_what_is_not_there_is_not_found_and_stopping_it_is_fine(
    using: Callable[[Use], Any],
) -> None:
    async def use(launcher: Launcher) -> None:
        assert await launcher.find("mails-000000000000") is None
        await launcher.stop("mails-000000000000")

    using(use)


def test_a_watch_tells_of_what_was_there_before_it(using: Callable[[Use], Any], work: Work) -> None:
    async def use(launcher: Launcher) -> None:
        fire = _claim(launcher)
        uid = await launcher.launch(work, fire)
        told: asyncio.Queue[Run] = asyncio.Queue()
        task = asyncio.ensure_future(launcher.watch(told.put_nowait))
        async with asyncio.timeout(30):
            run = await told.get()
        assert (run.name, run.uid, run.key) == (fire.run, uid, fire.key)
        assert launcher.runs()[fire.run].uid == uid
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    using(use)


def test_several_launchers_are_one_and_each_gets_its_own_work() -> None:
    clusters = {what: FakeCluster(lambda: NOW) for what in What}
    several = Several({what: FakeLauncher(cluster) for what, cluster in clusters.items()})

    async def use() -> None:
        fires = {what: _claim(several, NOW + number) for number, what in enumerate(What)}
        for what, fire in fires.items():
            await several.launch(WORK._replace(what=what), fire)
            assert list(clusters[what].runs) == [fire.run]
            found = await several.find(fire.run)
            assert found is not None
            assert found.name == fire.run
        await several.stop(fires[What.COMMAND].run)
        assert {run.outcome for run in several.runs().values()} == {
            Outcome.RUNNING, Outcome.FAILED,
        }  # fmt: skip
        assert await several.find("mails-000000000000") is None
        told: asyncio.Queue[Run] = asyncio.Queue()
        task = asyncio.ensure_future(several.watch(told.put_nowait))
        assert {(await told.get()).name for _ in What} == {fire.run for fire in fires.values()}
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(use())


def test_a_job_says_where_it_comes_from_and_keeps_what_was_written() -> None:
    body = {
        "metadata": {"name": "x", "namespace": "elsewhere", "labels": {"a": "b"}},
        "spec": {"backoffLimit": 1},
        "status": {"old": True},
    }
    fire = fires.claimed(fires.planned("nightly", NOW, NOW, NOW), "one", 3, NOW, "x-1")
    job = jobs.manifest(Work("nightly", "x", body), fire, "space", "main")
    assert job["metadata"]["name"] == "x-1"
    assert job["metadata"]["namespace"] == "space"
    assert job["metadata"]["labels"] == {
        "a": "b", "cronetes": "true", jobs.CRON: "main", jobs.FIRE: jobs.identity(fire),
    }  # fmt: skip
    assert job["metadata"]["annotations"][jobs.FENCE] == "3"
    assert job["spec"] == {"backoffLimit": 1}
    assert "status" not in job
    job["metadata"]["uid"] = "u"
    run = jobs.run(job)
    assert run is not None
    assert run.key == Key("nightly", NOW, Kind.SCHEDULED)


REFUSALS = [
    (Forbidden("no right"), Unavailable), (NotFound("no namespace"), Unavailable),
    (Unavailable("away"), Unavailable), (UserError("spec is invalid"), Impossible),
]  # fmt: skip


@pytest.mark.parametrize(("error", "told"), REFUSALS)
def test_what_can_be_mended_is_tried_again_and_what_cannot_is_not(
    error: Exception, told: type[Exception]
) -> None:
    api = FakeApi()

    def fails(method: str, path: str) -> None:
        raise error

    api.fails = fails
    launcher = KubernetesLauncher(api, api.follow, "space", "main", lambda: NOW)
    with pytest.raises(told):
        asyncio.run(launcher.launch(WORK, _claim(launcher)))


def test_a_job_of_that_name_by_somebody_else_is_not_taken_for_ours() -> None:
    api = FakeApi()
    launcher = KubernetesLauncher(api, api.follow, "space", "main", lambda: NOW)
    fire = _claim(launcher)
    api.put(JOBS, {"metadata": {"name": fire.run}})
    with pytest.raises(Impossible, match="not of this instant"):
        asyncio.run(launcher.launch(WORK, fire))


def _node(ready: str, *, taint: bool = False, since: int = NOW - 100) -> dict[str, Any]:
    stamp = "2027-01-15T08:00:00Z" if since == NOW else "2027-01-15T07:58:20Z"
    taints = [{"key": "steersman.dev/quarantine"}] if taint else []
    ready_one = {"type": "Ready", "status": ready, "lastTransitionTime": stamp, "message": "gone"}
    metadata = {"name": "node-1", "uid": "n", "resourceVersion": "1"}
    return {"metadata": metadata, "spec": {"taints": taints}, "status": {"conditions": [ready_one]}}


RUN = Run("mails-1", "u", Key("nightly", NOW, Kind.SCHEDULED))


@pytest.mark.parametrize(
    ("node", "outcome"),
    [
        (_node("True"), Outcome.RUNNING),
        (_node("Unknown"), Outcome.LOST),
        (_node("Unknown", since=NOW), Outcome.RUNNING),
        (_node("True", taint=True), Outcome.LOST),
    ],
)
def test_a_run_is_lost_once_its_node_is_away_for_a_while_or_put_aside(
    node: dict[str, Any], outcome: Outcome
) -> None:
    sick = jobs.node(jobs.keep_node(node), NOW)
    pods = [jobs.Pod("mails-1", "node-1", NOW - 10.0)]
    found = jobs.afflicted(RUN, pods, {sick.name: sick} if sick else {}, NOW)
    assert found.outcome is outcome


def test_a_run_with_another_pod_on_a_node_that_is_well_is_not_lost() -> None:
    sick = jobs.node(jobs.keep_node(_node("False")), NOW)
    assert sick is not None
    pods = [jobs.Pod("mails-1", "node-1"), jobs.Pod("mails-1", "node-2")]
    assert jobs.afflicted(RUN, pods, {"node-1": sick}, NOW) == RUN
