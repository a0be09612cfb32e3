"""Logging in and out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steersman.cli.remote import servers
from tests.cli.remote.conftest import Stage, Steer


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(steer: Steer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STEERSMAN_SERVER")
    monkeypatch.delenv("STEERSMAN_TOKEN")


def kept() -> servers.Servers:
    return servers.read(servers.place(os.environ))


def test_without_a_login_it_is_said_how_to_get_one(steer: Steer) -> None:
    assert steer("runs") == (
        2,
        "",
        (
            "error: no server is known\n\n"
            "hint: `steer login URL`, or set STEERSMAN_SERVER and STEERSMAN_TOKEN\n"
        ),
    )


def test_a_token_is_checked_and_kept(steer: Steer, stage: Stage) -> None:
    host = stage.url.removeprefix("http://")
    done = steer("login", f"{stage.url}/", stdin=f"{stage.token}\n".encode())
    assert done == (0, f"logged in to {stage.url} as admin (context {host})\n", "")
    assert servers.place(os.environ).stat().st_mode & 0o777 == 0o600
    assert steer("runs").code == 0
    assert steer("logout") == (0, f"logged out of {stage.url} (context {host})\n", "")
    assert kept().known == {}


def test_a_wrong_token_is_not_kept(steer: Steer, stage: Stage) -> None:
    wrong = stage.token[:-1] + ("a" if stage.token[-1] != "a" else "b")
    done = steer("login", stage.url, "--token", wrong)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: the token was mistyped")
    assert kept().known == {}


def test_several_logins_are_told_apart(steer: Steer, stage: Stage) -> None:
    for name in ("one", "two"):
        steer("login", stage.url, "--token", stage.token, "--context", name)
    assert kept().current == "two"
    assert steer("runs", "--context", "one").code == 0
    missing = steer("runs", "--context", "three")
    assert missing.err == (
        "error: there is no context 'three'\n\nhint: --context one or --context two\n"
    )
    assert steer("logout").code == 0
    assert kept().current == "one"


def test_a_password_makes_a_token_that_logging_out_takes_back(steer: Steer, stage: Stage) -> None:
    stage.api("PATCH", "users/admin", {"password": "correct horse battery"})
    wrong = steer("login", stage.url, "--name", "admin", stdin=b"wrong\n")
    assert wrong.code == 2
    assert "the name or the password is wrong" in wrong.err
    done = steer("login", stage.url, "--name", "admin", stdin=b"correct horse battery\n")
    assert done.code == 0, done.err
    server = next(iter(kept().known.values()))
    assert server.token.startswith("steer_pat_")
    assert steer("worker", "list").code == 0
    assert steer("logout").code == 0
    assert steer("runs", "--server", stage.url, "--token", server.token).code == 2


def test_no_token_at_all_is_an_error(steer: Steer, stage: Stage) -> None:
    assert steer("login", stage.url).err.startswith("error: there is no token: the input is empty")
    assert steer("login", stage.url, "--token", "x", "--name", "y").code == 2
    assert not Path(servers.place(os.environ)).exists()
