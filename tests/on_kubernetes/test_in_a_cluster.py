"""`steer run --on kubernetes` as a person runs it, against a real cluster."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from steersman.cluster.kubernetes import names
from tests.e2e.program import Ended, end, project, started, steer
from tests.kubernetes import clusters
from tests.kubernetes.platforms import POOLS, RUNNER_IMAGE
from tests.platform.programs import free_port, until

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(300)]
SECRET = "sesame-open-please"
TEXT = """\
box: busybox
build:
  steps:
    - script:
        name: look
        code: |
          echo "$GREETING, the secret is $PASSWORD"
          ls
          echo made > "$WERCKER_OUTPUT_DIR/made.txt"
          cat "$WERCKER_CACHE_DIR/kept" 2>/dev/null || echo "nothing was kept"
          echo "kept from before" > "$WERCKER_CACHE_DIR/kept"
failing:
  steps:
    - script: {name: breaks, code: "echo begun; exit 3"}
  after-steps:
    - script: {name: tidy, code: "echo it has $WERCKER_RESULT"}
waiting:
  steps:
    - script: {name: waits, code: "echo waiting; sleep 600"}
  after-steps:
    - script: {name: tidy, code: "echo it has $WERCKER_RESULT"}
imageless:
  box: no-such-image:at-all
  steps:
    - script: {code: "true"}
"""
FILES = {"seen.txt": "x", "left.log": "x", ".werckerignore": "*.log\n"}


class Place:
    """A namespace, and projects that are run in it."""

    def __init__(self, namespace: str, folder: Path) -> None:
        self.namespace = namespace
        self.folder = folder
        (folder / "pools.yaml").write_text(POOLS)
        self.env = {
            "KUBECONFIG": str(clusters.required()),
            "STEERSMAN_IMAGE": RUNNER_IMAGE,
            "X_GREETING": "hello",
            "XXX_PASSWORD": SECRET,
        }
        self.words = (
            *("--on", "kubernetes", "--namespace", namespace),
            *("--pools-file", str(folder / "pools.yaml")),
        )

    def project(self, name: str, text: str = TEXT) -> Path:
        return project(self.folder / name, text, FILES)

    def run(self, pipeline: str, at: Path, *words: str, **env: str) -> Ended:
        whole = ("run", pipeline, *self.words, *words)
        return steer(*whole, cwd=at, timeout=200, **{**self.env, **env})

    def prune(self, *words: str) -> str:
        whole = ("prune", "--on", "kubernetes", "--namespace", self.namespace, *words)
        return steer(*whole, cwd=self.folder, timeout=90, **self.env).out

    def objects(self, kind: str) -> list[dict[str, Any]]:
        path = f"/api/v1/namespaces/{self.namespace}/{kind}"
        by = {"labelSelector": names.PERSONAL_SELECTOR}
        found = clusters.ask(lambda api: api.call("GET", path, None, by))["items"]
        return [each for each in found if not each["metadata"].get("deletionTimestamp")]

    def of(self, run_id: str) -> list[str]:
        """Name what stands of a run."""
        name = names.named(run_id)
        found = [*self.objects("pods"), *self.objects("secrets")]
        return [name for each in found if each["metadata"]["name"] == name]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with clusters.namespace() as namespace:
        yield Place(namespace, tmp_path_factory.mktemp("laptop"))


@pytest.fixture(scope="module")
def over(place: Place) -> Iterator[dict[str, Future[Ended]]]:
    """Runs that nobody disturbs, all at once."""
    with ThreadPoolExecutor(3) as pool:
        yield {
            name: pool.submit(place.run, name, place.project(name), "--run-id", name, *words)
            for name, words in {
                "build": (),
                "failing": (),
                "imageless": ("--pull", "never"),
            }.items()
        }


def test_a_green_run_is_shown_and_what_it_made_is_brought_home(
    place: Place, over: dict[str, Future[Ended]]
) -> None:
    ended = over["build"].result()
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == "hello, the secret is ***"
    assert "seen.txt" in lines
    assert "left.log" not in lines
    assert lines[-1] == "nothing was kept"
    assert SECRET not in ended.out + ended.err
    working = place.folder / "build" / ".wercker"
    assert (working / "latest" / "output" / "made.txt").read_text() == "made\n"
    assert (working / "cache" / "kept").read_text() == "kept from before\n"
    assert place.of("build") == []
    again = place.run("build", place.folder / "build")
    assert (again.code, again.out.splitlines()[-1]) == (0, "kept from before"), again.err


def test_a_failing_step_ends_it_with_1_after_its_after_steps(
    place: Place, over: dict[str, Future[Ended]]
) -> None:
    ended = over["failing"].result()
    assert ended.code == 1, ended.err
    assert ended.out == "begun\nit has failed\n"
    assert "step breaks failed" in ended.err
    assert place.of("failing") == []


def test_an_image_that_is_nowhere_is_named_and_nothing_waits_for_it(
    place: Place, over: dict[str, Future[Ended]]
) -> None:
    ended = over["imageless"].result()
    assert ended.code in (2, 3), ended.err
    assert "no-such-image" in ended.err
    assert place.of("imageless") == []


def test_ctrl_c_ends_it_in_order_and_no_secret_stood_in_the_cluster(place: Place) -> None:
    at = place.project("waiting")
    whole = ("run", "waiting", *place.words, "--run-id", "waiting")
    with started(*whole, cwd=at, until="waiting\n", **place.env) as process:
        pods, secrets = place.objects("pods"), place.objects("secrets")
        assert names.named("waiting") in [each["metadata"]["name"] for each in pods]
        assert SECRET not in json.dumps([pods, secrets])
        owners = {each["metadata"]["name"]: each["metadata"] for each in secrets}
        assert owners[names.named("waiting")]["ownerReferences"][0]["kind"] == "Pod"
        ended = end(process, signal.SIGINT)
    assert ended.code == 130, ended.err
    assert ended.out.endswith("it has failed\n")
    assert place.of("waiting") == []


def test_a_pod_that_somebody_deletes_ends_it_with_3_and_the_reason(place: Place) -> None:
    at = place.project("deleted")
    path = f"/api/v1/namespaces/{place.namespace}/pods/{names.named('deleted')}"
    now = {"gracePeriodSeconds": 0}
    whole = ("run", "waiting", *place.words, "--run-id", "deleted")
    with started(*whole, cwd=at, until="waiting\n", **place.env) as process:
        clusters.ask(lambda api: api.call("DELETE", path, now))
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "deleted" in err


def test_a_bad_file_ends_it_with_2_before_anything_is_asked_of_the_cluster(place: Place) -> None:
    at = place.project("bad", "box: busybox\nbuild: {steps: 7}\n")
    ended = place.run("build", at, KUBECONFIG="/nowhere")
    assert ended.code == 2
    assert "wercker.yml:2" in ended.err


def test_a_cluster_that_does_not_answer_ends_it_with_3(place: Place) -> None:
    config = yaml.safe_load(clusters.required().read_text())
    for each in config["clusters"]:
        each["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    (place.folder / "dead.yaml").write_text(yaml.safe_dump(config))
    ended = place.run("build", place.project("dead"), KUBECONFIG=str(place.folder / "dead.yaml"))
    assert ended.code == 3, ended.err
    assert "127.0.0.1" in ended.err


def test_a_login_that_may_not_speak_to_pods_is_told_which_right_is_missing(place: Place) -> None:
    config = _login(place, [("", ["pods", "secrets", "events"], ["*"])])
    ended = place.run("build", place.project("rights"), "--run-id", "rights", KUBECONFIG=config)
    assert ended.code == 3, ended.err
    assert "get and create on pods/proxy" in ended.err
    assert place.of("rights") == []


def test_a_login_with_just_the_rights_that_the_docs_name_is_enough(place: Place) -> None:
    docs = Path(__file__).parents[2] / "docs" / "run-on-kubernetes.md"
    _, role = docs.read_text().split("kind: Role\n", 1)
    rules = yaml.safe_load(role.partition("```")[0])["rules"]
    config = _login(place, [(e["apiGroups"][0], e["resources"], e["verbs"]) for e in rules])
    ended = place.run("failing", place.project("enough"), "--run-id", "enough", KUBECONFIG=config)
    assert ended.code == 1, ended.err
    assert place.of("enough") == []


def _login(place: Place, rules: list[tuple[str, list[str], list[str]]]) -> str:
    """Make somebody with these rights in the namespace, and return their kubeconfig."""
    name = f"person-{len(rules)}"
    core = f"/api/v1/namespaces/{place.namespace}/serviceaccounts"
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{place.namespace}"
    metadata = {"name": name}
    said = [{"apiGroups": [g], "resources": r, "verbs": v} for g, r, v in rules]
    group = "rbac.authorization.k8s.io"
    binding = {
        "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": place.namespace}],
    }

    async def make(api: Any) -> str:
        await api.call("POST", core, {"metadata": metadata})
        await api.call("POST", f"{rbac}/roles", {"metadata": metadata, "rules": said})
        await api.call("POST", f"{rbac}/rolebindings", binding)
        wanted = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        answer = await api.call("POST", f"{core}/{name}/token", wanted)
        return str(answer["status"]["token"])

    config = yaml.safe_load(clusters.required().read_text())
    config["users"] = [{"name": name, "user": {"token": clusters.ask(make)}}]
    for each in config["contexts"]:
        each["context"]["user"] = name
    file = place.folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(config))
    return str(file)


def test_what_a_killed_run_left_is_pruned_once_its_pod_has_ended(place: Place) -> None:
    at = place.project("killed")
    whole = ("run", "waiting", *place.words, "--run-id", "killed")
    with started(*whole, cwd=at, until="waiting\n", **place.env) as process:
        process.kill()
        process.wait()
    assert "killed" not in place.prune()
    assert len(place.of("killed")) == 2
    name = names.named("killed")
    # Sooner than it would by itself, some minutes after nobody asks for it any more.
    path = f"/api/v1/namespaces/{place.namespace}/pods/{name}"
    patch = {"spec": {"activeDeadlineSeconds": 1}}
    clusters.ask(lambda api: api.call("PATCH", path, patch))

    def over() -> bool:
        pod = clusters.ask(lambda api: api.call("GET", path))
        return bool(pod["status"]["phase"] == "Failed")

    until(over, "the pod ends", 90)
    assert f"would remove pods/{name}" in place.prune("--dry-run")
    assert f"removed pods/{name}" in place.prune()
    until(lambda: place.of("killed") == [], "pod and Secret go", 60)
