"""Schedules by API: what can be said, and by whom."""

from __future__ import annotations

import asyncio

from steersman.server.platform import Platform
from tests.server.conftest import Repository
from tests.server.kept import Shop, in_shop, shop
from tests.server.scheduled import EVERY_MINUTE, add, listed


@in_shop
async def test_the_next_instants_are_listed_with_what_the_clocks_do(here: Shop) -> None:
    await add(here, "berlin", cron="30 2 * * *", timezone="Europe/Berlin")
    coming = (await here.get("projects/shop/schedules/berlin/next?count=200")).json()["items"]
    assert len(coming) == 200
    assert any("clocks go forward" in each["note"] for each in coming)


BAD = [
    {},
    {"cron": "0 0 30 2 *"},
    {"cron": "@daily", "timezone": "Mars"},
    {"cron": "@daily", "colour": "red"},
    {"cron": "@daily", "overlap": {"queue": 0}},
    {"cron": "@daily", "catch-up": ["all"]},
    {"cron": "@daily", "deadline": -3},
    {"cron": "@daily", "starts": "9999-12-31T23:59:59-10:00"},
]


def test_what_cannot_be_kept_is_refused_in_words(
    platform: Platform, repository: Repository
) -> None:
    async def tried() -> None:
        async with shop(platform, repository) as here:
            for spec in BAD:
                body = {"name": "bad", "target": "build", "spec": spec}
                answer = await here.call("POST", "projects/shop/schedules", json=body)
                assert answer.status_code == 400, spec
                assert len(answer.json()["detail"]) > 10
            assert await listed(here) == {}
            await add(here)
            again = {"name": "tick", "target": "build", "spec": EVERY_MINUTE}
            answer = await here.call("POST", "projects/shop/schedules", json=again)
            assert answer.status_code == 409

    asyncio.run(tried())


def test_a_role_may_do_with_schedules_what_it_may_do_otherwise(
    platform: Platform, repository: Repository
) -> None:
    async def tried() -> None:
        async with shop(platform, repository) as here:
            await add(here)
            viewer = await here.person("eve", "viewer", "admin")
            developer = await here.person("dan", "developer", "admin")
            maintainer = await here.person("mia", "maintainer", "admin")
            where, reason = "projects/shop/schedules/tick", {"reason": "x"}
            for token, may in ((viewer, (403, 403)), (developer, (202, 403)),
                               (maintainer, (202, 200))):  # fmt: skip
                assert (await here.get(where, token)).status_code == 200
                asked = await here.call("POST", f"{where}/trigger", json=reason, token=token)
                paused = await here.call("POST", f"{where}/pause", json=reason, token=token)
                assert (asked.status_code, paused.status_code) == may
            assert (await here.call("DELETE", where, token=maintainer)).status_code == 204
            assert (await here.get(where)).status_code == 404

    asyncio.run(tried())
