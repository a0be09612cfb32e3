"""The table of sentences: none is missing that the code says of a pod."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.deploy.wanted import ROOT

MODULES = ("verdicts", "endings", "parts", "pulls", "refusals")
PLACES = ROOT / "src" / "steersman" / "cluster" / "kubernetes"
TABLE = " ".join((ROOT / "docs" / "kubernetes-troubles.md").read_text().split())
# Pieces of sentences: what follows "the box", or stands in front of the registry's words.
PIECES = ("Failed to pull", "with exit code", "because it is being terminated")


def sentences(module: str) -> Iterator[str]:
    """Yield the texts of a module that people may read: constants, and templates with `...`."""
    tree = ast.parse((PLACES / f"{module}.py").read_text())
    skipped = set()
    for node in ast.walk(tree):
        patterns = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "compile"
        if patterns or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            skipped |= {id(each) for each in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(each) for each in ast.walk(node)}
            yield "".join(
                str(each.value) if isinstance(each, ast.Constant) else "..." for each in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def core(sentence: str) -> str:
    """Return the longest piece of a sentence that stays the same."""
    return max((each.strip(" :;") for each in sentence.split("...")), key=len)


FOUND = sorted(
    {
        core(each)
        for module in MODULES
        for each in sentences(module)
        if core(each).count(" ") > 1 and core(each) not in PIECES
    }
)


def test_the_code_has_the_sentences_that_are_looked_for() -> None:
    assert len(FOUND) > 20
    assert "somebody deleted its pod" in FOUND


@pytest.mark.parametrize("sentence", FOUND)
def test_every_sentence_about_a_pod_stands_in_the_table(sentence: str) -> None:
    assert sentence in TABLE
