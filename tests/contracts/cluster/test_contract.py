"""What every cluster promises."""

from __future__ import annotations

import pytest

from steersman.cluster.base import State
from steersman.core.errors import Conflict
from tests.contracts.cluster.conftest import Place, becomes, do, spec, state


def test_a_runner_runs_until_it_is_stopped_and_is_then_deleted(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as cluster:
            await cluster.create(spec())
            await becomes(cluster, State.RUNNING)
            await place.ready(cluster)
            await cluster.stop("a1")
            await becomes(cluster, State.ENDED)
            await cluster.delete("a1")
            assert await cluster.runners() == []

    do(work)


def test_a_runner_that_ends_by_itself_is_seen_to_have_run(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as cluster:
            await cluster.create(spec(life="ends"))
            await becomes(cluster, State.ENDED)
            (seen,) = await cluster.runners()
            assert seen.started is not None

    do(work)


def test_creating_again_changes_nothing_even_after_the_end(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as cluster:
            await cluster.create(spec())
            await place.ready(cluster)
            before = await cluster.runners()
            await cluster.create(spec())
            assert await cluster.runners() == before
            await cluster.stop("a1")
            await becomes(cluster, State.ENDED)
            await cluster.create(spec())
            assert await state(cluster) is State.ENDED

    do(work)


def test_a_runner_that_will_not_stop_is_killed(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as cluster:
            await cluster.create(spec(life="stubborn"))
            await place.ready(cluster)
            await cluster.stop("a1")
            assert await state(cluster) is State.RUNNING
            await cluster.kill("a1")
            await becomes(cluster, State.ENDED)

    do(work)


def test_what_has_not_ended_cannot_be_deleted(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as cluster:
            await cluster.create(spec())
            with pytest.raises(Conflict):
                await cluster.delete("a1")
            # Where others bring it up it may still be on its way.
            assert await state(cluster) in (State.PENDING, State.RUNNING)

    do(work)


def test_what_is_not_there_is_stopped_killed_and_deleted_in_vain(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as cluster:
            await cluster.stop("a1")
            await cluster.kill("a1")
            await cluster.delete("a1")
            assert await cluster.runners() == []

    do(work)


def test_runners_outlive_the_cluster_object_and_are_found_by_the_next(place: Place) -> None:
    async def work() -> None:
        async with place.opened() as cluster:
            await cluster.create(spec("a1"))
            await cluster.create(spec("a2"))
            await place.ready(cluster, "a1")
        async with place.opened() as cluster:
            found = {each.attempt: each.state for each in await cluster.runners()}
            assert found == {"a1": State.RUNNING, "a2": State.RUNNING}
            await cluster.stop("a1")
            await becomes(cluster, State.ENDED)
            assert await state(cluster, "a2") is State.RUNNING

    do(work)
