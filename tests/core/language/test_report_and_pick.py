"""How problems are shown, and how a pipeline is chosen."""

from __future__ import annotations

import pytest

from steersman.core.errors import UserError
from steersman.core.pipelines import pick, report
from steersman.core.problems import Place, Problem, Severity
from tests.core.language.reading import config, parsed


def rendered(text: str) -> str:
    result = parsed(text)
    return report.render(result.problems, result.source)


def test_a_problem_is_shown_with_its_line_a_caret_and_a_hint() -> None:
    assert rendered("box: b\nbuild:\n  dokcer: true\n") == (
        "wercker.yml:3:3: error: pipeline build has no key 'dokcer'\n"
        "    dokcer: true\n"
        "    ^\n"
        "  hint: did you mean `docker`?"
    )


def test_a_problem_in_an_empty_file_has_no_line_to_show() -> None:
    lines = rendered("").splitlines()
    assert lines[0] == "wercker.yml:1:1: error: the file is empty"
    assert [line.strip()[:5] for line in lines[1:]] == ["hint:"]


def test_tabs_and_control_characters_do_not_move_the_caret() -> None:
    result = parsed("a: b\n\x1b\tc: d\n")
    (problem,) = result.problems
    head, line, caret, *_ = report.render_one(problem, report.split_lines(result.source)).split(
        "\n"
    )
    assert "\x1b" not in head + line
    assert caret == "  ^"


def test_of_a_long_line_only_the_part_around_the_caret_is_shown() -> None:
    result = parsed(
        "box: b\nbuild: {steps: [" + "ok, " * 100 + "npm test, " + "ok, " * 100 + "]}\n"
    )
    (problem,) = result.problems
    _, line, caret, *_ = report.render_one(problem, report.split_lines(result.source)).split("\n")
    assert len(line) <= 102
    assert line[caret.index("^") :].startswith("npm test")


def test_lines_are_counted_as_yaml_counts_them() -> None:
    assert report.split_lines("a\r\nb\rc\nd\u2028e") == ["a", "b", "c", "d", "e"]


def test_problems_are_counted_in_words() -> None:
    place = Place("f", 1, 1)
    error, warning = (Problem(severity, "c", place, "m") for severity in Severity)
    assert report.summary([]) == "no problems"
    assert report.summary([error]) == "1 error"
    assert report.summary([error, warning, warning]) == "1 error, 2 warnings"


def test_a_pipeline_is_picked_by_its_name() -> None:
    found = config("box: b\nbuild: {}\ndeploy: {}\n")
    assert pick(found, "deploy").name == "deploy"


def test_the_nearest_name_is_offered_for_an_unknown_pipeline() -> None:
    found = config("box: b\nbuild: {}\ndeploy: {}\n")
    with pytest.raises(UserError, match="no pipeline named biuld; did you mean build") as caught:
        pick(found, "biuld")
    assert caught.value.hint == "wercker.yml has build, deploy"
    with pytest.raises(UserError, match=r"no pipeline named zzz$"):
        pick(found, "zzz")


def test_a_file_without_pipelines_says_so() -> None:
    with pytest.raises(UserError) as caught:
        pick(config("box: b\n"), "build")
    assert caught.value.hint == "wercker.yml has no pipeline at all"
