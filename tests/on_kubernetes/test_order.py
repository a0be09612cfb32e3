"""What a laptop asks of a cluster, before anything of it exists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from steersman import pipeline_file
from steersman.cli.job import Request
from steersman.cli.on_kubernetes import order as orders
from steersman.cli.run import command as run
from steersman.cli.working_dir import WorkingDir
from steersman.cluster.kubernetes import names, preparing
from steersman.cluster.kubernetes.pools import Pool
from steersman.core.errors import UserError
from steersman.core.variables import Command

TEXT = """\
box: busybox
build:
  services: [{id: postgres, env: {POSTGRES_PASSWORD: $PASSWORD, OTHER: seen}}]
  resources: {memory: 1Gi}
  steps: [script: {code: "true"}]
"""
IMAGE = ("--on", "kubernetes", "--image", "ours:1")


def made(folder: Path, *words: str) -> orders.Order:
    flags: dict[str, Any] = run.make_context("run", [*IMAGE, *words]).params
    orders.check(flags)
    config = pipeline_file.parse(TEXT, "wercker.yml").checked()
    working = WorkingDir(folder / ".wercker")
    request = Request(Command.BUILD, folder, working, config, config.pipelines["build"], flags)
    return orders.make(request, folder / "wercker.yml", TEXT, Pool("default"))


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XXX_PASSWORD", "sesame-open")
    monkeypatch.setenv("X_GREETING", "hello-there")


def test_nothing_hidden_stands_in_the_pod_and_the_key_stands_nowhere(tmp_path: Path) -> None:
    order = made(tmp_path)
    assert order.job["hidden"] == {"PASSWORD": "sesame-open"}
    pod, whole = json.dumps(order.pod), json.dumps([order.pod, order.secret])
    assert "sesame-open" not in pod
    assert order.key not in whole
    assert {"name": "OTHER", "value": "seen"} in order.pod["spec"]["containers"][2]["env"]


def test_no_worker_takes_the_pod_for_its_own(tmp_path: Path) -> None:
    order = made(tmp_path)
    for each in (order.pod, order.secret):
        labels = each["metadata"]["labels"]
        assert labels[names.MANAGED] != names.MANAGER
        assert labels[names.ATTEMPT] == order.attempt


def test_our_containers_run_the_mailbox_without_a_login_of_the_cluster(tmp_path: Path) -> None:
    spec = made(tmp_path).pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    ours = [*spec["initContainers"], spec["containers"][0]]
    first, second = (each["command"] for each in ours)
    assert first[:2] + first[-1:] == ["sh", "-c", preparing.TERMINATION]
    assert second == ["python3", "-I", "-m", "steersman.cli.pod_mailbox"]
    assert all(each["image"] == "ours:1" for each in ours)


def test_two_runs_share_neither_name_nor_key(tmp_path: Path) -> None:
    one, other = made(tmp_path), made(tmp_path)
    assert one.name != other.name
    assert one.key != other.key


def test_the_flags_of_a_build_reach_the_job(tmp_path: Path) -> None:
    job = made(
        tmp_path, "--command-timeout", "2", "-e", "MORE=x", "--git-branch", "b", "--artifacts"
    ).job
    assert job["settings"]["command_timeout"] == 2
    assert job["keep_source"] is True
    assert job["facts"]["git_branch"] == "b"
    public = {each["name"]: each["value"] for each in job["public"]}
    assert public["MORE"] == "x"
    assert public["GREETING"] == "hello-there"


@pytest.mark.parametrize(
    ("words", "memory"), [([], "1024Mi"), (["--docker-memory", "512"], "512Mi")]
)
def test_the_box_gets_the_memory_that_file_or_flag_asks_for(
    tmp_path: Path, words: list[str], memory: str
) -> None:
    box = made(tmp_path, *words).pod["spec"]["containers"][1]
    assert box["resources"]["limits"]["memory"] == memory


@pytest.mark.parametrize(
    "words",
    [
        ["--direct-mount"],
        ["--expose-ports"],
        ["--enable-volumes"],
        ["--docker-network", "n"],
        ["--docker-dns", "10.0.0.1"],
        ["--step-registry", "/srv/steps"],
    ],
)
def test_what_cannot_be_done_from_a_pod_is_refused(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(UserError, match="not possible in a pod"):
        made(tmp_path, *words)


def test_a_run_without_our_image_says_how_to_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STEERSMAN_IMAGE", raising=False)
    flags: dict[str, Any] = run.make_context("run", ["--on", "kubernetes"]).params
    with pytest.raises(UserError) as refused:
        orders.check(flags)
    assert "--image" in (refused.value.hint or "")


def test_a_name_that_no_object_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        made(tmp_path, "--run-id", "My_Run")
