"""Completion by the shells, `steer help`, and that neither imports much."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from steersman.cli import completion, main
from steersman.cli.help_topics import TOPICS

DOCS = Path(__file__).parents[2] / "docs"
FILE = """\
box: node:20
build: {steps: [npm-test]}
"two words": {steps: [npm-test]}
deploy: {steps: [npm-test]}
workflows:
  - name: all
    pipelines: [{name: build}]
"""


LISTING = """\
import sys

import click

from steersman.cli.main import steer

steer.shell_complete(click.Context(steer), "b")
print([name for name in sys.modules if name.startswith("steersman.cli.")])
"""


def completed(words: str, cwd: Path) -> list[str]:
    """Ask as bash does after *words* and a tab; one that ends with a blank begins a new word."""
    env = os.environ | {
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_STEER_COMPLETE": "bash_complete",
    }
    # It is asked for by the name under which it was started.
    steer = Path(sys.executable).with_name("steer")
    done = subprocess.run([steer], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wercker.yml").write_text(FILE)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("steer wor", ["workflow", "worker"]),
        ("steer build --direct", ["--direct-mount"]),
        ("steer build -p ", ["build", "two words", "deploy"]),
        ("steer build --pipeline de", ["deploy"]),
        ("steer run ", ["all", "build", "two words", "deploy"]),
        ("steer workflow ", ["all"]),
        ("steer step cr", ["create"]),
        ("steer build --pull n", ["never"]),
        ("steer help exit", ["exit-codes"]),
    ],
)
def test_each_kind_of_word_is_completed(folder: Path, words: str, found: list[str]) -> None:
    assert completed(words, folder) == found


def test_a_file_with_a_mistake_still_names_its_pipelines(folder: Path) -> None:
    (folder / "wercker.yml").write_text(FILE.replace("[npm-test]", "{", 1))
    assert completed("steer build -p ", folder) == ["build", "two words", "deploy"]


def test_nothing_is_said_where_no_file_is(tmp_path: Path) -> None:
    assert not any(completed("steer build -p ", tmp_path))


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_what_completion_prints_is_valid_for_its_shell(shell: str) -> None:
    shown = CliRunner().invoke(main.steer, ["completion", shell])
    assert f"_STEER_COMPLETE={shell}_complete" in shown.output
    if shutil.which(shell):
        done = subprocess.run(
            [shell, "-n"], input=shown.output, text=True, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_completing_a_command_imports_no_command() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTING], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['steersman.cli.main']"


def helped(*words: str) -> str:
    shown = CliRunner().invoke(main.steer, ["help", *words], catch_exceptions=False)
    assert shown.exit_code == 0
    return shown.output


@pytest.mark.parametrize("name", TOPICS)
def test_each_topic_fits_on_a_screen_and_names_a_page_that_exists(name: str) -> None:
    text = helped(name)
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 100
    assert (DOCS / TOPICS[name].page).is_file()


def test_help_lists_the_topics_and_explains_commands() -> None:
    assert all(name in helped() for name in TOPICS)
    assert "--owner" in helped("step", "publish")
    assert "Usage: steer build" in helped("b")


def test_a_topic_that_is_misspelled_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["help", "stps"]) == 2
    assert "did you mean steps?" in capsys.readouterr().err.replace("`", "")
