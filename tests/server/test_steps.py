"""The registry of steps: published once, looked through, found by version or range."""

from __future__ import annotations

import gzip
import io
import tarfile

import httpx2
import pytest
from sqlalchemy import select

from steersman.core.errors import UserError
from steersman.server import step_uploads
from steersman.server.platform import Platform
from steersman.store import published
from steersman.store.tables import audit, published_steps
from tests.server.conftest import Repository
from tests.server.kept import Shop, in_shop, member, tar

HOSTILE = (
    "steps?q=%00", "steps?cursor=MQ", "steps?cursor=IlwwIg", "steps?limit=9999999999999999999",
    "steps/%00/x", "steps/a/%ED%A0%80", "steps/a/b/%00/archive", "steps/a/b/%20/archive",
    "steps/a/b/" + "9" * 101 + "/archive", "runs/%00/tests", "runs/%00/artifacts.tar",
    "artifacts/%00", "artifacts/%00/files", "attempts/%00/tests", "attempts/%00/replay",
    "projects/%00/caches",
)  # fmt: skip


def manifest(version: str, name: str = "lint", more: str = "summary: looks at code\n") -> bytes:
    return f"name: {name}\nversion: {version}\n{more}".encode()


def step(version: str, folder: str = "", modified: int = 0) -> bytes:
    files: dict[str, bytes | str] = {
        f"{folder}step.yml": manifest(version),
        f"{folder}run.sh": b"echo lint\n",
        f"{folder}again.sh": "run.sh",
    }
    return tar(files, modified=modified)


async def publish(
    shop: Shop, version: str, data: bytes, token: str | None = None
) -> httpx2.Response:
    return await shop.call("PUT", f"steps/ada/lint/{version}", content=data, token=token)


@in_shop
async def test_a_step_is_published_once_and_found_by_its_range(shop: Shop) -> None:
    for version in ("1.0.0", "1.2.9", "1.2.10", "2.0.0-rc.1"):
        assert (await publish(shop, version, step(version))).status_code == 201
    for wanted, version in (
        ("1.0.0", "1.0.0"), ("*", "1.2.10"), ("~1.2", "1.2.10"), ("<1.2.10", "1.2.9"),
        (">=1.0 <1.1", "1.0.0"), ("2.0.0-rc.1", "2.0.0-rc.1"),
    ):  # fmt: skip
        answer = await shop.get(f"steps/ada/lint/{wanted}/archive")
        assert answer.headers["x-step-version"] == version
        assert answer.content == step(version)
        store = shop.here.parts.store
        row = await store.read(lambda tx, each=wanted: published.find(tx, "ada", "lint", each))  # type: ignore[misc]
        assert row is not None
        assert row["version"] == version
    assert (await shop.get("steps/ada/lint/3/archive")).status_code == 404
    assert (await shop.get("steps/ada/lint/newest/archive")).status_code == 400


@in_shop
async def test_the_same_bytes_again_are_fine_and_others_are_not(shop: Shop) -> None:
    data = step("1.0.0")
    assert (await publish(shop, "1.0.0", data)).status_code == 201
    assert (await publish(shop, "1.0.0", data)).status_code == 200
    assert (await publish(shop, "1.0.0", gzip.compress(data))).status_code == 200
    answer = await publish(shop, "1.0.0", step("1.0.0", modified=5))
    assert answer.status_code == 409
    assert (await shop.get("steps/ada/lint/1.0.0/archive")).content == data
    store = shop.here.parts.store
    assert len(await store.read(lambda tx: tx.all(select(published_steps)))) == 1
    noted = [row["subject"] for row in await store.read(lambda tx: tx.all(select(audit)))]
    assert noted.count("ada/lint@1.0.0") == 1


@in_shop
async def test_what_came_compressed_is_kept_as_a_plain_tar(shop: Shop) -> None:
    data = step("1.0.0", "lint-master/")
    assert (await publish(shop, "1.0.0", gzip.compress(data))).status_code == 201
    assert (await shop.get("steps/ada/lint/1.0.0/archive")).content == data
    part = await shop.get("steps/ada/lint/*/archive", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, data[:10])


def test_steps_are_searched_and_listed_in_pages(
    platform_on: Platform, repository: Repository
) -> None:
    in_shop(_searched_and_listed)(platform_on, repository)


async def _searched_and_listed(shop: Shop) -> None:
    for name in ("alpha", "beta", "gamma"):
        for version in ("1.9.0", "1.10.0"):
            data = tar({"wercker-step.yml": manifest(version, name), "run.sh": b""})
            path = f"steps/ada/{name}/{version}"
            assert (await shop.call("PUT", path, content=data)).status_code == 201
    first = (await shop.get("steps", params={"limit": 2})).json()
    assert [(each["name"], each["version"]) for each in first["items"]] == [
        ("alpha", "1.10.0"),
        ("beta", "1.10.0"),
    ]
    rest = (await shop.get("steps", params={"limit": 2, "cursor": first["next"]})).json()
    assert [each["name"] for each in rest["items"]] == ["gamma"]
    assert rest["next"] is None
    for words, count in (("GAM", 1), ("ada/b", 1), ("Looks", 3), ("%", 0), ("_", 0)):
        found = (await shop.get("steps", params={"q": words})).json()["items"]
        assert len(found) == count, words
    shown = (await shop.get("steps/ada/beta")).json()
    assert shown["summary"] == "looks at code"
    assert [each["version"] for each in shown["versions"]] == ["1.10.0", "1.9.0"]
    for path in HOSTILE:
        assert 400 <= (await shop.get(path)).status_code < 500, path


@in_shop
async def test_only_maintainers_publish_and_everybody_looks(shop: Shop) -> None:
    maintainer = await shop.person("mia", "maintainer", "write", "read")
    developer = await shop.person("dev", "developer", "write", "read")
    stranger = await shop.person("sam", None, "write", "read")
    reader = await shop.person("ron", "maintainer", "read")
    data = step("1.0.0")
    for token in (developer, stranger, reader, shop.here.worker):
        assert (await publish(shop, "1.0.0", data, token)).status_code == 403
    assert (await publish(shop, "1.0.0", data, maintainer)).status_code == 201
    assert (await shop.get("steps/ada/lint", stranger)).json()["by"] == "mia"
    assert (await shop.get("steps", shop.here.worker)).status_code == 403


@in_shop
async def test_what_is_no_version_is_not_published(shop: Shop) -> None:
    data = step("1.0.0")
    for version in ("1.0", "latest", "v1.0.0", "%00", "1.0.0%0A"):
        assert (await publish(shop, version, data)).status_code in (400, 422), version


WRONG = {
    "a link out": ({"out": "../x"}, "leads outside"),
    "an absolute link": ({"out": "/etc/passwd"}, "leads outside"),
    "a link through another": ({"sub/up": "..", "sub/out": "up/../x"}, "leads outside"),
    "below a link": ({"sub": ".", "sub/file": b"x"}, "no folder"),
    "below a link, first": ({"sub/file": b"x", "sub": "."}, "no folder"),
    "twice": ({"run.sh": b"1", "./run.sh": b"2"}, "twice"),
    "a name outside": ({"../run.sh": b"1"}, "leads outside"),
}


@pytest.mark.parametrize("case", WRONG)
def test_nothing_in_a_step_leads_out_of_it(case: str) -> None:
    files, words = WRONG[case]
    data = tar({"step.yml": manifest("1.0.0"), **files})  # type: ignore[dict-item]
    with pytest.raises(UserError, match=words):
        step_uploads.check(io.BytesIO(data), "lint", "1.0.0")


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (member("device", tarfile.CHRTYPE), "a device"),
        (member("pipe", tarfile.FIFOTYPE), "a pipe"),
        (member("hard", tarfile.LNKTYPE, "/etc/passwd"), "hard link"),
        (member("hard", tarfile.LNKTYPE, "later"), "hard link"),
        (member("run.sh", tarfile.DIRTYPE), "a folder of this name"),
    ],
)
def test_a_step_holds_files_folders_and_links(odd: tarfile.TarInfo, words: str) -> None:
    data = tar({"step.yml": manifest("1.0.0"), "run.sh": b""}, odd)
    with pytest.raises(UserError, match=words):
        step_uploads.check(io.BytesIO(data), "lint", "1.0.0")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be read as an archive"),
        (b"#!/bin/sh\n" * 100, "cannot be read as an archive"),
        (step("1.0.0")[:700], "ends in the middle"),
        (gzip.compress(step("1.0.0"))[:-20], "cannot be read as an archive"),
        (tar({}), "no step.yml"),
        (tar({"run.sh": b""}), "no step.yml"),
        (tar({"a/step.yml": manifest("1.0.0"), "b/run.sh": b""}), "no step.yml"),
        (tar({"step.yml": "other.yml", "other.yml": manifest("1.0.0")}), "no step.yml"),
        (tar({"step.yml": b"a: [", "run.sh": b""}), "cannot be read as YAML"),
        (tar({"step.yml": b"[" * 100_000}), "cannot be read as YAML"),
        (tar({"step.yml": b"\xff\xfe\xff"}), "cannot be read as YAML"),
        (tar({"step.yml": b"- a list"}), "says the name ''"),
        (tar({"step.yml": manifest("1.0.1")}), "says the version '1.0.1'"),
        (tar({"step.yml": manifest("1.0.0", "other")}), "says the name 'other'"),
        (tar({"step.yml": manifest("1.0.0", more="#" * 300_000)}), "is longer than"),
    ],
)
def test_what_is_no_step_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(UserError, match=words.replace("[", r"\[")):
        step_uploads.check(io.BytesIO(data), "lint", "1.0.0")


@pytest.mark.parametrize("folder", ["", "lint-1.0.0/", "./"])
def test_a_step_may_be_in_one_folder_on_top(folder: str) -> None:
    checked = step_uploads.check(io.BytesIO(step("1.0.0", folder)), "lint", "1.0.0")
    assert checked.manifest.summary == "looks at code"


def test_links_that_stay_are_taken() -> None:
    links: dict[str, bytes | str] = {"a/b/up": "../..", "a/here": ".", "a/to": "b/up/step.yml"}
    data = tar({"step.yml": manifest("1.0.0"), **links})
    assert step_uploads.check(io.BytesIO(data), "lint", "1.0.0").manifest.version == "1.0.0"
