"""A small part of the fuzz run: some hundred spoilt files, the same ones every time."""

from __future__ import annotations

from random import Random

import pytest

from tests.core.language.reading import parsed
from tests.fuzz.__main__ import check, files


@pytest.mark.parametrize("seed", range(4))
def test_spoilt_files_are_answered_and_many_reach_the_builder(seed: int) -> None:
    reached = [check(text)[0] for _, text in files(Random(seed), 200)]
    assert sum(reached) >= 50


HINTS = {
    "box: b\nbuild: {steps: [{script: make all}]}\n": "`code: make all`",
    "box: b\nbuild: {steps: [make all]}\n": "`code: make all`",
    "box: b\nbuild: {steps: [{internal/docker-push: {repository: a, repo: b}}]}\n": "`repository`",
    "box: b\nbuild: {steps: [internal/docker-pusch]}\n": "`internal/docker-push`",
    "box: b\nbuild: {step: 5}\n": "`steps`",
    "box: b\nbuild: {retry_on_error: 5}\n": "`retry-on-error`",
    "box: {id: a, imge: b}\nbuild: {}\n": "id, name",
    "box: wercker/rvm\nbuild: {}\n": "`ruby:3`",
    "box: me/my-nodejs@1.0.0\nbuild: {}\n": "`node:22`",
    "box: b\nworkflow: []\n": "`workflows`",
}


@pytest.mark.parametrize(("text", "words"), HINTS.items())
def test_a_hint_says_what_was_probably_meant(text: str, words: str) -> None:
    assert words in (parsed(text).problems[0].hint or "")
