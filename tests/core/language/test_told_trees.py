"""A file that was read once needs not be read again: its tree is told, and means the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from steersman import pipeline_file

CASES = sorted((Path(__file__).parents[2] / "scenarios" / "cases").glob("*.yml"))
ODD = """\
box: "5"
build:
  steps:
    - script:
        name: "-"
        code: |
          echo ':'
    - ':'
    - '-': {}
"""


@pytest.mark.parametrize("text", [ODD, *(each.read_text() for each in CASES)])
def test_a_tree_that_is_told_means_what_the_text_does(text: str) -> None:
    read = pipeline_file.parse(text, "wercker.yml")
    tree = pipeline_file.tree(text, "wercker.yml")
    assert tree is not None or "&" in text
    told = pipeline_file.parse(text, "wercker.yml", json.loads(json.dumps(tree)))
    assert told == read


@pytest.mark.parametrize("text", ["", "a: [", "a: &x b\nc: *x\n", "a: \x01"])
def test_what_cannot_be_told_shortly_is_not(text: str) -> None:
    assert pipeline_file.tree(text, "wercker.yml") is None
