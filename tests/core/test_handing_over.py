"""What each pipeline of a workflow begins with, and what need not run again."""

from __future__ import annotations

import json

import pytest

from steersman.core import handing_over
from steersman.core.errors import UserError
from steersman.core.handing_over import Handed
from steersman.core.pipelines.model import WorkflowPipeline
from steersman.core.problems import Place

HERE = Place("wercker.yml", 1, 1)


def entry(name: str, *requires: str, takes: str | None = None) -> WorkflowPipeline:
    return WorkflowPipeline(name, name, HERE, requires, artifact_pipeline=takes)


DIAMOND = (
    entry("build"),
    entry("lint"),
    entry("test", "build"),
    entry("docs", "build"),
    entry("ship", "test", "docs"),
)


def test_a_pipeline_begins_with_what_it_requires_and_else_with_the_project() -> None:
    assert handing_over.handed(entry("a")) == Handed()
    assert handing_over.handed(entry("a", "b")) == Handed("b")
    assert handing_over.handed(entry("a", "b", "c", takes="c")) == Handed("c")


def test_of_several_requirements_each_gives_a_folder_of_one_component() -> None:
    found = handing_over.handed(entry("a", "b", "x/y", ".."))
    assert found.parts == (("b", "b"), ("x/y", "x-y"), ("..", "--"))
    assert found.givers == ("b", "x/y", "..")


@pytest.mark.parametrize("name", ["..", ".", "/etc", "../..", "a/../../b", "..//..", "/"])
def test_no_name_makes_a_folder_that_leads_elsewhere(name: str) -> None:
    folder = handing_over.folder_of(name)
    assert "/" not in folder
    assert folder not in ("", ".", "..")


@pytest.mark.parametrize("one", [Handed(), Handed("a"), Handed(parts=(("a/b", "a-b"), ("c", "c")))])
def test_what_is_kept_of_a_source_says_the_same_when_it_is_read(one: Handed) -> None:
    assert handing_over.of_facts(json.loads(json.dumps(handing_over.facts(one)))) == one


def test_a_job_kept_before_there_were_parts_begins_as_it_would_have_then() -> None:
    assert handing_over.of_facts({"source": "build"}) == Handed("build")
    assert handing_over.of_facts({"source": ""}) == Handed()


def test_only_those_give_whose_output_somebody_takes() -> None:
    wanted = (*DIAMOND, entry("last", "ship", "lint", takes="ship"))
    assert handing_over.givers(wanted) == {"build", "test", "docs", "ship"}


@pytest.mark.parametrize(
    ("first", "well", "kept"),
    [
        ("test", "build lint docs", "build lint docs"),
        ("test", "build test ship", "build"),
        ("build", "build lint test docs ship", "lint"),
        ("ship", "build test docs", "build test docs"),
    ],
)
def test_taken_up_somewhere_all_that_follows_runs_again(first: str, well: str, kept: str) -> None:
    ended = {each.name: each.name in well.split() for each in DIAMOND}
    assert handing_over.kept(DIAMOND, ended, first) == set(kept.split())


def test_what_is_needed_must_be_there() -> None:
    with pytest.raises(UserError, match="ship needs docs, of which no finished run is kept"):
        handing_over.kept(DIAMOND, {"build": True, "test": True, "docs": False}, "ship")
    with pytest.raises(UserError, match="no pipeline nix"):
        handing_over.kept(DIAMOND, {}, "nix")
