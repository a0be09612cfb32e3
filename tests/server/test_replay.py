"""What an attempt was given, for somebody who wants to try the same at home."""

from __future__ import annotations

import io
import shutil
import tarfile

from tests.server.kept import FILE, Shop, in_shop, tar


@in_shop
async def test_a_replay_has_everything_but_the_values_of_secrets(shop: Shop) -> None:
    for name in ("PASSWORD", "API_KEY"):
        await shop.call("PUT", f"projects/shop/secrets/{name}", json={"value": "sesame-open"})
    attempt = await shop.push()
    given = (await attempt.say("POST", "started", json={"runner": "r"})).json()
    assert given["hidden"]["PASSWORD"] == "sesame-open"
    answer = await shop.get(f"attempts/{attempt.id}/replay")
    assert "sesame" not in answer.text
    told = answer.json()
    places = told.pop("archives")
    assert told.pop("hidden") == ["API_KEY", "PASSWORD"]
    for name in ("hidden", "orders", "tree"):
        given.pop(name)
    assert told == given
    assert told["file"] == FILE
    source = await shop.here.call("GET", places["source"])
    assert source.status_code == 200


@in_shop
async def test_the_source_is_the_commit_or_what_an_earlier_job_left(shop: Shop) -> None:
    build = await shop.push()
    answer = await shop.get(f"attempts/{build.id}/source")
    assert answer.content == (await build.say("GET", "source")).content
    assert answer.headers["content-security-policy"] == "sandbox"
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        assert {"README", "wercker.yml"} <= set(archive.getnames())
    output = tar({"built": b"yes"})
    await build.leave(output)
    await build.end()
    deploy = await shop.take()
    told = (await shop.get(f"attempts/{deploy.id}/replay")).json()
    content = (await shop.get(f"attempts/{deploy.id}/source")).content
    assert told["source"] == "output"
    assert content == output
    assert content == (await deploy.say("GET", "source")).content


@in_shop
async def test_a_cache_is_given_or_nothing(shop: Shop) -> None:
    attempt = await shop.push()
    assert (await shop.get(f"attempts/{attempt.id}/cache")).status_code == 204
    await attempt.say("PUT", "cache", content=b"cached")
    assert (await shop.get(f"attempts/{attempt.id}/cache")).content == b"cached"


@in_shop
async def test_a_source_that_cannot_be_read_is_a_problem_in_words(shop: Shop) -> None:
    attempt = await shop.push()
    project = (await shop.get("projects/shop")).json()["id"]
    await shop.here.parts.mirrors.remove(project)
    # Else it would be fetched again.
    shutil.rmtree(shop.repository.folder)
    answer = await shop.get(f"attempts/{attempt.id}/source")
    assert 400 <= answer.status_code < 600
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code != 500


@in_shop
async def test_strangers_and_nonsense_find_nothing(shop: Shop) -> None:
    attempt = await shop.push()
    stranger = await shop.person("sam", None, "read", "write")
    trigger = await shop.person("tom", "maintainer", "trigger")
    for what in ("replay", "source", "cache"):
        path = f"attempts/{attempt.id}/{what}"
        assert (await shop.get(path, stranger)).status_code == 404
        assert (await shop.get(path, trigger)).status_code == 403
        assert (await shop.get(f"attempts/%00/{what}")).status_code == 422
        assert (await shop.get(f"attempts/{'0' * 26}/{what}")).status_code == 404
