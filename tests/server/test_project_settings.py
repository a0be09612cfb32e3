"""Settings of projects: each mistake is said, secrets are sealed and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steersman import keyring
from steersman.core.errors import UserError
from steersman.keyring import Keyring
from steersman.server import placing
from steersman.server.outgoing import noting
from steersman.server.project_settings import checked


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return keyring.create(tmp_path / "keys")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"colour": "red"}, "there is no 'colour'"),
        ({"pool": ""}, "pool must be a name"),
        ({"pools": "default"}, "pools must be a list of names"),
        ({"pools": [1]}, "pools must be a list of names"),
        ({"weight": True}, "weight must be a number"),
        ({"weight": float("nan")}, "weight must be between"),
        ({"weight": 0}, "weight must be between"),
        ({"lfs": 1}, "lfs must be true or false"),
        ({"job_minutes": 0}, "job_minutes must be a number of minutes"),
        ({"job_minutes": 1.5}, "job_minutes must be a number of minutes"),
        ({"run_minutes": "60"}, "run_minutes must be a number of minutes"),
        ({"notify": {}}, "notify must be a list"),
        ({"notify": ["mail"]}, "each target of notify must be a map"),
        ({"notify": [{"kind": "pigeon"}]}, "cannot have the kind 'pigeon'"),
        ({"retention": {"runs": -1}}, "runs"),
    ],
)
def test_what_is_wrong_is_named(ring: Keyring, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        checked(given, {}, ring, "project")


def test_a_targets_secret_is_sealed_and_kept_until_a_new_one_is_given(ring: Keyring) -> None:
    hook = {"id": "a", "kind": "webhook", "url": "https://example.com/in"}
    first = checked({"notify": [{**hook, "secret": "one"}]}, {}, ring, "project")
    assert "secret" not in first["notify"][0]
    assert noting.open_target(ring, "project", first["notify"][0]) == "one"
    kept = checked({"notify": [hook]}, first, ring, "project")
    assert kept["notify"][0]["sealed"] == first["notify"][0]["sealed"]
    new = checked({"notify": [{**hook, "secret": "two"}]}, kept, ring, "project")
    assert noting.open_target(ring, "project", new["notify"][0]) == "two"


def test_a_sealed_text_that_somebody_gives_is_not_taken(ring: Keyring) -> None:
    hook = {"id": "a", "kind": "webhook", "url": "https://example.com/in", "sealed": "AAAA"}
    assert "sealed" not in checked({"notify": [hook]}, {}, ring, "project")["notify"][0]


def test_the_secret_of_the_webhook_outlives_other_changes(ring: Keyring) -> None:
    before = {"webhook": {"sealed": "AAAA"}}
    assert checked({"weight": 2}, before, ring, "project")["webhook"] == {"sealed": "AAAA"}


def test_two_targets_of_one_id_are_refused(ring: Keyring) -> None:
    hook = {"id": "a", "kind": "webhook", "url": "https://example.com/in"}
    with pytest.raises(UserError, match="two targets of notify have the id a"):
        checked({"notify": [hook, hook]}, {}, ring, "project")


def test_a_job_is_limited_by_its_project_or_to_six_hours() -> None:
    from steersman.core.runs import Job

    jobs = (Job("build", "build"),)
    assert [job.limit for job in placing.limited(jobs, {})] == [6 * 3600.0]
    assert [job.limit for job in placing.limited(jobs, {"job_minutes": 2})] == [120.0]
