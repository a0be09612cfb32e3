"""Checkpoints by name, and the image that `--commit` makes."""

from __future__ import annotations

import pytest

from steersman.core import checkpoints, references
from steersman.core.errors import UserError
from steersman.core.pipelines.model import Step, StepKind
from steersman.core.problems import Place

PLACE = Place("wercker.yml", 1, 1)


def step(name: str, checkpoint: str | None = None) -> Step:
    return Step(name, "", name, "*", PLACE, StepKind.SCRIPT, name, checkpoint=checkpoint)


STEPS = (step("a"), step("b", "half"), step("c"), step("d", "half"), step("e", "all"))


def test_what_runs_is_what_follows_the_first_step_of_that_checkpoint() -> None:
    assert [each.name for each in checkpoints.after(STEPS, "half")] == ["c", "d", "e"]
    assert checkpoints.after(STEPS, "all") == ()


def test_a_checkpoint_that_is_not_there_is_named_unlike_before() -> None:
    with pytest.raises(UserError, match="no checkpoint hlf") as caught:
        checkpoints.after(STEPS, "hlf")
    assert caught.value.hint == "it has half, half, all"


@pytest.mark.parametrize(
    ("box", "name", "image"),
    [
        ("node:20", "deps", "node:w-deps"),
        ("localhost:5000/a/node", "all deps!", "localhost:5000/a/node:w-all-deps-"),
        (f"node@sha256:{'a' * 64}", "x", "node:w-x"),
    ],
)
def test_a_checkpoint_is_the_image_of_the_box_under_a_tag_of_its_own(
    box: str, name: str, image: str
) -> None:
    assert str(checkpoints.image(references.parse(box), name)) == image


@pytest.mark.parametrize(
    ("name", "tag", "branch", "image"),
    [
        ("app", None, "feature/x", "app:feature_x"),
        ("app", None, "", "app:latest"),
        ("app", "v1", "main", "app:v1"),
        ("reg.example.org:5000/app:2", "v1", "main", "reg.example.org:5000/app:2"),
    ],
)
def test_the_tag_is_that_of_the_name_else_the_flag_else_the_branch(
    name: str, tag: str | None, branch: str, image: str
) -> None:
    assert str(checkpoints.committed(name, tag, branch)) == image


@pytest.mark.parametrize("name", ["App", f"app@sha256:{'a' * 64}", "a b"])
def test_what_cannot_be_the_name_of_an_image_is_refused(name: str) -> None:
    with pytest.raises(UserError):
        checkpoints.committed(name, None, "main")
