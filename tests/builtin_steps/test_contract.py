"""Each built-in step does what it promises, wherever it runs."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from steersman.step_store import built_in_names
from tests.builtin_steps import (
    boxes,
    chats,
    clusters,
    files,
    forges,
    hosts,
    node_ruby,
    python_go,
    tools,
)
from tests.builtin_steps.boxes import Ended
from tests.builtin_steps.cases import BUSYBOX, DEBIAN, HOST, PYTHON, Case

EVERYWHERE = (HOST, BUSYBOX, DEBIAN, PYTHON)
FAMILIES = (node_ruby, python_go, tools, files, clusters, forges, chats, hosts)
CASES = [case for family in FAMILIES for case in family.CASES]


def _name(case: Case) -> str:
    return f"{case.step}: {case.name}"


def _places() -> dict[str, list[Case]]:
    """Say which cases run where: of a larger box, one of each step, and those that ask for it."""
    found = {place: [case for case in CASES if place in case.places] for place in EVERYWHERE}
    for place in (DEBIAN, PYTHON):
        shown = {boxes.shipped_name(case) for case in found[place] if case.ends == 0}
        for case in CASES:
            name = boxes.shipped_name(case)
            if case.ends == 0 and not case.real and name not in shown:
                shown.add(name)
                found[place].append(case)
    return found


RUNS = _places()


@pytest.fixture(scope="session")
def ended(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> boxes.Runs:
    """Run a place's cases when the first of them is asked for, once for all processes of a run."""
    known: dict[str, dict[str, Ended]] = {}
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    def run(place: str) -> dict[str, Ended]:
        if place != HOST:
            request.getfixturevalue("engine")
        if place not in known:
            names = map(_name, RUNS[place])
            known[place] = dict(zip(names, _run_once(place, folder), strict=True))
        return known[place]

    return run


def _run_once(place: str, folder: Path) -> list[Ended]:
    kept = folder / f"steps-{place.replace(':', '-')}.json"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            work = kept.with_suffix("")
            work.mkdir()
            try:
                text = json.dumps(boxes.run_all(place, RUNS[place], work))
            except (OSError, subprocess.SubprocessError) as error:
                text = json.dumps(f"{error}: {getattr(error, 'stderr', '')!r}")
            kept.write_text(text)
    found = json.loads(kept.read_text())
    if isinstance(found, str):
        pytest.fail(f"no case could be run in {place}: {found}")
    return [Ended(status, said, tuple(calls), files) for status, said, calls, files in found]


def _parameters() -> list[ParameterSet]:
    marks = {HOST: ()}
    return [
        pytest.param(
            place, case, id=f"{place}: {_name(case)}", marks=marks.get(place, pytest.mark.engine)
        )
        for place, cases in RUNS.items()
        for case in cases
    ]


@pytest.mark.timeout(2 * boxes.TIMEOUT)
@pytest.mark.parametrize(("place", "case"), _parameters())
def test_a_step_does_what_it_promises(place: str, case: Case, ended: boxes.Runs) -> None:
    absent = [name for name in case.real if place == HOST and not shutil.which(name)]
    if absent and os.environ.get("CI") != "true":
        pytest.skip(f"this machine has no {', '.join(absent)}")
    end = ended(place)[_name(case)]
    assert end.status == case.ends, end.said
    for text in case.says:
        assert text in end.said
    for secret in case.secrets:
        assert secret not in end.said
        assert not [call for call in end.calls if secret in call]
    if case.calls is not None:
        assert end.calls == case.calls
    for name, text in case.holds.items():
        assert end.files.get(name) == text, end.said


def test_every_step_has_a_case_that_passes_and_one_that_fails() -> None:
    shown = {boxes.shipped_name(case): set[bool]() for case in CASES}
    for case in CASES:
        shown[boxes.shipped_name(case)].add(case.ends == 0)
    assert sorted(shown) == built_in_names()
    assert {name for name, both in shown.items() if both != {True, False}} == set()


def test_names_of_cases_differ() -> None:
    names = [_name(case) for case in CASES]
    assert len(set(names)) == len(names)
