"""What the pages show is right: files are checked, command lines understood, and some are run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from steersman import pipeline_file
from steersman.cli import main
from steersman.core import manifest_checks
from steersman.core.problems import Problem, Severity
from tests.docs import examples
from tests.docs.examples import Block, Kind, Line
from tests.e2e.program import steer

BLOCKS = list(examples.blocks())
LINES = list(examples.lines())
RUN = ("check", "schema", "detect", "init", "version", "help", "completion")
STEP = ("create", "check")


def of(*kinds: Kind) -> list[Block]:
    return [block for block in BLOCKS if block.kind in kinds]


def said(block: Block) -> str:
    return f"{block.page}:{block.line}"


def whole(block: Block) -> str:
    """Complete a part of a file: steps alone, or a workflow whose pipelines stand elsewhere."""
    if block.kind is Kind.STEPS:
        return f"box: busybox\nbuild:\n  steps:\n{_indented(block.text)}"
    data = block.data
    nodes = [node for flow in data.get("workflows", []) for node in flow["pipelines"]]
    missing = {node.get("pipelineName", node["name"]) for node in nodes} - data.keys()
    return block.text + "".join(
        f"{name}: {{box: busybox, steps: [lint]}}\n" for name in sorted(missing)
    )


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


@pytest.mark.parametrize("block", of(Kind.PIPELINE_FILE, Kind.STEPS), ids=said)
def test_a_pipeline_file_that_is_shown_has_nothing_wrong(block: Block) -> None:
    found: list[Problem] = list(pipeline_file.parse(whole(block), said(block)).problems)
    assert found == []


@pytest.mark.parametrize("block", of(Kind.MANIFEST), ids=said)
def test_a_manifest_that_is_shown_can_be_published(block: Block) -> None:
    remarks = manifest_checks.check(block.data)
    assert [each for each in remarks if each.severity is Severity.ERROR] == []


def test_the_pages_show_something() -> None:
    assert len(of(Kind.PIPELINE_FILE)) >= 5
    assert len(LINES) >= 50


WHOLE = {
    "README.md": (("build",), "the build has passed"),
    "docs/workflow.md": (("workflow", "main"), "deploy | compiled"),
}
"""Files that need nothing but images which are here, with how the page says they are run."""


@pytest.mark.engine
@pytest.mark.parametrize("page", WHOLE)
def test_a_file_that_needs_nothing_else_runs_on_an_engine(
    page: str, tmp_path: Path, engine: str
) -> None:
    (block,) = (block for block in of(Kind.PIPELINE_FILE) if block.page == page)
    words, said = WHOLE[page]
    (tmp_path / "wercker.yml").write_text(block.text)
    (tmp_path / "deploy.env").write_text("")
    ended = steer(*words, "--on", "containers", "--pull", "never", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert said in ended.out + ended.err


def understood(line: Line) -> None:
    """Read a command line to its last flag, and do nothing."""
    words = _words(line)
    context = click.Context(main.steer, info_name="steer")
    command: click.Command = main.steer
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            return
        _, below, words = command.resolve_command(context, words)
        assert below is not None
        context = click.Context(below, parent=context, info_name=below.name)
        command = below
    try:
        command.make_context(command.name, words, parent=context.parent)
    except click.BadParameter as error:
        # What a line names need not be here; a flag and a word that are not known are wrong.
        if not isinstance(error.param, click.Parameter):
            raise
    except click.exceptions.Exit:
        pass  # `--help`


def _words(line: Line) -> list[str]:
    """Return the words of the first command of a line, up to a pipe."""
    lexer = shlex.shlex(line.text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    # Three dots stand for what was shown before.
    return [word for word in _until_pipe(iter(lexer)) if word != "..."][1:]


def _until_pipe(words: Iterator[str]) -> Iterator[str]:
    for word in words:
        if set(word) <= set("|<>&;()"):
            return
        yield word


@pytest.mark.parametrize(
    "line", [line for line in LINES if "[" not in line.text], ids=lambda line: str(line.text)
)
def test_a_command_line_that_is_shown_is_understood(line: Line) -> None:
    understood(line)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which what the pages say can be done."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text("")
    return tmp_path


def runnable() -> list[Line]:
    found = []
    for line in LINES:
        words = line.text.split()[1:]
        if "[" in line.text or "|" in line.text or ">" in line.text or not words:
            continue
        if words[0] in RUN or (words[0] == "step" and words[1] in STEP):
            found.append(line)
    return found


@pytest.mark.parametrize("line", runnable(), ids=lambda line: str(line.text))
def test_what_needs_no_engine_is_done(line: Line, project: Path) -> None:
    words = _words(line)
    needs_file = words[0] == "check"
    if needs_file:
        (project / "wercker.yml").write_text("box: busybox\nbuild: {steps: [lint]}\n")
    if words[:2] == ["step", "check"]:
        CliRunner().invoke(main.steer, ["step", "create", "x", "--folder", words[2]])
    result = CliRunner().invoke(main.steer, words)
    assert result.exit_code == 0, result.output
