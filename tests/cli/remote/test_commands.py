"""Every command against a real server: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from steersman.cli import main
from tests.cli.remote.conftest import Stage, Steer, same

REMOTE = [name for name, (module, _) in main.COMMANDS.items() if module.startswith("remote.")]


@pytest.fixture(scope="module")
def first(stage: Stage) -> str:
    """A run of the project whose job `deploy` waits for an approval."""
    made = stage.api("POST", "projects/shop/triggers", {"branch": "main", "kind": "push"})
    runner = stage.runner()
    runner.log(b"hello\n")
    runner.step(1, "script", "succeeded", seconds=0.5)
    runner.leave("output", "output", {"shop.txt": b"open"})
    runner.end()
    return stage.run_of(made)


def test_a_project_is_added_shown_listed_and_removed(steer: Steer, stage: Stage) -> None:
    place = str(stage.repository.folder)
    added = steer("project", "add", "tmp", "--repository", place, "--branch", "main")
    assert added == (0, "added tmp; `steer trigger tmp` runs it\n", "")
    shown = steer("project", "show", "tmp")
    assert same(shown.out, stage) == (
        "name:  tmp\nrepository:  REPOSITORY\ndefault branch:  main\nruns:  0\n"
    )
    assert steer("project", "list", "-o", "name").out == "tmp\nshop\n"
    assert steer("project", "rm", "tmp", "--yes") == (0, "removed tmp\n", "")
    assert steer("project", "show", "tmp") == (
        2,
        "",
        "error: there is no project tmp\n\nhint: `steer project list` names them\n",
    )


def test_a_project_is_not_removed_without_a_word(steer: Steer, stage: Stage) -> None:
    ended = steer("project", "rm", "shop")
    assert ended.code == 130
    assert stage.api("GET", "projects/shop")["name"] == "shop"


def test_runs_are_listed_newest_first(steer: Steer, stage: Stage, first: str) -> None:
    number = first.partition("/")[2]
    shown = steer("runs", "shop", "--branch", "main", "--state", "approval")
    assert same(shown.out, stage) == (
        "RUN  NAME  STATE  ON  COMMIT  MESSAGE  AGE  TOOK\n"
        f"shop/{number}  all  approval  main  COMMIT  open the shop  AGO  TOOK\n"
    )
    assert steer("runs", "shop", "--state", "failed") == (0, "", "nothing there\n")


def test_a_run_is_shown_with_its_jobs(steer: Steer, stage: Stage, first: str) -> None:
    assert same(steer("show", first).out, stage) == (
        f"run:  {first} all\n"
        "state:  approval\n"
        "branch:  main\n"
        "commit:  COMMIT open the shop\n"
        "author:  Ada\n"
        "trigger:  push by admin\n"
        "created:  AGO\n"
        "took:  TOOK\n"
        "\n"
        "NAME  STATE  TRIES  TOOK  NOTE\n"
        "build  succeeded  1  TOOK  -\n"
        "deploy  approval  0  -  waits for the approval of a developer\n"
    )


def test_the_forms_for_programs_hold_the_same(steer: Steer, first: str) -> None:
    found = json.loads(steer("show", "shop", "-o", "json").out)
    assert found["state"] == "approval"
    assert found["created"].endswith("Z")
    assert yaml.safe_load(steer("show", "shop", "-o", "yaml").out) == found
    assert steer("show", found["id"], "-o", "name").out == f"{first}\n"


def test_a_job_is_approved_once(steer: Steer, stage: Stage, first: str) -> None:
    made = stage.api("POST", f"runs/{first}/rerun")
    runner = stage.runner()
    runner.leave("output", "output", {})
    runner.end()
    name = stage.run_of(made)
    assert steer("approve", name, "deploy") == (0, f"{name}: deploy is approved\n", "")
    again = steer("approve", name, "deploy")
    assert again.code == 2
    assert "does not wait for anybody" in again.err
    waiting = same(steer("queue").out, stage)
    assert waiting == (
        f"RUN  JOB  ATTEMPT  POOL  BLOCKED  QUEUED\n{name}  deploy  1  default  no  AGO\n"
    )
    stage.runner().end("failed", reason="step-failed", message="exit code 2")
    assert steer("retry", name) == (0, f"{name}: another attempt of deploy\n", "")
    assert steer("cancel", name, "-o", "json").out == (
        f'{{\n  "run": "{name}",\n  "changed": true\n}}\n'
    )
    assert steer("cancel", name) == (0, f"{name}: has ended already\n", "")
    assert steer("wait", name).code == 130


def test_a_declined_job_cancels_its_run(steer: Steer, stage: Stage) -> None:
    made = stage.api("POST", "projects/shop/triggers", {"target": "all"})
    stage.runner().end()
    name = stage.run_of(made)
    assert steer("decline", name, "deploy").out == f"{name}: deploy is declined\n"
    waited = steer("wait", name)
    assert (waited.code, same(waited.out, stage)) == (130, f"{name}: cancelled in TOOK\n")


def test_a_run_is_rerun_as_a_new_one(steer: Steer, stage: Stage, first: str) -> None:
    newest = stage.api("GET", "projects/shop")["runs"]
    assert steer("rerun", first).out == f"shop/{newest + 1}  all\n"
    assert steer("cancel", f"shop/{newest + 1}").code == 0


def test_a_secret_comes_from_the_input_and_is_never_shown(steer: Steer, stage: Stage) -> None:
    done = steer("secret", "set", "shop", "PW", "--branch", "main", stdin=b"sesame\n")
    assert done == (0, "set PW of shop\n", "")
    Path("key").write_bytes(b"line\n")
    done = steer("secret", "set", "shop", "KEY", "--value-file", "key")
    assert done == (0, "set KEY of shop\n", "")
    assert same(steer("secret", "list", "shop").out, stage) == (
        "NAME  FOR  BY  CHANGED  ID\n"
        "KEY  everything  admin  AGO  ID\n"
        "PW  branch main  admin  AGO  ID\n"
    )
    assert steer("secret", "rm", "shop", "PW").out == "removed PW of shop\n"
    assert steer("secret", "rm", "shop", "KEY").code == 0
    assert steer("secret", "rm", "shop", "PW").err.startswith("error: the project has no secret PW")
    assert steer("secret", "set", "shop", "PW", stdin=b"\xff").code == 2
    assert steer("secret", "set", "shop", "PW", "sesame").code == 2


def test_a_worker_is_paused_resumed_and_forgotten(steer: Steer, stage: Stage, first: str) -> None:
    listed = steer("worker", "list")
    assert listed.err == ""
    assert same(listed.out, stage) == (
        "NAME  POOLS  HOLDS  PAUSED  SEEN  VERSION\nw  default  0 of 9  no  AGO  -\n"
    )
    assert steer("worker", "pause", "w").out == "w takes nothing more\n"
    assert steer("worker", "resume", "w").out == "w takes work again\n"
    assert steer("worker", "rm", "nobody").code == 2
    made = steer("worker", "token", "spare")
    assert made.out.startswith("steer_wrk_")


def test_a_token_is_made_listed_and_taken_back(steer: Steer, stage: Stage) -> None:
    made = json.loads(steer("token", "create", "ci", "--project", "shop", "-o", "json").out)
    assert made["scopes"] == ["read", "trigger"]
    assert steer("runs", "--token", made["token"]).code == 0
    listed = same(steer("token", "list").out, stage)
    assert "ID  ci  read, trigger" in listed
    assert steer("token", "rm", made["id"]).code == 0
    refused = steer("runs", "--token", made["token"])
    assert refused.code == 2
    assert "hint: log in again" in refused.err


def test_caches_are_removed_one_by_one_or_all(steer: Steer) -> None:
    assert steer("cache", "list", "shop") == (0, "", "nothing there\n")
    assert steer("cache", "rm", "shop").code == 2
    assert steer("cache", "rm", "shop", "--all").out == "removed all caches of shop\n"


def test_a_hook_is_installed_with_a_token_nobody_else_reads(steer: Steer, stage: Stage) -> None:
    assert steer("project", "hook", "shop").out.startswith("#!/bin/sh")
    bare = stage.repository.folder.parent / "bare.git"
    stage.repository.git("init", "-q", "--bare", str(bare))
    done = steer("project", "hook", "shop", "--install", str(bare))
    assert done.code == 0, done.err
    assert os.access(bare / "hooks" / "post-receive", os.X_OK)
    token = bare / "hooks" / "steersman-token"
    assert token.stat().st_mode & 0o777 == 0o600
    assert token.read_text().startswith("steer_hook_")
    assert steer("project", "hook", "shop", "--install", str(bare)).code == 0
    (bare / "hooks" / "post-receive").write_text("#!/bin/sh\nmine\n")
    assert "somebody else's hook" in steer("project", "hook", "shop", "--install", str(bare)).err
    assert "no git repository" in steer("project", "hook", "shop", "--install", ".").err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["show", "shop/999"], 2, "error: there is no run shop/999\n"),
        (["show", "0" * 26], 2, f"error: there is no run {'0' * 26}\n"),
        (["show", "shop/1/2"], 2, "error: 'shop/1/2' is no run\n"),
        (["show", "nowhere"], 2, "error: there is no project nowhere\n"),
        (["logs", "shop/1"], 2, "error: the run shop/1 has several jobs: build, deploy\n"),
        (["logs", "shop/1", "test"], 2, "error: the run shop/1 has no job test\n"),
        (["secret", "rm", "shop", ""], 2, "error: '' is no name\n"),
        (["runs", "--server", "nonsense"], 2, "error: 'nonsense' is no address of a server\n"),
        (["runs", "--token", "steer_pat_x"], 2, "error: the token was mistyped\n"),
        (["trigger", "shop", "--env", "A"], 2, "error: --env A has no value\n"),
        (["show", "caf\udce9"], 2, "error: there is no project "),
    ],
)
def test_an_error_says_what_is_wrong(
    steer: Steer, first: str, words: list[str], code: int, said: str
) -> None:
    ended = steer(*words)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(said)


def test_a_server_that_is_away_is_our_infrastructure(steer: Steer) -> None:
    ended = steer("runs", "--server", "http://127.0.0.1:1")
    assert ended.code == 3
    assert ended.err.startswith("error: GET http://127.0.0.1:1/api/v1/runs")
    assert "hint: is the server up, and its address right?" in ended.err


@pytest.mark.parametrize("name", REMOTE)
def test_every_command_has_help(steer: Steer, name: str) -> None:
    assert "Usage:" in steer(name, "--help").out
