"""Members of projects: given roles by those who have at least as much."""

from __future__ import annotations

from steersman.server.platform import Platform
from tests.server.people import PASSWORD, Door
from tests.server.test_tokens import add_project, check

MEMBERS = "/projects/shop/members"


async def _shop(site: Door) -> tuple[str, str]:
    """Make a project with a maintainer and a developer; return their tokens."""
    await add_project(site.parts, "shop")
    for name, role in (("ada", "maintainer"), ("dev", "developer"), ("eve", "")):
        await site.user(name, password=PASSWORD)
        if role:
            await site.do("PUT", f"{MEMBERS}/{name}", {"role": role})
    return await site.token_of("ada"), await site.token_of("dev")


async def _roles(site: Door) -> None:
    ada, dev = await _shop(site)
    await site.do("PUT", f"{MEMBERS}/eve", {"role": "viewer"}, ada)
    await site.do("PUT", f"{MEMBERS}/eve", {"role": "developer"}, ada, status=200)
    found = (await site.get(MEMBERS, dev))["items"]
    assert [(each["user"], each["role"]) for each in found] == [
        ("ada", "maintainer"),
        ("dev", "developer"),
        ("eve", "developer"),
    ]
    await site.do("DELETE", f"{MEMBERS}/dev", token=ada, status=204)
    await site.get(MEMBERS, dev, status=404)
    await site.do("DELETE", f"{MEMBERS}/dev", token=ada, status=404)
    await site.do("PUT", f"{MEMBERS}/nobody", {"role": "viewer"}, ada, status=404)
    newest = (await site.get("/audit?action=member-set"))["items"][0]
    assert (newest["author"], newest["subject"]) == ("ada", "shop/eve")
    assert newest["detail"] == {"role": "developer", "before": "viewer"}


def test_a_maintainer_gives_and_takes_roles(platform_on: Platform) -> None:
    check(platform_on, _roles)


async def _refused(site: Door) -> None:
    ada, dev = await _shop(site)
    await site.do("PUT", f"{MEMBERS}/dev", {"role": "maintainer"}, dev, status=403)
    await site.do("DELETE", f"{MEMBERS}/ada", token=dev, status=403)
    for role in ("admin", "owner", "", "Maintainer"):
        await site.do("PUT", f"{MEMBERS}/dev", {"role": role}, ada, status=422)
    writing = await site.token_of("ada", "write")
    await site.do("PUT", f"{MEMBERS}/eve", {"role": "viewer"}, writing, status=403)


def test_nobody_is_raised_by_those_who_may_not(platform: Platform) -> None:
    check(platform, _refused)


async def _last(site: Door) -> None:
    ada, _ = await _shop(site)
    await site.do("DELETE", f"{MEMBERS}/ada", token=ada, status=409)
    await site.do("PUT", f"{MEMBERS}/ada", {"role": "viewer"}, ada, status=409)
    await site.do("PUT", f"{MEMBERS}/ada", {"role": "maintainer"}, ada, status=200)
    await site.do("PUT", f"{MEMBERS}/eve", {"role": "maintainer"}, ada)
    await site.do("DELETE", f"{MEMBERS}/ada", token=ada, status=204)
    await site.do("DELETE", f"{MEMBERS}/eve", status=204)
    assert [each["user"] for each in (await site.get(MEMBERS))["items"]] == ["dev"]


def test_the_last_maintainer_goes_only_by_an_admin(platform_on: Platform) -> None:
    check(platform_on, _last)
