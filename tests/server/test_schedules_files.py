"""Schedules of a pipeline file: what the newest commit of a branch says, holds."""

from __future__ import annotations

from tests.server.kept import FILE, Shop, in_shop
from tests.server.scheduled import listed, on_each, push, row_of

SCHEDULED = """\
box: busybox
build:
  schedules: [{cron: 0 3 * * *, name: night, overlap: forbid}]
  steps: [{script: {code: echo}}]
workflows:
  - name: ship
    schedules: "@weekly"
    pipelines: [{name: build}]
"""


@on_each
async def test_schedules_follow_the_file_of_the_default_branch(here: Shop) -> None:
    here.repository.commit({"wercker.yml": SCHEDULED})
    await push(here)
    found = await listed(here)
    assert {name: each["target"] for name, each in found.items()} == {
        "night": "build",
        "ship": "ship",
    }
    assert found["night"]["spec"] == {"cron": "0 3 * * *", "overlap": "forbid"}
    assert found["night"]["file_of"] == "main"
    before = (await row_of(here, "night"))["id"]
    here.repository.commit({"wercker.yml": SCHEDULED.replace("@weekly", "@every")})
    await push(here)
    assert await listed(here) == found, "a file that is wrong changes nothing"
    less = SCHEDULED.replace('    schedules: "@weekly"\n', "").replace("0 3", "0 4")
    here.repository.commit({"wercker.yml": less})
    await push(here)
    assert {name: each["spec"]["cron"] for name, each in (await listed(here)).items()} == {
        "night": "0 4 * * *"
    }
    here.repository.commit({"wercker.yml": FILE})
    await push(here)
    assert await listed(here) == {}
    here.repository.commit({"wercker.yml": SCHEDULED})
    await push(here)
    assert (await row_of(here, "night"))["id"] == before, "its ledger goes on"


@in_shop
async def test_a_run_says_what_the_schedules_of_its_file_may_mean_otherwise(here: Shop) -> None:
    here.repository.commit({"wercker.yml": SCHEDULED})
    await push(here)
    (run,) = (await here.call("GET", "runs")).json()["items"]
    found = (await here.call("GET", f"runs/{run['id']}")).json()
    said = {(each["line"], each["severity"], each["code"]) for each in found["problems"]}
    assert said == {(3, "warning", "on-the-hour"), (7, "warning", "on-the-hour")}


@in_shop
async def test_only_a_branchs_newest_commit_and_nobody_elses_decides(here: Shop) -> None:
    old = here.repository.commit({"wercker.yml": SCHEDULED})
    new = here.repository.commit({"wercker.yml": FILE})
    await push(here, commit=old)
    assert await listed(here) == {}
    here.repository.git("checkout", "-q", "-b", "work")
    own = SCHEDULED.replace("name: night", "name: night, branch: work")
    here.repository.commit({"wercker.yml": own})
    await push(here, "work")
    found = await listed(here)
    # Another branch decides about what runs on it, and about nothing else.
    assert {name: each["file_of"] for name, each in found.items()} == {"night": "work"}
    await push(here, "main", commit=new)
    assert await listed(here) == found
    await push(here, "work", deleted=True)
    assert await listed(here) == {}


@in_shop
async def test_a_schedule_of_a_file_is_paused_but_not_changed_here(here: Shop) -> None:
    here.repository.commit({"wercker.yml": SCHEDULED})
    await push(here)
    where = "projects/shop/schedules/night"
    changed = await here.call("PATCH", where, json={"target": "deploy"})
    assert changed.status_code == 409
    assert "written in the pipeline file of main" in changed.json()["detail"]
    assert (await here.call("DELETE", where)).status_code == 409
    paused = await here.call("POST", f"{where}/pause", json={"reason": "x"})
    assert paused.status_code == 200
    here.repository.commit({"wercker.yml": SCHEDULED.replace("0 3", "0 5")})
    await push(here)
    night = (await listed(here))["night"]
    assert (night["spec"]["cron"], night["pause"]["reason"]) == ("0 5 * * *", "x")
