"""Files that are no YAML, or hostile: each is refused at once, in words, at its place."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman import pipeline_file
from steersman.core.errors import InvalidFile, UserError
from steersman.core.pipelines.composition import MAX_DEPTH
from steersman.core.pipelines.findings import MOST_PROBLEMS
from steersman.core.problems import Severity
from tests.core.language.reading import config, parsed

# Text, place, code, and a word that the message must hold.
SYNTAX = {
    "a tab before a key": ("box: b\nbuild:\n\tsteps: []\n", "3:1", "tab", "spaces"),
    "a tab before a dash": ("a:\n  - b\n\t- c\n", "3:1", "tab", "spaces"),
    "a second colon": ("a:\n  name: b: c\n", "2:10", "unexpected-colon", "colon"),
    "a key below a text": ("a: b\n  c: d\n", "2:4", "unexpected-colon", "colon"),
    "a line without colon": ("box: b\nbuild\ndeploy: {}\n", "2:1", "missing-colon", "no colon"),
    "text in the column of its key": (
        "a:\n  code: |\n  npm test\n  x: y\n",
        "3:3",
        "missing-colon",
        "no colon",
    ),
    "a line that fits nothing": ("a:\n    b: c\n   d: e\n", "3:4", "indentation", "fit"),
    "an open quote": ("a: 'b\nc: d\n", "1:4", "unclosed-quote", "never closed"),
    "an open list": ("a: [b, c\nd: e\n", "1:4", "unclosed-list", "closed"),
    "an open map": ("a: {b: c\nd: e\n", "1:4", "unclosed-map", "closed"),
    "a text that begins with @": ("a: @b\n", "1:4", "syntax", "'@'"),
    "a text that begins with a back quote": ("a: `b`\n", "1:4", "syntax", "back quote"),
    "an unknown escape": ('a: "\\d"\n', "1:5", "bad-escape", "escape"),
    "text after a bar": ("a: | b\n  c\n", "1:6", "syntax", "follow"),
    "a star alone": ("a: *\n", "1:4", "bad-alias", "alias"),
    "an unknown alias": ("a: *b\n", "1:4", "bad-alias", "&b"),
    "an alias of itself": ("a: &b [*b]\n", "1:8", "bad-alias", "inside"),
    "an unknown tag": ("a: !secret b\n", "1:4", "unknown-tag", "!secret"),
    "a NUL": ("a: \0\n", "1:4", "control-character", "control"),
    "an escape character": ("a: b\nc: \x1b[1m\n", "2:4", "control-character", "control"),
    "a list as a key": ("[a]: b\n", "1:1", "key-not-text", "key"),
    "a merge of a text": ("a:\n  <<: b\n", "2:7", "not-mergeable", "maps"),
}


@pytest.mark.parametrize(("text", "place", "code", "word"), SYNTAX.values(), ids=SYNTAX.keys())
def test_a_syntax_error_is_said_in_words(text: str, place: str, code: str, word: str) -> None:
    result = parsed(text)
    assert result.config is None
    first = next(problem for problem in result.problems if problem.code == code)
    assert str(first.place) == f"wercker.yml:{place}"
    assert word in first.message


ENCODINGS = {
    "UTF-16": ("a: b".encode("utf-16"), "1:1", "UTF-16"),
    "Latin 1": ("a: b\nc: \xe4\n".encode("latin-1"), "2:4", "0xe4"),
    "half a surrogate": ("a: b\nc: \ud800\n", "2:4", "surrogate"),
}


@pytest.mark.parametrize(("text", "place", "word"), ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_wrong_encoding_is_refused(text: str | bytes, place: str, word: str) -> None:
    (problem,) = parsed(text).problems
    assert (problem.code, str(problem.place)) == ("encoding", f"wercker.yml:{place}")
    assert word in problem.message


def test_a_duplicate_key_names_the_place_of_the_first() -> None:
    (problem,) = parsed("box: b\nbuild: {}\nbuild: {}\n").problems
    assert (problem.place.line, problem.place.column) == (3, 1)
    assert "line 2, column 1" in (problem.hint or "")


def test_a_file_over_the_limit_of_size_is_refused() -> None:
    (problem,) = parsed(b"#" * (pipeline_file.MAX_BYTES + 1)).problems
    assert problem.code == "too-large"
    assert parsed(b"#" * pipeline_file.MAX_BYTES).problems[0].code == "empty-file"


def laughs(levels: int, width: int) -> str:
    lines = ["l0: &l0 [lol]"]
    for level in range(1, levels):
        aliases = ", ".join([f"*l{level - 1}"] * width)
        lines.append(f"l{level}: &l{level} [{aliases}]")
    return "\n".join(lines) + "\n"


def test_a_billion_laughs_are_refused_at_once_at_the_alias() -> None:
    text = laughs(levels=12, width=10)
    began = time.process_time()
    (problem,) = parsed(text).problems
    assert time.process_time() - began < 1
    assert problem.code == "too-large"
    assert "*" in text.splitlines()[problem.place.line - 1][problem.place.column - 1]


def test_laughing_merge_keys_are_refused_too() -> None:
    lines = ["x-0: &m0 {a: b}"]
    lines += [f"x-{n}: &m{n} {{k{n}: [*m{n - 1}, *m{n - 1}, *m{n - 1}]}}" for n in range(1, 20)]
    assert [p.code for p in parsed("\n".join(lines)).problems] == ["too-large"]


def nested(depth: int) -> str:
    return "x-a: " + "[" * depth + "]" * depth + "\nbox: b\nbuild: {}\n"


def test_depth_is_limited_exactly() -> None:
    assert parsed(nested(MAX_DEPTH - 1)).problems == ()
    assert [p.code for p in parsed(nested(MAX_DEPTH)).problems] == ["too-deep"]


def test_depth_behind_aliases_is_limited_too() -> None:
    lines = ["x-0: &d0 [a]"]
    lines += [f"x-{n}: &d{n} [*d{n - 1}]" for n in range(1, MAX_DEPTH + 5)]
    assert [p.code for p in parsed("\n".join(lines)).problems] == ["too-deep"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "a:\n ", "- a: ", "!!x "])
def test_a_megabyte_of_openings_neither_hangs_nor_overflows(opening: str) -> None:
    text = opening * ((pipeline_file.MAX_BYTES - 10) // len(opening))
    began = time.process_time()
    result = parsed(text)
    assert result.config is None
    assert time.process_time() - began < 5


def test_problems_are_cut_where_nobody_reads_on() -> None:
    text = "box: b\n" + "".join(f"foo{n}: bar\n" for n in range(30_000))
    began = time.process_time()
    result = parsed(text)
    assert time.process_time() - began < 5
    assert len(result.problems) == MOST_PROBLEMS + 1
    assert result.problems[-1].message == "29000 more problems are not shown"


def test_a_valid_file_has_its_config_and_an_invalid_one_raises_all_its_problems() -> None:
    assert config("box: b\nbuild: {}\n").file == "wercker.yml"
    with pytest.raises(InvalidFile) as caught:
        parsed("box: B\nbuild:\n").checked()
    assert [p.code for p in caught.value.problems] == ["bad-image", "empty-pipeline"]


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_is_answered(text: str | bytes) -> None:
    result = pipeline_file.parse(text, "f")
    errors = [p for p in result.problems if p.severity is Severity.ERROR]
    assert (result.config is None) == bool(errors)


# -- finding and reading -----------------------------------------------------------------------


def test_the_names_are_looked_for_in_order(tmp_path: Path) -> None:
    for name in reversed(pipeline_file.NAMES):
        (tmp_path / name).write_text("box: b\n")
        assert pipeline_file.find(tmp_path).name == name


def test_a_folder_of_the_name_is_skipped_and_mentioned(tmp_path: Path) -> None:
    (tmp_path / "wercker.yml").mkdir()
    with pytest.raises(UserError) as caught:
        pipeline_file.find(tmp_path)
    assert "wercker.yml is a folder" in (caught.value.hint or "")
    (tmp_path / ".wercker.yml").write_text("box: b\n")
    assert pipeline_file.find(tmp_path).name == ".wercker.yml"


def test_no_file_is_an_error_that_names_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"steersman\.yml, ewok\.yml, wercker\.yml or \.wercker"):
        pipeline_file.find(tmp_path)


def test_what_cannot_be_read_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="gone"):
        pipeline_file.read(tmp_path / "gone.yml")
    with pytest.raises(UserError, match="folder"):
        pipeline_file.read(tmp_path)
    with pytest.raises(UserError, match="regular"):
        pipeline_file.read(Path("/dev/zero"))


def test_places_carry_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "steersman.yml"
    path.write_text("")
    assert pipeline_file.read(path).problems[0].place.file == str(path)
    assert pipeline_file.read(path, "app.yml").problems[0].place.file == "app.yml"
