"""What files and the API may say of a schedule: kept only if it can be read for ever after."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core.errors import UserError
from steersman.core.pipelines import fields
from steersman.core.schedules import specs, written
from steersman.core.schedules.schedule import Catching, CatchUp, Overlap, Overlapping
from tests.core.language.reading import config

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=12), st.just([]),
    st.sampled_from(["H 3 * * *", "@daily", "90s", "Europe/Berlin", "all", "queue", "2026-01-01"]),
    st.dictionaries(st.sampled_from(["all", "queue", "gap", "fold", "failures"]),
                    st.one_of(st.integers(0, 3), st.sampled_from(["skip", "both"])), max_size=2),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*specs.KEYS, "colour"]), VALUES, max_size=5))
def test_whatever_is_checked_can_be_read_and_stored(spec: dict[str, Any]) -> None:
    spec = {"cron": "0 3 * * *", **spec}
    try:
        specs.check(spec)
    except UserError:
        return
    stored = json.loads(json.dumps(spec))
    assert specs.read("id", stored, "project") == specs.read("id", spec, "project")


def test_the_language_and_the_api_know_the_same_keys() -> None:
    assert {each.name for each in fields.SCHEDULE} == {"name", *specs.KEYS}


@pytest.mark.parametrize(
    ("key", "value", "meant"),
    [
        ("catch-up", {"all": 5}, CatchUp(Catching.ALL, 5)),
        ("overlap", {"queue": 3}, Overlap(Overlapping.QUEUE, 3)),
        ("overlap", "buffer-one", Overlap(Overlapping.BUFFER_ONE)),
        ("jitter", "1h30m", 5400.0),
        ("deadline", "90", 90.0),
    ],
)
def test_a_value_means_what_the_map_of_cron_means(key: str, value: Any, meant: Any) -> None:
    assert specs.value_of(key, value) == meant


def test_only_other_times_are_another_version() -> None:
    spec = {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}
    assert specs.version({**spec, "overlap": "forbid"}) == specs.version(spec)
    assert specs.version({**spec, "timezone": "UTC"}) != specs.version(spec)
    assert specs.version({**spec, "dst": {"fold": "both"}}) != specs.version(spec)


def test_a_branch_decides_about_what_runs_on_it_and_the_default_branch_about_all() -> None:
    file = config(
        """
        box: b
        build: {schedules: ["@daily", {cron: "@hourly", branch: work, name: own}]}
        a / b: {schedules: "@daily"}
        """
    )
    found = written.of(file, "main", default=True)
    assert [(each.name, each.target) for each in found] == [
        ("build", "build"),
        ("own", "build"),
        ("a-b", "a / b"),
    ]
    assert [each.name for each in written.of(file, "work", default=False)] == ["own"]
