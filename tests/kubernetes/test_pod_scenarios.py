"""The executor's scenarios in pods of a real cluster: the same file, the same words.

All of them run at once on one platform; each test looks at its own. What a pod cannot do is
skipped by the capability the scenario names.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from steersman.containers.pod.door import PodContainers
from steersman.containers.pod.notes import Notes
from tests.kubernetes.platforms import Platform, platform
from tests.platform.programs import commit, repository
from tests.scenarios import harness

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(400)]
AT_ONCE = 4
"""More than a node can start within its time would only be started again."""
STATES = {
    "UserError": "failed",
    "ServiceEnded": "failed",
    "Refused": "errored",
    "Unavailable": "errored",
}
HERE = {str(each) for each in PodContainers(Notes()).capabilities}


class Over(NamedTuple):
    """A run that has ended: its last attempt with its steps, its log, and its output."""

    run: dict[str, Any]
    attempt: dict[str, Any]
    log: str
    output: dict[str, str]


def lacking(case: Mapping[str, Any]) -> str:
    """Return why a scenario cannot run in a pod; empty where it can."""
    missing = set(case.get("x-needs", ())) - HERE
    if missing:
        return f"a pod has no {', '.join(sorted(missing))}"
    if "x-steps" in case:
        return "a platform has no folder into which somebody puts steps"
    return ""


def file_of(name: str, case: Mapping[str, Any]) -> str:
    """Return the pipeline file, with the times that the scenario sets, in minutes."""
    text = (harness.CASES / f"{name}.yml").read_text()
    seconds = case.get("x-settings", {}).items()
    times = {key.replace("_", "-"): round(each / 60, 9) for key, each in seconds}
    return text + (yaml.safe_dump(times) if times else "")


class Scenarios:
    """Runs each scenario once."""

    def __init__(self, found: Platform, folder: Path) -> None:
        self._platform, self._folder = found, folder
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._found: dict[str, Future[Over]] = {}

    def begin(self, name: str) -> None:
        self._found[name] = self._pool.submit(self._run, name, harness.load(name))

    def over(self, name: str) -> Over:
        return self._found[name].result(300)

    def _run(self, name: str, case: dict[str, Any]) -> Over:
        project = name.replace("_", "-")
        folder = self._folder / name
        files = {"wercker.yml": file_of(name, case)}
        tree = repository(folder, files)
        if any(case.get(each) for each in ("x-files", "x-modes", "x-links")):
            lay_out(tree, case)
        machine = self._platform.machine
        machine.add_project(project, tree)
        for secret, value in case.get("x-hidden", {}).items():
            machine.call("PUT", f"/api/v1/projects/{project}/secrets/{secret}", {"value": value})
        asked: dict[str, Any] = {}
        if "x-target" in case:
            asked["deploy_target"] = case["x-target"]
        if "x-public" in case:
            asked["variables"] = case["x-public"]
        for _ in range(case.get("x-runs", 1)):
            run = self._platform.run(project, 280, **asked)
        return self._looked_at(run)

    def _looked_at(self, run: dict[str, Any]) -> Over:
        machine = self._platform.machine
        [job] = run["jobs"]
        last = job["attempts"][-1]["id"]
        attempt = machine.call("GET", f"/api/v1/attempts/{last}")
        log = machine.log(last).decode(errors="replace")
        return Over(run, attempt, log, self._output(run["id"]))

    def _output(self, run: str) -> dict[str, str]:
        found = {}
        for each in self._platform.machine.call("GET", f"/api/v1/runs/{run}/artifacts")["items"]:
            if each["kind"] == "output":
                data = self._platform.machine.bytes(f"/api/v1/artifacts/{each['id']}")
                with tarfile.open(fileobj=BytesIO(data)) as archive:
                    for member in archive:
                        if member.issym():
                            found[member.name] = f"-> {member.linkname}"
                        elif file := archive.extractfile(member):
                            found[member.name] = file.read().decode()
        return found

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def lay_out(tree: Path, case: Mapping[str, Any]) -> None:
    """Commit the other files of a scenario."""
    for path, text in case.get("x-files", {}).items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    for path, mode in case.get("x-modes", {}).items():
        (tree / path).chmod(mode)
    for path, target in case.get("x-links", {}).items():
        (tree / path).symlink_to(target)
    commit(tree)


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory, request: Any) -> Iterator[Scenarios]:
    with platform(tmp_path_factory.mktemp("platform")) as found:
        running = Scenarios(found, tmp_path_factory.mktemp("projects"))
        wanted = {item.callspec.params["name"] for item in request.session.items
                  if item.module is request.module}  # fmt: skip
        for name in sorted(wanted):
            if not lacking(harness.load(name)):
                running.begin(name)
        yield running
        running.close()


@pytest.mark.parametrize("name", harness.cases())
def test_a_scenario_ends_in_a_pod_as_its_file_says(
    name: str, request: pytest.FixtureRequest
) -> None:
    case = harness.load(name)
    if why := lacking(case):
        pytest.skip(why)
    scenarios: Scenarios = request.getfixturevalue("scenarios")
    over = scenarios.over(name)
    _check_ending(over, case["x-expect"])
    _check_words(over, case["x-expect"])
    if "output" in case["x-expect"]:
        assert over.output == case["x-expect"]["output"]


def _check_ending(over: Over, expect: Mapping[str, Any]) -> None:
    said = f"{over.attempt['message']}\n{over.log}"
    if names := expect.get("error"):
        states = {STATES[each] for each in ([names] if isinstance(names, str) else names)}
        assert over.attempt["state"] in states, said
        assert expect["says"] in said
        return
    assert over.attempt["state"] == expect["state"], said
    if "failed_step" in expect:
        assert over.attempt["message"].startswith(f"step {expect['failed_step']}: ")
    assert expect.get("message", "") in over.attempt["message"]
    after = [each for each in over.attempt["steps"] if each["phase"] == "after"]
    broken = [each["name"] for each in after if each["state"] != "succeeded"]
    assert broken == list(expect.get("failed_after_steps", ()))


def _check_words(over: Over, expect: Mapping[str, Any]) -> None:
    for text in expect.get("prints", ()):
        assert text in over.log
    for text in expect.get("not_prints", ()):
        assert text not in over.log
    warnings = "\n".join(line for line in over.log.splitlines() if "warning: " in line)
    for text in expect.get("warns", ()):
        assert text in warnings
    ended = {each["name"]: each["state"] for each in over.attempt["steps"]}
    for name, state in expect.get("steps", {}).items():
        assert ended[name] == state
