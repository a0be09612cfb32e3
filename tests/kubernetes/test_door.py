"""The door to a real cluster: what is left over, what is full, and who deletes what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from steersman.cluster.base import NoRoom, RunnerSpec, Seen, State
from steersman.cluster.kubernetes import manifests, names
from steersman.cluster.kubernetes.api import Api
from steersman.cluster.kubernetes.door import KubernetesCluster
from steersman.core.errors import NotFound, UserError
from steersman.core.reports import Reason
from steersman.core.runners import Stage
from tests.kubernetes import clusters

pytestmark = pytest.mark.kubernetes
PATIENCE = 60.0


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    with clusters.namespace() as name:
        yield name


def spec(attempt: str, **wanted: Any) -> RunnerSpec:
    return RunnerSpec(attempt, "t0ken", "http://ci.test", "default", {}, clusters.wanted(**wanted))


def left_over(attempt: str) -> dict[str, Any]:
    """Return a Secret that some worker of this installation made."""
    made = manifests.secret(spec(attempt))
    made["metadata"]["labels"][names.INSTALLATION] = clusters.INSTALLATION
    return made


class Scene:
    def __init__(self, namespace: str, door: KubernetesCluster, api: Api) -> None:
        self.namespace, self.door, self.api = namespace, door, api
        self.path = f"/api/v1/namespaces/{namespace}"

    async def seen(self, attempt: str) -> Seen | None:
        return {each.attempt: each for each in await self.door.runners()}.get(attempt)

    async def until(self, attempt: str, holds: Callable[[Seen | None], bool]) -> Seen | None:
        while not holds(seen := await self.seen(attempt)):
            await self.door.changed(5.0)
        return seen

    async def there(self, kind: str, attempt: str) -> bool:
        try:
            await self.api.call("GET", f"{self.path}/{kind}/{names.named(attempt)}")
        except NotFound:
            return False
        return True

    async def clear(self, attempt: str) -> None:
        """End a runner, and remove what is left of it."""
        await self.door.kill(attempt)
        await self.until(attempt, lambda seen: seen is None or seen.state is State.ENDED)
        await self.door.delete(attempt)


def play(namespace: str, work: Callable[[Scene], Coroutine[Any, Any, None]], **more: Any) -> None:
    async def whole() -> None:
        door, api = clusters.cluster(namespace, **more), clusters.api()
        try:
            async with asyncio.timeout(PATIENCE):
                await work(Scene(namespace, door, api))
        finally:
            await door.close()
            await api.close()

    asyncio.run(whole())


def test_a_secret_without_a_pod_is_found_and_removed_once_nobody_wants_it(namespace: str) -> None:
    async def work(scene: Scene) -> None:
        left = left_over("left")
        await scene.api.call("POST", f"{scene.path}/secrets", left)
        await scene.door.runners()
        await scene.door.sweep()
        # Somebody may just be making the pod.
        assert await scene.seen("left") is None
        await scene.door.sweep()
        seen = await scene.seen("left")
        assert seen is not None
        assert (seen.state, seen.started) == (State.PENDING, None)
        await scene.door.stop("left")
        assert await scene.seen("left") is None
        assert not await scene.there("secrets", "left")

    play(namespace, work)


def test_a_secret_whose_pod_was_never_made_is_made_whole(namespace: str) -> None:
    async def work(scene: Scene) -> None:
        half = left_over("half")
        await scene.api.call("POST", f"{scene.path}/secrets", half)
        await scene.door.runners()
        await scene.door.create(spec("half"))
        assert await scene.there("pods", "half")
        await scene.door.sweep()
        await scene.door.sweep()
        seen = await scene.seen("half")
        assert seen is not None
        assert seen.note != "its pod was never made"
        await scene.clear("half")

    play(namespace, work)


def test_what_the_quota_has_no_room_for_is_given_back_and_nothing_is_left(namespace: str) -> None:
    async def work(scene: Scene) -> None:
        quota = {"metadata": {"name": "few"}, "spec": {"hard": {"count/pods": "0"}}}
        await scene.api.call("POST", f"{scene.path}/resourcequotas", quota)
        try:
            while True:
                said = await scene.api.call("GET", f"{scene.path}/resourcequotas/few")
                if "hard" in (said.get("status") or {}):
                    break
            await scene.door.runners()
            with pytest.raises(NoRoom, match="exceeded quota"):
                await scene.door.create(spec("many"))
            assert await scene.door.room() == 0
            assert not await scene.there("secrets", "many")
        finally:
            await scene.api.call("DELETE", f"{scene.path}/resourcequotas/few")

    play(namespace, work)


def test_a_pod_that_waits_for_a_place_says_so_and_no_more_are_taken(namespace: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.door.create(spec("waits"))
        seen = await scene.until("waits", lambda seen: bool(seen and seen.note))
        assert seen is not None
        assert (seen.stage, seen.placed) == (Stage.WAITING, False)
        assert "nodes are available" in seen.note
        assert await scene.door.room() == 0
        await scene.door.stop("waits")
        ended = await scene.until("waits", lambda seen: bool(seen and seen.state is State.ENDED))
        assert ended is not None
        await scene.door.delete("waits")
        assert await scene.seen("waits") is None

    play(namespace, work, node_selector={"moon": "full"})


def test_a_pod_that_somebody_deletes_is_remembered_until_that_was_noticed(namespace: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.door.create(spec("deleted"))
        await clusters.up(scene.door, "deleted")
        by_force = {"gracePeriodSeconds": 0}
        await scene.api.call("DELETE", f"{scene.path}/pods/steer-deleted", by_force)
        seen = await scene.until("deleted", lambda seen: bool(seen and seen.state is State.ENDED))
        assert seen is not None
        assert (seen.note, seen.reason) == ("somebody deleted its pod", Reason.RUNNER_GONE)
        assert await scene.there("secrets", "deleted")
        await scene.door.delete("deleted")
        assert await scene.seen("deleted") is None
        assert not await scene.there("secrets", "deleted")

    play(namespace, work)


def test_what_the_api_server_refuses_is_said_in_its_words(namespace: str) -> None:
    async def work(scene: Scene) -> None:
        await scene.door.runners()
        with pytest.raises(UserError, match="Invalid value"):
            await scene.door.create(spec("bad", box={"env": {"not a name": "x"}}))
        assert not await scene.there("secrets", "bad")

    play(namespace, work)


def test_two_installations_in_one_namespace_see_nothing_of_each_other(namespace: str) -> None:
    async def work(scene: Scene) -> None:
        other = clusters.cluster(namespace, installation="another")
        try:
            for door, attempt in ((scene.door, "mine"), (other, "theirs")):
                await door.runners()
                await door.create(spec(attempt))
            await clusters.up(scene.door, "mine")
            await clusters.up(other, "theirs")
            for _ in range(3):
                await scene.door.sweep()
                await other.sweep()
            assert {each.attempt for each in await scene.door.runners()} == {"mine"}
            assert {each.attempt for each in await other.runners()} == {"theirs"}
            await scene.door.kill("mine")
            await other.kill("theirs")
        finally:
            await other.close()

    play(namespace, work)


def test_a_node_that_lost_the_job_is_not_chosen_again(namespace: str) -> None:
    async def work(scene: Scene) -> None:
        nodes = await scene.api.call("GET", "/api/v1/nodes")
        every = [each["metadata"]["name"] for each in nodes["items"]]
        if len(every) < 2:
            pytest.skip("the cluster has one node")
        await scene.door.create(spec("elsewhere", avoid=every[1:]))
        seen = await scene.until("elsewhere", lambda seen: bool(seen and seen.node))
        assert seen is not None
        assert seen.node == every[0]
        await scene.door.kill("elsewhere")

    play(namespace, work)
