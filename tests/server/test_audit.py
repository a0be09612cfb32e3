"""The audit: who changed what, from where, for admins alone."""

from __future__ import annotations

from steersman.server.platform import Platform
from tests.server.people import PASSWORD, Door, log_in
from tests.server.test_tokens import check


async def _filters(site: Door) -> None:
    await site.user("ada", password=PASSWORD, admin=True)
    token = await site.token_of("ada")
    await site.do("POST", "/users", {"name": "eve"}, token)
    found = (await site.get("/audit?author=ada"))["items"]
    assert [each["action"] for each in found] == ["user-add", "token-add", "login"]
    found = (await site.get("/audit?author=ada&action=user-add"))["items"]
    assert [each["subject"] for each in found] == ["eve"]
    assert (await site.get("/audit?author=nobody"))["items"] == []


def test_the_audit_is_narrowed_by_author_and_action(platform_on: Platform) -> None:
    check(platform_on, _filters)


async def _pages(site: Door) -> None:
    for number in range(5):
        await site.user(f"user-{number}")
    subjects, cursor = [], ""
    while True:
        found = await site.get(f"/audit?limit=2&cursor={cursor}")
        subjects += [each["subject"] for each in found["items"]]
        if not (cursor := found["next"] or ""):
            break
    assert subjects == [f"user-{number}" for number in (4, 3, 2, 1, 0)]


def test_the_audit_comes_in_pages_newest_first(platform: Platform) -> None:
    check(platform, _pages)


async def _addresses(site: Door) -> None:
    await site.user("ada", password=PASSWORD)
    async with site.browser("192.0.2.77") as browser:
        await log_in(browser, "ada")
    newest = (await site.get("/audit"))["items"][0]
    assert (newest["action"], newest["address"]) == ("login", "192.0.2.77")


def test_the_audit_has_the_address_of_who_asked(platform: Platform) -> None:
    check(platform, _addresses)


async def _hidden(site: Door) -> None:
    await site.user("ada", password=PASSWORD)
    await site.get("/audit", await site.token_of("ada"), status=403)
    narrow = await site.do("POST", "/tokens", {"name": "x", "scopes": ["write"]})
    await site.get("/audit", narrow["token"], status=403)


def test_the_audit_is_for_admins_alone(platform: Platform) -> None:
    check(platform, _hidden)
