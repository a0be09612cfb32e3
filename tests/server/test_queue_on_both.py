"""The queue on real databases: what is leased, reported, lost and planned on."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert, select, update

from steersman.core import queue
from steersman.core.attempts import Hearing, State
from steersman.core.reports import Failed, Heartbeat, Lost, Reason, Released, Started, Succeeded
from steersman.server.planning import Planner
from steersman.server.platform import Platform
from steersman.store import attempts as attempt_rows
from steersman.store import listing, projects
from steersman.store.base import Transaction
from steersman.store.tables import attempts, jobs, lanes, runs
from steersman.store.tables import projects as project_table
from tests.server.conftest import Repository, site

ONE = "box: busybox\nbuild:\n  steps:\n    - script:\n        code: echo\n"
TWO = """\
box: busybox
build:
  steps: [{script: {code: echo}}]
deploy:
  steps: [{script: {code: echo}}]
workflows:
  - name: ship
    pipelines:
      - name: build
      - name: deploy
        requires: [build]
"""
WORKER = queue.Worker("one", frozenset({"default"}), frozenset(), slots=100)
OTHER = WORKER._replace(name="two")


async def project(parts: Platform, repository: Repository, name: str = "shop") -> str:
    identity = parts.clock.new_id()
    row = {"id": identity, "name": name, "repository": str(repository.folder), "settings": {}}

    def add(tx: Transaction) -> None:
        tx.execute(insert(project_table), {**row, "created": tx.now})

    await parts.store.write(add)
    return identity


async def trigger(parts: Platform, project_id: str, times: int = 1, **request: str) -> None:
    wanted = {"kind": "push", "branch": "main", **request}
    for _ in range(times):
        identity = parts.clock.new_id()
        await parts.store.write(
            lambda tx, one=identity: projects.accept(tx, one, project_id, "", wanted, "ada")  # type: ignore[misc]
        )
    await Planner(parts).plan_all()


async def run_states(parts: Platform) -> list[str]:
    query = select(runs.c.state).order_by(runs.c.number)
    return [row["state"] for row in await parts.store.read(lambda tx: tx.all(query))]


async def waiting(parts: Platform) -> int:
    query = select(lanes.c.waiting)
    return sum(row["waiting"] for row in await parts.store.read(lambda tx: tx.all(query)))


async def _a_run_goes_green(parts: Platform, repository: Repository) -> None:
    repository.commit({"wercker.yml": TWO})
    identity = await project(parts, repository)
    await trigger(parts, identity)
    assert await run_states(parts) == ["queued"]
    for job in ("build", "deploy"):
        assert await waiting(parts) == 1
        [grant] = await parts.queue.lease(WORKER, 5, 0)
        assert (grant.attempt.job, grant.attempt.state) == (job, State.LEASED)
        await parts.queue.report(grant.attempt.id, Started(1, "r"))
        assert await run_states(parts) == ["running"]
        heard = await parts.queue.report(grant.attempt.id, Succeeded(1, "r"))
        assert heard.hearing is Hearing.NEWS
    assert await run_states(parts) == ["succeeded"]
    assert await waiting(parts) == 0
    heard = await parts.queue.report(grant.attempt.id, Succeeded(1, "r"))
    assert heard.hearing is Hearing.KNOWN


def test_a_workflow_runs_job_by_job_to_green(platform_on: Platform, repository: Repository) -> None:
    asyncio.run(_a_run_goes_green(platform_on, repository))


async def _leased_once(parts: Platform, repository: Repository) -> None:
    repository.commit({"wercker.yml": ONE})
    await trigger(parts, await project(parts, repository), times=30)
    workers = [WORKER._replace(name=f"worker-{number}") for number in range(6)]

    async def take(worker: queue.Worker) -> list[str]:
        taken: list[str] = []
        while grants := await parts.queue.lease(worker, 2, 0):
            taken += [grant.attempt.id for grant in grants]
        return taken

    found = [each for part in await asyncio.gather(*map(take, workers)) for each in part]
    rest = await take(WORKER)
    assert len(found + rest) == 30
    assert len(set(found + rest)) == 30
    assert await waiting(parts) == 0


def test_of_many_workers_at_once_each_attempt_goes_to_one(
    platform_on: Platform, repository: Repository
) -> None:
    asyncio.run(_leased_once(platform_on, repository))


async def _fenced(parts: Platform, repository: Repository) -> None:
    repository.commit({"wercker.yml": ONE})
    await trigger(parts, await project(parts, repository))
    [first] = await parts.queue.lease(WORKER, 1, 0)
    lost = Lost(first.attempt.leases, Reason.RUNNER_GONE, "its process is gone")
    await parts.queue.report(first.attempt.id, lost)
    [second] = await parts.queue.lease(WORKER, 1, 0)
    assert (second.attempt.number, second.attempt.id != first.attempt.id) == (2, True)
    late = await parts.queue.report(first.attempt.id, Succeeded(1, "late"))
    assert late.hearing is Hearing.FENCED
    assert await run_states(parts) == ["running"]
    await parts.queue.report(second.attempt.id, Succeeded(2, "r"))
    assert await run_states(parts) == ["succeeded"]


def test_a_lost_attempt_is_repeated_and_its_late_record_changes_nothing(
    platform_on: Platform, repository: Repository
) -> None:
    asyncio.run(_fenced(platform_on, repository))


async def _adopted(parts: Platform, repository: Repository) -> None:
    repository.commit({"wercker.yml": ONE})
    await trigger(parts, await project(parts, repository))
    [first] = await parts.queue.lease(WORKER, 1, 0)
    assert await parts.queue.lease(OTHER, 1, 0) == []
    past = update(attempts).values(lease_until=0.0)
    await parts.store.write(lambda tx: tx.execute(past) and None)
    [taken] = await parts.queue.lease(OTHER, 1, 0)
    assert (taken.attempt.id, taken.adopted) == (first.attempt.id, True)
    assert taken.attempt.leases == first.attempt.leases + 1
    stale = await parts.queue.report(first.attempt.id, Released(first.attempt.leases))
    assert stale.hearing is Hearing.FENCED
    await parts.queue.report(first.attempt.id, Released(taken.attempt.leases))
    assert await waiting(parts) == 1
    again = await parts.queue.lease(WORKER, 1, 0)
    assert [grant.attempt.number for grant in again] == [1]


def test_another_worker_adopts_what_one_that_went_away_had_leased(
    platform_on: Platform, repository: Repository
) -> None:
    asyncio.run(_adopted(platform_on, repository))


async def _silent(parts: Platform, repository: Repository) -> None:
    repository.commit({"wercker.yml": ONE})
    await trigger(parts, await project(parts, repository))
    [grant] = await parts.queue.lease(WORKER, 1, 0)
    await parts.queue.report(grant.attempt.id, Heartbeat(1, "r"))
    quiet = update(attempts).values(heard=0.0, due=0.0)
    await parts.store.write(lambda tx: tx.execute(quiet) and None)
    assert await parts.queue.expire() == 0, "we have only just begun to listen"
    row = await parts.store.read(lambda tx: attempt_rows.load(tx, grant.attempt.id))
    assert row is not None
    assert row["due"] > 0


def test_silence_counts_only_while_we_were_listening(
    platform_on: Platform, repository: Repository
) -> None:
    asyncio.run(_silent(platform_on, repository))


async def _group(parts: Platform, repository: Repository) -> None:
    repository.commit({"wercker.yml": ONE.replace("build:\n", "build:\n  concurrency: site\n")})
    await trigger(parts, await project(parts, repository), times=3)
    [first] = await parts.queue.lease(WORKER, 3, 0)
    assert await parts.queue.lease(WORKER, 3, 0) == []
    await parts.queue.report(first.attempt.id, Failed(1, "r"))
    [second] = await parts.queue.lease(WORKER, 3, 0)
    assert second.run_id > first.run_id
    async with site(parts) as here:
        found = (await here.call("GET", "/api/v1/runs/shop/3")).json()
    # A worker of the pool asked a moment ago, yet this one waits for its group.
    assert found["jobs"][0]["why"] == "waits for run 2, which holds the concurrency group site"


def test_of_a_concurrency_group_one_run_goes_at_a_time(
    platform_on: Platform, repository: Repository
) -> None:
    asyncio.run(_group(platform_on, repository))


async def _superseded(parts: Platform, repository: Repository) -> None:
    group = "build:\n  concurrency: {group: site, cancel-in-progress: true}\n"
    repository.commit({"wercker.yml": ONE.replace("build:\n", group)})
    identity = await project(parts, repository)
    await trigger(parts, identity)
    [first] = await parts.queue.lease(WORKER, 1, 0)
    await parts.queue.report(first.attempt.id, Started(1, "r"))
    await trigger(parts, identity)
    assert await run_states(parts) == ["cancelling", "queued"]
    assert await parts.queue.lease(WORKER, 1, 0) == [], "the one that is dying is not met"


def test_a_newer_run_ends_the_older_one_of_its_group_and_waits_for_it(
    platform_on: Platform, repository: Repository
) -> None:
    asyncio.run(_superseded(platform_on, repository))


async def _cancel_race(parts: Platform, repository: Repository) -> None:
    repository.commit({"wercker.yml": TWO})
    await trigger(parts, await project(parts, repository), times=8)
    grants = await parts.queue.lease(WORKER, 8, 0)
    for grant in grants:
        await parts.queue.report(grant.attempt.id, Started(1, "r"))
    work = [parts.queue.cancel(grant.run_id, "ada") for grant in grants]
    ends = [parts.queue.report(grant.attempt.id, Succeeded(1, "r")) for grant in grants]
    await asyncio.gather(*work, *ends)
    rows = await parts.store.read(lambda tx: tx.all(select(jobs)))
    assert {row["state"] for row in rows} <= {"succeeded", "cancelled", "skipped", "queued"}
    for grant in grants:
        await parts.queue.cancel(grant.run_id, "ada")
    assert set(await run_states(parts)) <= {"cancelled", "succeeded"}
    assert await waiting(parts) == 0


def test_cancelling_and_ending_at_the_same_time_leave_nothing_open(
    platform_on: Platform, repository: Repository
) -> None:
    asyncio.run(_cancel_race(platform_on, repository))


async def _derived(parts: Platform, repository: Repository) -> None:
    await _a_run_goes_green(parts, repository)

    def numbers(tx: Transaction) -> list[int]:
        from steersman.store import events

        return [row["number"] for row in events.after(tx, 0)]

    found = await parts.store.read(numbers)
    assert found == sorted(set(found))
    viewer = listing.Viewer("nobody", admin=False)
    unseen = await parts.store.read(lambda tx: listing.runs_page(tx, viewer, [], None, 10))
    assert unseen == []
    assert await parts.store.read(lambda tx: len(tx.all(select(project_table)))) == 1


@pytest.mark.parametrize("check", [_derived])
def test_events_are_in_order_and_strangers_see_nothing(
    platform_on: Platform, repository: Repository, check: object
) -> None:
    asyncio.run(_derived(platform_on, repository))
