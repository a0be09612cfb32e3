"""What a local run is given of its file and flags."""

from __future__ import annotations

import pytest

from steersman import pipeline_file
from steersman.cli import job
from steersman.cli.build import command as build

GIB = 2**30
TEXT = "box: busybox\nbuild: {resources: {memory: 1Gi}}\n"


@pytest.mark.parametrize(("words", "memory"), [([], GIB), (["--docker-memory", "512"], GIB // 2)])
def test_the_memory_of_a_pipeline_counts_unless_a_flag_says_otherwise(
    words: list[str], memory: int
) -> None:
    config = pipeline_file.parse(TEXT, "wercker.yml").checked()
    flags = build.make_context("build", words).params
    assert job.settings(config, config.pipelines["build"], flags).memory == memory
