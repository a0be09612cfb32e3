"""The front door: commands are found, old flags understood, endings become exit codes."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from steersman.cli import main
from steersman.cli.build import command as build
from steersman.core.errors import Interrupted, Refused, SteersmanError, Unavailable, UserError


@pytest.mark.parametrize(
    ("words", "understood"),
    [
        (["-docker-local"], ["--docker-local"]),
        (["--artifacts=true"], ["--artifacts"]),
        (["--artifacts=false"], []),
        (["-working-dir=x"], ["--working-dir=x"]),
        (["-v", "-q"], ["-v", "-q"]),
        (["-p", "x", "folder"], ["-p", "x", "folder"]),
        (["--", "-docker-local"], ["--", "-docker-local"]),
    ],
)
def test_flags_may_be_written_as_the_original_took_them(
    words: list[str], understood: list[str]
) -> None:
    assert main.long_flags(words, build) == understood


@pytest.mark.parametrize("name", [*main.COMMANDS, *main.ALIASES])
def test_every_command_and_alias_has_help(name: str) -> None:
    shown = CliRunner().invoke(main.steer, [name, "--help"])
    assert shown.exit_code == 0, shown.output
    assert "Usage:" in shown.output


def test_help_lists_every_command() -> None:
    shown = CliRunner().invoke(main.steer, ["--help"]).output
    assert all(name in shown for name in main.COMMANDS)


@pytest.mark.parametrize(
    ("words", "code"),
    [(["version"], 0), ([], 2), (["no-such-command"], 2), (["build", "--no-such-flag"], 2)],
)
def test_an_ending_becomes_an_exit_code(words: list[str], code: int) -> None:
    assert main.run(words) == code


@pytest.mark.parametrize(
    ("error", "code"),
    [(UserError, 2), (Unavailable, 3), (Refused, 3), (SteersmanError, 70), (Interrupted, 130)],
)
def test_each_error_has_its_exit_code(error: type[SteersmanError], code: int) -> None:
    assert error.exit_code == code


def test_an_error_is_shown_with_its_hint(capsys: pytest.CaptureFixture[str]) -> None:
    main.show(UserError("what is wrong", hint="what to do"))
    assert capsys.readouterr().err == "error: what is wrong\n\nhint: what to do\n"


def test_version_imports_nothing_that_a_run_needs() -> None:
    code = (
        "import sys; from steersman.cli.main import run; run(['version']);"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "click" in loaded
    assert not loaded & {"asyncio", "rich", "yaml", "h11"}


def test_every_flag_has_an_option_of_its_own() -> None:
    names = [name for option in build.params for name in option.opts]
    assert len(names) == len(set(names))
    assert all(isinstance(option, click.Parameter) for option in build.params)
