"""The reaper: ended Jobs go, with their pods; what runs stays; it may be killed at any point."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from steersman.core.errors import Expired, Forbidden, Unavailable
from steersman.core.schedules.reaping import Limits
from steersman.cron.kubernetes import jobs
from steersman.cron.kubernetes.reaper import Reaped, Reaper, Wishes
from tests.cron.fake_api import FakeApi

NOW = 1_800_000_000.0
JOBS = "/apis/batch/v1/namespaces/space/jobs"
PODS = "/api/v1/namespaces/space/pods"


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _job(api: FakeApi, name: str, kind: str | None, age: float, schedule: str = "nightly") -> None:
    conditions = []
    if kind is not None:
        ended = _stamp(NOW - age)
        conditions = [{"type": kind, "status": "True", "lastTransitionTime": ended}]
    metadata = {
        "name": name, "labels": {"cronetes": "true"}, "annotations": {jobs.SCHEDULE: schedule},
        "creationTimestamp": _stamp(NOW - 30 * 86400),
    }  # fmt: skip
    api.put(JOBS, {"metadata": metadata, "status": {"conditions": conditions}})


def _reap(api: FakeApi, limits: Limits | None = None, **more: Any) -> Reaped:
    wishes = Wishes("space", limits or Limits(), rate=1e6, **more)
    return asyncio.run(Reaper(api, wishes, lambda: NOW, lambda line: None).reap())


def _names(api: FakeApi, path: str = JOBS) -> list[str]:
    return sorted(api.objects[path])


def test_it_goes_by_the_end_and_the_outcome_and_never_by_age() -> None:
    api = FakeApi()
    _job(api, "running-for-a-month", None, 0)
    _job(api, "good-old", "Complete", 3700)
    _job(api, "good-new", "Complete", 3500)
    _job(api, "bad-old", "Failed", 90_000)
    _job(api, "bad-new", "Failed", 3700)
    assert _reap(api).jobs == 2
    assert _names(api) == ["bad-new", "good-new", "running-for-a-month"]


def test_counts_are_kept_for_each_schedule_and_outcome() -> None:
    api = FakeApi()
    for number in range(5):
        _job(api, f"a-{number}", "Complete", number, "a")
        _job(api, f"b-{number}", "Failed", number, "b")
    assert _reap(api, Limits(keep_succeeded=3, keep_failed=1)).jobs == 6
    assert _names(api) == ["a-0", "a-1", "a-2", "b-0"]


def test_thousands_are_looked_at_in_pages() -> None:
    api = FakeApi()
    for number in range(1201):
        _job(api, f"job-{number:05}", "Complete", 4000)
    assert _reap(api).jobs == 1201
    pages = [path for method, path in api.calls if method == "GET" and path == JOBS]
    assert len(pages) == 7


def test_a_list_that_is_too_old_goes_on_where_it_was() -> None:
    api = FakeApi()
    for number in range(1201):
        _job(api, f"job-{number:05}", "Complete", 4000 if number % 2 else 0)
    lists = itertools.count()

    def fails(method: str, path: str) -> None:
        if method == "GET" and path == JOBS and next(lists) == 1:
            raise Expired("the list is too old", going_on="job-00199")

    api.fails = fails
    assert _reap(api).jobs == 600


def test_one_that_cannot_be_removed_does_not_keep_the_others() -> None:
    api = FakeApi()
    for number in range(4):
        _job(api, f"job-{number}", "Complete", 4000)

    def fails(method: str, path: str) -> None:
        if method == "DELETE" and path.endswith("job-1"):
            raise Unavailable("no")

    api.fails = fails
    done = _reap(api)
    assert done == Reaped(jobs=3, failed=1)
    assert _names(api) == ["job-1"]


class _Killed(Exception):
    """The process is gone."""


def test_killed_at_any_point_the_next_round_leaves_nothing() -> None:
    chance = random.Random(4)
    api = FakeApi()
    for number in range(40):
        _job(api, f"job-{number}", "Complete", 4000)
    for _ in range(10):

        def fails(method: str, path: str) -> None:
            if chance.random() < 0.2:
                raise _Killed

        api.fails = fails
        with contextlib.suppress(ExceptionGroup, _Killed):
            _reap(api)
    api.fails = lambda method, path: None
    _reap(api)
    assert _names(api) == []


def _pod(api: FakeApi, name: str, job: str, phase: str, **more: Any) -> None:
    made = _stamp(NOW - 90_000)
    metadata = {"name": name, "labels": {"job-name": job}, "creationTimestamp": made, **more}
    api.put(PODS, {"metadata": metadata, "status": {"phase": phase}})


def test_ended_pods_whose_job_is_gone_go_too() -> None:
    api = FakeApi()
    _job(api, "mails-0123456789ab", None, 0)
    owner = [{"kind": "Job", "name": "mails-aaaaaaaaaaaa"}]
    _pod(api, "orphan", "mails-ffffffffffff", "Succeeded")
    _pod(api, "runs", "mails-ffffffffffff", "Running")
    _pod(api, "has-a-job", "mails-0123456789ab", "Failed")
    _pod(api, "owned", "mails-aaaaaaaaaaaa", "Failed", ownerReferences=owner)
    _pod(api, "of-somebody-else", "report", "Failed")
    assert _reap(api).pods == 1
    assert "orphan" not in _names(api, PODS)
    assert _reap(api).pods == 0


def _said(api: FakeApi, job: str, **said: int) -> None:
    spec = {"containers": [{"name": name} for name in said]}
    metadata = {"name": f"{job}-pod", "labels": {"job-name": job}}
    api.put(PODS, {"metadata": metadata, "spec": spec, "status": {"phase": "Succeeded"}})
    api.logs |= {f"{job}-pod/{name}": b"x" * size for name, size in said.items() if size}


def test_the_oldest_go_whose_logs_are_too_much_beside_newer_ones() -> None:
    api = FakeApi()
    for number, size in enumerate((10, 30, 70, 1)):
        _job(api, f"a-{number}", "Complete", number, "a")
        _said(api, f"a-{number}", one=size, never_began=0)
    _job(api, "b-0", "Failed", 0, "b")
    _said(api, "b-0", one=60, two=80)
    _job(api, "b-1", "Complete", 9, "b")
    _job(api, "a-running", None, 0, "a")
    assert _reap(api, Limits(log_bytes=100)).jobs == 3
    assert _names(api) == ["a-0", "a-1", "a-running", "b-0"]
    assert not any("a-3" in path for method, path in api.calls if method == "GET")


def test_whoever_may_not_read_logs_is_told_which_right_is_missing() -> None:
    api = FakeApi()
    _job(api, "a-0", "Complete", 0, "a")
    _said(api, "a-0", one=10)

    def fails(method: str, path: str) -> None:
        if path.endswith("/log"):
            raise Forbidden("pods/log is forbidden")

    api.fails = fails
    with pytest.raises(Forbidden) as told:
        _reap(api, Limits(log_bytes=100))
    assert "pods/log" in (told.value.hint or "")


def test_a_dry_run_removes_nothing() -> None:
    api = FakeApi()
    _job(api, "job", "Complete", 4000)
    assert _reap(api, dry_run=True).jobs == 1
    assert list(api.objects[JOBS]) == ["job"]
