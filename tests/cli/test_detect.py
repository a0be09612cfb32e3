"""`steer detect` and `steer init`: what they say, what they write, and what they never touch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from steersman.cli import check, detect, init
from steersman.core.errors import UserError
from steersman.pipeline_file import NAMES
from tests.e2e.program import steer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "requirements.txt").write_text("pytest\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def detected(*words: str) -> Result:
    return CliRunner().invoke(detect.command, words, catch_exceptions=False)


def test_detect_prints_the_file_and_says_why_beside_it(folder: Path) -> None:
    result = detected()
    assert "box: python:3.12" in result.stdout
    assert "found Python (requirements.txt)" in result.stderr
    assert "found" not in result.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["requirements.txt"]


def test_detect_answers_programs(folder: Path) -> None:
    answer = json.loads(detected("--format", "json", str(folder)).stdout)
    assert answer["stacks"] == ["Python"]
    assert {"what": "Python", "because": "requirements.txt"} in answer["notes"]
    assert "python -m pytest" in answer["file"]


def test_init_writes_a_file_in_which_check_finds_nothing(folder: Path) -> None:
    result = CliRunner().invoke(init.command, catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (
        0,
        "wrote wercker.yml; read it, then try it with `steer build`\n",
    )
    checked = CliRunner().invoke(check.command, ["--strict"])
    assert (checked.exit_code, checked.stderr) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_there_is_never_overwritten(folder: Path, name: str) -> None:
    (folder / name).write_text("box: mine\n")
    with pytest.raises(UserError, match=f"{name} is there already"):
        CliRunner().invoke(init.command, catch_exceptions=False)
    assert (folder / name).read_text() == "box: mine\n"
    assert len(list(folder.iterdir())) == 2


def test_a_link_that_leads_nowhere_is_not_written_through(folder: Path) -> None:
    (folder / "wercker.yml").symlink_to(folder / "elsewhere")
    with pytest.raises(UserError, match="is there already"):
        CliRunner().invoke(init.command, catch_exceptions=False)
    assert not (folder / "elsewhere").exists()


def test_what_is_ignored_or_fetched_tells_nothing(folder: Path) -> None:
    (folder / "requirements.txt").unlink()
    (folder / ".gitignore").write_text("/made\n")
    for name in ("made", "node_modules/some"):
        (folder / name).mkdir(parents=True)
        (folder / name / "package.json").write_text("{}")
    assert json.loads(detected("--format", "json").stdout)["stacks"] == []


def test_a_link_is_not_read(folder: Path) -> None:
    (folder / "secret").write_text('{"scripts": {"test": "x"}}')
    (folder / "app").mkdir()
    (folder / "app" / "package.json").symlink_to(folder / "secret")
    assert "npm test" not in detected("app").stdout


def test_names_of_files_cannot_steer_the_terminal(folder: Path) -> None:
    (folder / "tests").mkdir()
    (folder / "requirements.txt").write_text("flask\n")
    (folder / "tests" / "test_\033[31m\n- bad.py").write_text("")
    result = detected()
    assert "\033" not in result.stdout + result.stderr
    assert "\n- bad" not in result.stdout + result.stderr


@pytest.mark.engine
def test_what_init_writes_for_a_site_runs_on_an_engine(tmp_path: Path, engine: str) -> None:
    (tmp_path / "index.html").write_text("<p>hello\n")
    assert steer("init", cwd=tmp_path).code == 0
    ended = steer("build", "--pull", "never", "--on", "containers", cwd=tmp_path)
    assert ended.code == 0, ended.err
    kept = tmp_path / ".wercker" / "latest" / "output" / "index.html"
    assert kept.read_text() == "<p>hello\n"
