"""Pages that are made from the code are as the code is now, and links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.making import DOCS, PAGES

LINK = re.compile(r"\]\(([^)\s]+)\)")
ROOT = DOCS.parent
TEXTS = sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md")])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_is_made_is_current(name: str) -> None:
    # click keeps how a command was first asked for its help: a process of its own asks first.
    words = [sys.executable, "-m", "tests.docs", name]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (DOCS / name).read_text() == done.stdout, "make it again: python -m tests.docs"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.name))
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    links = [link for link in LINK.findall(path.read_text()) if "://" not in link]
    assert [link for link in links if not _exists(path, link)] == []


def _exists(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target.read_text())


def _anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
