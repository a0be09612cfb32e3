"""Caches of a project: listed and removed."""

from __future__ import annotations

from tests.server.kept import Shop, in_shop


@in_shop
async def test_caches_are_listed_and_removed_one_by_one(shop: Shop) -> None:
    await (await shop.push()).say("PUT", "cache", content=b"cache")
    [item] = (await shop.get("projects/shop/caches")).json()["items"]
    assert (item["scope"], item["name"], item["size"]) == ("branch/main", "build", 5)
    path = f"projects/shop/caches/{item['id']}"
    assert (await shop.call("DELETE", path)).status_code == 204
    assert (await shop.call("DELETE", path)).status_code == 404
    assert (await shop.get("projects/shop/caches")).json()["items"] == []


@in_shop
async def test_all_caches_are_removed_at_once(shop: Shop) -> None:
    attempt = await shop.push()
    await attempt.say("PUT", "cache", content=b"cache")
    assert (await shop.call("DELETE", "projects/shop/caches")).json() == {"removed": 1}
    assert (await shop.call("DELETE", "projects/shop/caches")).json() == {"removed": 0}
    assert (await attempt.say("GET", "cache")).status_code == 204


@in_shop
async def test_only_developers_remove_caches(shop: Shop) -> None:
    await (await shop.push()).say("PUT", "cache", content=b"cache")
    viewer = await shop.person("vic", "viewer", "read", "write")
    developer = await shop.person("dev", "developer", "write", "read")
    assert len((await shop.get("projects/shop/caches", viewer)).json()["items"]) == 1
    assert (await shop.call("DELETE", "projects/shop/caches", token=viewer)).status_code == 403
    answer = await shop.call("DELETE", "projects/shop/caches", token=developer)
    assert answer.json() == {"removed": 1}


@in_shop
async def test_hostile_names_find_nothing(shop: Shop) -> None:
    for path in (
        "projects/%00/caches",
        "projects/shop/caches/%00",
        "projects/none/caches/" + "0" * 26,
    ):
        for method in ("GET", "DELETE"):
            answer = await shop.call(method, path)
            assert 400 <= answer.status_code < 500, path
