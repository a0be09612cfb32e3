"""Artifacts: taken away whole, in parts, file by file and all at once; kept and removed."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile

import pytest
from sqlalchemy import select, update

from steersman.store.tables import artifacts, audit
from tests.server.kept import Shop, in_shop, member, tar

BIG = os.urandom(3_000_000)
FILES: dict[str, bytes | str] = {
    "bin/app": b"binary",
    "empty": b"",
    "big": BIG,
    "link": "bin/app",
    "last": b"the end",
}
DATA = tar(FILES)


@in_shop
async def test_an_artifact_is_a_file_to_keep_and_never_a_page(shop: Shop) -> None:
    identity = await (await shop.push()).leave(DATA, "wörk.html", "file")
    answer = await shop.get(f"artifacts/{identity}")
    assert answer.content == DATA
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''w%C3%B6")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["content-type"] == "application/x-tar"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"] == f'"{hashlib.sha256(DATA).hexdigest()}"'


@in_shop
async def test_who_has_an_artifact_is_told_so(shop: Shop) -> None:
    path = f"artifacts/{await (await shop.push()).leave(DATA)}"
    tag = (await shop.get(path)).headers["etag"]
    answer = await shop.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=3000000-", 206, slice(3_000_000, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=5-99999999", 206, slice(5, None)),
        ("bytes=9-5", 200, slice(None)),
        ("bytes=0-1,5-6", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=99999999-", 416, slice(0, 0)),
        ("bytes=-0", 416, slice(0, 0)),
    ],
)
def test_a_range_of_an_artifact_is_given(
    platform: object, repository: object, asked: str, status: int, part: slice
) -> None:
    async def tried(shop: Shop) -> None:
        path = f"artifacts/{await (await shop.push()).leave(DATA)}"
        answer = await shop.get(path, headers={"Range": asked})
        assert answer.status_code == status
        assert answer.content == DATA[part]
        if status == 206:
            start = part.indices(len(DATA))[0]
            stop = start + len(answer.content) - 1
            assert answer.headers["content-range"] == f"bytes {start}-{stop}/{len(DATA)}"

    in_shop(tried)(platform, repository)  # type: ignore[arg-type]


@in_shop
async def test_a_range_of_another_version_is_all_of_it(shop: Shop) -> None:
    path = f"artifacts/{await (await shop.push()).leave(DATA)}"
    answer = await shop.get(path, headers={"Range": "bytes=0-9", "If-Range": '"older"'})
    assert (answer.status_code, len(answer.content)) == (200, len(DATA))


@in_shop
async def test_the_files_of_an_artifact_are_listed_and_given_one_by_one(shop: Shop) -> None:
    identity = await (await shop.push()).leave(DATA)
    listed = (await shop.get(f"artifacts/{identity}/files")).json()
    assert not listed["truncated"]
    found = {item["name"]: item for item in listed["items"]}
    assert found["big"] == {"name": "big", "kind": "file", "size": len(BIG), "mode": 0o644}
    assert found["link"]["kind"] == "symlink"
    for name, content in FILES.items():
        answer = await shop.get(f"artifacts/{identity}/files/{name}")
        if isinstance(content, bytes):
            assert answer.content == content
            assert answer.headers["content-length"] == str(len(content))
            assert answer.headers["content-security-policy"] == "sandbox"
        else:
            assert answer.status_code == 404


@in_shop
async def test_names_that_lead_elsewhere_open_nothing(shop: Shop) -> None:
    hostile = tar(
        {"../../etc/passwd": b"theirs", "/etc/hostname": b"theirs", "a\udcff": b"odd", "ok": b"1"},
        member("null", tarfile.CHRTYPE),
        member("hard", tarfile.LNKTYPE, "/etc/passwd"),
    )
    identity = await (await shop.push()).leave(hostile)
    items = (await shop.get(f"artifacts/{identity}/files")).json()["items"]
    kinds = {item["name"]: item["kind"] for item in items}
    assert kinds["../../etc/passwd"] == kinds["null"] == "other"
    for name in ("%2e%2e/%2e%2e/etc/passwd", "%2Fetc/hostname", "/etc/passwd", "null", "hard", ""):
        answer = await shop.get(f"artifacts/{identity}/files/{name}")
        assert answer.status_code == 404, name
    assert (await shop.get(f"artifacts/{identity}/files/a%EF%BF%BD")).content == b"odd"
    assert (await shop.get(f"artifacts/{identity}/files/%00")).status_code == 404


@in_shop
async def test_only_the_first_ten_thousand_files_are_listed(shop: Shop) -> None:
    crowd = tar({f"f{number}": b"" for number in range(10_001)})
    identity = await (await shop.push()).leave(crowd)
    listed = (await shop.get(f"artifacts/{identity}/files")).json()
    assert listed["truncated"]
    assert len(listed["items"]) == 10_000


@pytest.mark.parametrize("data", [b"", b"no tar at all" * 100, DATA[:2_000_000]])
def test_what_is_no_archive_is_said_in_words(
    platform: object, repository: object, data: bytes
) -> None:
    async def tried(shop: Shop) -> None:
        identity = await (await shop.push()).leave(data)
        for path in ("files", "files/last"):
            answer = await shop.get(f"artifacts/{identity}/{path}")
            assert answer.status_code == 409
            assert "nothing can be taken out" in answer.json()["detail"]

    in_shop(tried)(platform, repository)  # type: ignore[arg-type]


@in_shop
async def test_all_artifacts_of_a_run_come_as_one_archive(shop: Shop) -> None:
    attempt = await shop.push()
    await attempt.leave(DATA)
    await attempt.leave(b"one", "..%2F..%2Fup", "report")
    await attempt.leave(b"two", "x" * 150 + "%C3%A4" * 40, "report")
    answer = await shop.get("runs/shop/1/artifacts.tar")
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        found = {each.name: archive.extractfile(each) for each in archive}
        contents = {name: file.read() for name, file in found.items() if file is not None}
    assert contents.pop("build-1/output-output.tar") == DATA
    assert contents.pop("build-1/report-..%2F..%2Fup.tar") == b"one"
    [(name, content)] = contents.items()
    assert content == b"two"
    assert len(name) < 200


@in_shop
async def test_a_run_without_artifacts_has_no_archive(shop: Shop) -> None:
    await shop.push()
    assert (await shop.get("runs/shop/1/artifacts.tar")).status_code == 404
    assert (await shop.get("runs/shop/2/artifacts.tar")).status_code == 404


@in_shop
async def test_an_expired_artifact_says_so_until_it_is_removed(shop: Shop) -> None:
    path = f"artifacts/{await (await shop.push()).leave(DATA)}"
    changed = await shop.call("PATCH", path, json={"expires_in": 3600})
    assert changed.json()["expires"] is not None
    assert (await shop.get(path)).status_code == 200
    changed = await shop.call("PATCH", path, json={"expires_in": None})
    assert changed.json()["expires"] is None
    await shop.call("PATCH", path, json={"expires_in": 0})
    for each in (path, f"{path}/files", f"{path}/files/last"):
        answer = await shop.get(each)
        assert (answer.status_code, answer.json()["title"]) == (410, "expired")
    assert (await shop.call("PATCH", path, json={"expires_in": 9})).status_code == 410
    assert (await shop.get("runs/shop/1/artifacts.tar")).status_code == 404


@in_shop
async def test_nonsense_for_an_end_is_refused(shop: Shop) -> None:
    path = f"artifacts/{await (await shop.push()).leave(DATA)}"
    for said in ("-1", "1e300", "NaN", "Infinity", "true", '"1"', "[]", "1" + "0" * 400):
        body = f'{{"expires_in": {said}}}'.encode()
        headers = {"Content-Type": "application/json"}
        answer = await shop.call("PATCH", path, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, said


@in_shop
async def test_an_output_stays_while_its_run_may_need_it(shop: Shop) -> None:
    attempt = await shop.push()
    path, report = (
        f"artifacts/{await attempt.leave(DATA)}",
        f"artifacts/{await attempt.leave(DATA, 'lint', 'report')}",
    )
    assert (await shop.call("DELETE", path)).status_code == 409
    assert (await shop.call("DELETE", report)).status_code == 204
    await attempt.end("failed")
    assert (await shop.call("DELETE", path)).status_code == 204
    assert (await shop.get(path)).status_code == 404
    assert (await shop.call("DELETE", path)).status_code == 404
    store = shop.here.parts.store
    assert await store.read(lambda tx: tx.all(select(artifacts))) == []
    actions = [row["action"] for row in await store.read(lambda tx: tx.all(select(audit)))]
    assert actions.count("artifact-remove") == 2


@in_shop
async def test_an_artifact_whose_bytes_are_gone_is_not_found(shop: Shop) -> None:
    path = f"artifacts/{await (await shop.push()).leave(DATA)}"
    store = shop.here.parts.store
    await store.write(lambda tx: tx.execute(update(artifacts).values(blob="artifacts/none")))
    assert (await shop.get(path)).status_code == 404
    assert (await shop.get(f"{path}/files")).status_code == 409


@in_shop
async def test_roles_and_strangers(shop: Shop) -> None:
    path = f"artifacts/{await (await shop.push()).leave(DATA, 'r', 'report')}"
    viewer = await shop.person("vic", "viewer", "read", "write")
    stranger = await shop.person("sam", None, "read", "write")
    trigger = await shop.person("tom", "maintainer", "trigger")
    assert (await shop.get(path, viewer)).status_code == 200
    assert (await shop.call("DELETE", path, token=viewer)).status_code == 403
    assert (await shop.call("PATCH", path, token=viewer, json={"expires_in": 1})).status_code == 403
    assert (await shop.get(path, trigger)).status_code == 403
    for each in (path, f"{path}/files", "runs/shop/1/artifacts.tar"):
        assert (await shop.get(each, stranger)).status_code == 404
    for hostile in ("%00", "%ED%A0%80", "9" * 500, "..%2F..", "shop"):
        assert (await shop.get(f"artifacts/{hostile}")).status_code in (404, 422)
