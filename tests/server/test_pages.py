"""The document of the pages and its files, as a browser gets them."""

from __future__ import annotations

import re

from steersman.server.pages import serving
from steersman.server.platform import Platform
from tests.server.people import Door
from tests.server.test_tokens import check

PAGES = ("/", "/sign-in", "/schedules", "/projects/shop/schedules/night", "/runs/shop/7")


async def _pages(site: Door) -> None:
    async with site.browser() as browser:
        for path in PAGES:
            answer = await browser.get(path)
            assert (path, answer.status_code) == (path, 200)
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            for part in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
                assert part in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            again = await browser.get(path, headers={"If-None-Match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text):
            file = await browser.get(address)
            assert (address, file.status_code) == (address, 200)
            assert "immutable" in file.headers["cache-control"]
        assert (await browser.get("/favicon.ico")).headers["content-type"] == "image/svg+xml"
        version = serving.files().version
        other = await browser.get("/static/old/app.js")
        assert (other.status_code, other.headers["cache-control"]) == (200, "no-store")
        for path in (f"/static/{version}/no.js", "/static/old/no.js", "/nothing"):
            assert (await browser.get(path)).status_code == 404
        for path in ("..%2Fserving.py", "%2Fetc%2Fpasswd", "index.html%00"):
            assert (await browser.get(f"/static/{version}/{path}")).status_code == 404


def test_each_page_is_one_document_that_may_do_nothing_but_run_our_files(
    platform: Platform,
) -> None:
    check(platform, _pages)


def test_no_file_has_code_or_style_inside_of_markup_or_makes_markup_of_text() -> None:
    files = serving.files().content
    document = files[serving.DOCUMENT].decode()
    assert not re.search(r"<style|style=|<script(?![^>]* src=)|\son\w+=", document)
    assert "{version}" not in document
    sinks = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|localStorage"
    )
    for name, content in files.items():
        if name.endswith(".js"):
            assert (name, re.findall(sinks, content.decode())) == (name, [])
