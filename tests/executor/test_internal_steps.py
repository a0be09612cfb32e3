"""Internal steps that may not run: refused in words, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from steersman import pipeline_file
from steersman.containers.base import Capability
from steersman.containers.fake import FakeContainers
from steersman.core.errors import UserError
from steersman.core.pipelines.fields import INTERNAL
from steersman.core.pipelines.model import Step
from steersman.executor import Settings
from steersman.executor.internal_steps import dispatch

NEED_ENGINE = (
    "internal/docker-build: {image-name: a}",
    "internal/docker-kill: {name: a}",
    "internal/docker-push: {repository: a}",
    "internal/docker-run: {name: a, image: b}",
    "internal/docker-scratch-push: {repository: a}",
    "internal/store-container",
)


def a_step(text: str) -> Step:
    file = f"box: busybox\nbuild:\n  steps:\n    - {text}\n"
    return pipeline_file.parse(file, "wercker.yml").checked().pipelines["build"].steps[0]


def able(folder: Path) -> FakeContainers:
    containers = FakeContainers(folder)
    containers.capabilities = frozenset(Capability)
    return containers


def test_every_internal_step_of_the_language_is_there() -> None:
    assert set(dispatch.MODULES) == set(INTERNAL)


@pytest.mark.parametrize("text", NEED_ENGINE)
def test_an_engine_that_serves_others_is_not_for_steps_unless_the_admin_says_so(
    tmp_path: Path, text: str
) -> None:
    steps = (a_step(text),)
    dispatch.refuse_what_is_lacking(steps, able(tmp_path), Settings(engine=True))
    with pytest.raises(UserError, match=r"wercker.yml:4:7: .* is not allowed here") as raised:
        dispatch.refuse_what_is_lacking(steps, able(tmp_path), Settings(engine=False))
    assert "--docker" in str(raised.value.hint)


@pytest.mark.parametrize("text", NEED_ENGINE)
def test_a_door_without_images_says_what_to_use_instead(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="is not possible on fake") as raised:
        dispatch.refuse_what_is_lacking((a_step(text),), FakeContainers(tmp_path), Settings())
    assert "in a pod" in str(raised.value.hint)


@pytest.mark.parametrize("text", ["internal/watch: {code: a}", "internal/shell"])
def test_a_step_that_people_must_end_is_not_for_a_server(tmp_path: Path, text: str) -> None:
    steps = (a_step(text),)
    dispatch.refuse_what_is_lacking(steps, FakeContainers(tmp_path), Settings(attended=True))
    with pytest.raises(UserError, match="nobody is here"):
        dispatch.refuse_what_is_lacking(steps, FakeContainers(tmp_path), Settings())
