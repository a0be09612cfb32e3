"""Results of tests: as a runner sent them, and what changed since the last ones."""

from __future__ import annotations

import json
from typing import Any

from steersman.server.platform import Platform
from tests.server.conftest import Repository
from tests.server.kept import Attempt, Shop, in_shop, tar

GOOD = ["cart", "adds", 0.1, "passed", ""]
BAD = ["cart", "adds", 0.2, "failed", "expected 1"]
NEW = ["cart", "pays", 9.0, "passed", ""]


async def report(attempt: Attempt, *cases: Any, **totals: Any) -> None:
    await attempt.say("PUT", "tests", json={"totals": totals, "cases": list(cases)})


def test_tests_are_shown_with_what_changed_since(
    platform_on: Platform, repository: Repository
) -> None:
    in_shop(_shown_with_what_changed)(platform_on, repository)


async def _shown_with_what_changed(shop: Shop) -> None:
    first = await shop.push()
    await report(first, BAD, failed=1, seconds=0.2)
    shown = (await shop.get(f"attempts/{first.id}/tests")).json()
    assert shown["compared"] is None
    assert shown["cases"] == [
        {
            "suite": "cart",
            "name": "adds",
            "seconds": 0.2,
            "state": "failed",
            "message": "expected 1",
        }
    ]
    await first.end("failed")
    second = await shop.push()
    await report(second, GOOD, NEW, passed=2, seconds=9.1)
    shown = (await shop.get(f"attempts/{second.id}/tests")).json()
    assert shown["totals"] == {
        "tests": 2, "passed": 2, "failed": 0, "errored": 0, "skipped": 0, "seconds": 9.1,
    }  # fmt: skip
    compared = shown["compared"]
    assert compared["attempt"] == first.id
    assert [case["name"] for case in compared["fixed"]["items"]] == ["adds"]
    assert [case["name"] for case in compared["added"]["items"]] == ["pays"]
    assert compared["newly_failed"] == {"items": [], "total": 0}
    assert (await shop.get("runs/shop/2/tests")).json()["totals"]["passed"] == 2


@in_shop
async def test_a_slower_test_says_how_long_it_took_before(shop: Shop) -> None:
    first = await shop.push()
    await report(first, GOOD)
    await first.end("failed")
    second = await shop.push()
    await report(second, ["cart", "adds", 30.0, "passed", ""])
    compared = (await shop.get(f"attempts/{second.id}/tests")).json()["compared"]
    [slower] = compared["slower"]["items"]
    assert (slower["seconds"], slower["seconds_before"]) == (30.0, 0.1)


@in_shop
async def test_neither_another_branch_nor_one_that_runs_nor_a_later_one_is_compared(
    shop: Shop,
) -> None:
    shop.repository.git("branch", "other")
    elsewhere = await shop.push("other")
    await report(elsewhere, BAD)
    await elsewhere.end("failed")
    first = await shop.push()
    await report(first, BAD)
    second = await shop.push()
    await report(second, GOOD)
    assert (await shop.get(f"attempts/{second.id}/tests")).json()["compared"] is None
    await second.end("failed")
    assert (await shop.get(f"attempts/{first.id}/tests")).json()["compared"] is None


@in_shop
async def test_totals_of_a_run_are_those_of_each_jobs_newest_attempt(shop: Shop) -> None:
    attempt = await shop.push()
    await report(attempt, BAD, failed=1)
    await attempt.end("failed")
    assert (await shop.call("POST", "runs/shop/1/retry", json={})).status_code == 202
    again = await shop.take()
    await report(again, GOOD, passed=5, seconds=2)
    await again.leave(tar({}))
    await again.end()
    deploy = await shop.take()
    await report(deploy, GOOD, passed=1, skipped=2, seconds=0.5)
    shown = (await shop.get("runs/shop/1/tests")).json()
    assert [(each["job"], each["number"]) for each in shown["items"]] == [
        ("build", 2),
        ("deploy", 1),
    ]
    assert shown["totals"] == {
        "tests": 8, "passed": 6, "failed": 0, "errored": 0, "skipped": 2, "seconds": 2.5,
    }  # fmt: skip


@in_shop
async def test_nonsense_of_a_runner_is_left_out(shop: Shop) -> None:
    attempt = await shop.push()
    odd = [[], {}, 1, None, ["a"], ["a", "b", "c", "passed", ""], ["a", "b", 1, "exploded", ""]]
    endless = ["a", "\ud800\0", float(10**300), "passed", "\udfff"]
    body = {"totals": {"passed": "many", "failed": -1, "seconds": [], "skipped": 10**30}, "x": 1}
    sent = json.dumps({**body, "cases": [*odd, endless]}).encode()
    await attempt.say("PUT", "tests", content=sent)
    answer = await shop.get(f"attempts/{attempt.id}/tests")
    assert answer.status_code == 200
    assert [case["seconds"] for case in answer.json()["cases"]] == [0.0]
    assert answer.json()["totals"]["tests"] == 0
    assert (await shop.get("runs/shop/1/tests")).json()["totals"]["tests"] == 0


@in_shop
async def test_no_reports_are_not_found(shop: Shop) -> None:
    attempt = await shop.push()
    answer = await shop.get(f"attempts/{attempt.id}/tests")
    assert answer.status_code == 404
    assert "reports" in answer.json()["hint"]
    assert (await shop.get("runs/shop/1/tests")).json()["items"] == []
    assert (await shop.get("runs/%00/tests")).status_code == 422
    trigger = await shop.person("tom", "developer", "trigger")
    assert (await shop.get("runs/shop/1/tests", trigger)).status_code == 200
    assert (await shop.get(f"attempts/{attempt.id}/tests", trigger)).status_code == 403
