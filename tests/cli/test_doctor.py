"""`steer doctor`: what facts mean, and what it says on a real machine."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from steersman.cli import doctor
from steersman.core import doctoring
from steersman.core.doctoring import GIB, Finding, Level, Socket

NEW: Mapping[str, Any] = {"Version": "27.1", "ApiVersion": "1.46"}


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, and nothing of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "DOCKER_HOST", "DOCKER_CONTEXT", "XDG_CONFIG_HOME",
                 "STEERSMAN_SERVER", "STEERSMAN_TOKEN"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def looked(*words: str) -> Result:
    return CliRunner().invoke(doctor.command, words, catch_exceptions=False)


@pytest.mark.parametrize(
    ("finding", "level", "words"),
    [
        (doctoring.engine(NEW, "x"), Level.OK, "Docker 27.1 answers at x"),
        (doctoring.engine({**NEW, "Components": ["Podman Engine"]}, "x"), Level.OK, "Podman"),
        (doctoring.engine({**NEW, "ApiVersion": "1.18"}, "x"), Level.WRONG, "too old"),
        (doctoring.no_engine(None, "nobody answers"), Level.WRONG, "DOCKER_HOST"),
        (doctoring.no_engine(Socket("/s"), "x"), Level.WRONG, "there is no /s"),
        (doctoring.no_engine(Socket("/s", is_there=True), "x"), Level.WRONG, "is no socket"),
        (
            doctoring.no_engine(Socket("/s", is_there=True, is_socket=True, group="docker"), "x"),
            Level.WRONG,
            "sudo usermod -aG docker $USER",
        ),
        (
            doctoring.no_engine(Socket("/s", is_there=True, is_socket=True, is_writable=True), "x"),
            Level.WRONG,
            "start the engine again",
        ),
        (doctoring.disk("runs", 20 * GIB), Level.OK, "20.0 GiB are free for runs"),
        (doctoring.disk("runs", 2 * GIB), Level.DOUBT, "docker system prune"),
        (doctoring.disk("runs", 1000), Level.WRONG, "steer prune"),
        (doctoring.git("git version 2.39.5 (Apple Git-154)"), Level.OK, "git 2.39.5"),
        (doctoring.git("git version 1.8.3.1"), Level.DOUBT, "old"),
        (doctoring.git(""), Level.DOUBT, "git is not here"),
    ],
)  # fmt: skip
def test_each_fact_means_something(finding: Finding, level: Level, words: str) -> None:
    assert finding.level is level
    assert words in f"{finding.what} {finding.mend}"
    assert finding.mend or level is Level.OK


def test_no_engine_is_wrong_and_exits_with_three(alone: Path) -> None:
    result = looked("--docker-host", f"unix://{alone}/none.sock")
    assert result.exit_code == 3
    assert f"wrong  no container engine is here: there is no {alone}/none.sock" in result.stdout


def test_an_engine_that_does_not_answer_is_told_from_one_that_is_not_there(alone: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"{alone}/dead.sock")
    result = looked("--docker-host", f"unix://{alone}/dead.sock")
    assert result.exit_code == 3
    assert "start" in result.stdout
    assert "there is no" not in result.stdout


def test_what_is_not_used_is_not_looked_at_and_what_is_broken_is_named(alone: Path) -> None:
    assert "cluster" not in looked().stdout
    (alone / ".kube").mkdir()
    (alone / ".kube" / "config").write_text("clusters: [")
    (alone / ".config" / "steersman").mkdir(parents=True)
    (alone / ".config" / "steersman" / "servers.toml").write_text("current = ")
    (alone / "wercker.yml").write_text("build: 3\n")
    said = looked().stdout
    assert "config cannot be read as YAML" in said
    assert "servers.toml" in said
    assert "wercker.yml cannot be used" in said


@pytest.mark.engine
def test_a_machine_with_an_engine_is_fit(alone: Path, engine: str) -> None:
    result = looked("--format", "json")
    assert result.exit_code == 0, result.stdout
    said = json.loads(result.stdout)
    assert any(each["what"].endswith(f"answers at {engine}") for each in said)
    assert {each["level"] for each in said} <= {"ok", "doubt"}
