"""`steer check` and `steer schema`: what they print, where, and with which exit code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from steersman import pipeline_file
from steersman.cli import check, schema
from steersman.core.errors import UserError
from steersman.core.pipelines import fields
from steersman.core.pipelines.fields import Field
from steersman.core.pipelines.schema import schema as make_schema

GOOD = """\
box: node:20
services:
  - redis:7
  - {id: postgres:15, name: db}
build:
  steps:
    - npm-install
    - script: {name: test, code: npm test}
  after-steps:
    - script: {code: echo done}
deploy:
  box: {id: alpine, tag: "3.20"}
  services: []
  staging:
    - script: {code: ./deploy}
workflows:
  - name: main
    pipelines:
      - name: build
      - {name: deploy, requires: [build]}
"""
DOUBTFUL = GOOD.replace("services: []", "services: redis")
BAD = GOOD.replace("after-steps", "after-stps")


def checked(*words: str) -> Result:
    return CliRunner().invoke(check.command, words)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_good_file_is_summed_up_on_stdout(folder: Path) -> None:
    (folder / "wercker.yml").write_text(GOOD)
    result = checked()
    assert result.stdout.splitlines() == [
        "found pipeline build in image node:20 with redis, db, 2 steps, 1 after-step",
        "found pipeline deploy in image alpine tag 3.20, 0 steps, deploy targets staging",
        "found workflow main: build, deploy (after build)",
    ]
    assert (result.stderr, result.exit_code) == ("", 0)


def test_warnings_are_shown_on_stderr_and_fail_only_when_strict(folder: Path) -> None:
    (folder / "wercker.yml").write_text(DOUBTFUL)
    result = checked()
    assert "wercker.yml:13:13: warning: services should be a list" in result.stderr
    assert result.exit_code == 0
    assert checked("--strict").exit_code == 2


def test_errors_are_shown_on_stderr_and_exit_with_2(folder: Path) -> None:
    (folder / "wercker.yml").write_text(BAD.replace("node:20", "Node"))
    result = checked()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "wercker.yml:1:6: error" in result.stderr
    assert "did you mean `after-steps`?" in result.stderr
    assert result.stderr.endswith("1 error, 1 warning\n")


def test_schedules_that_may_mean_something_else_are_doubted_where_they_stand(folder: Path) -> None:
    berlin = "{name: n, timezone: Europe/Berlin, cron: 30 2 * * *}"
    night = f"  schedules:\n    - 0 3 13 * fri\n    - {berlin}\n"
    (folder / "wercker.yml").write_text(GOOD.replace("build:\n", f"build:\n{night}", 1))
    result = checked()
    assert result.exit_code == 0
    assert "wercker.yml:7:7: warning: the schedule build: a day fits if either" in result.stderr
    assert "wercker.yml:8:48: warning: the schedule n: a time of it does not exist" in result.stderr
    assert checked("--strict").exit_code == 2
    spread = night.replace("30 2", "H H").replace("0 3 13 * fri", "H 3 * * *")
    (folder / "wercker.yml").write_text(GOOD.replace("build:\n", f"build:\n{spread}", 1))
    assert checked().stderr == ""


def test_steps_that_nobody_has_any_more_are_doubted_where_they_stand(folder: Path) -> None:
    old = GOOD.replace("npm-install", "npm-instal").replace(
        "script: {code: echo done}", "hipchat-notify"
    )
    (folder / "wercker.yml").write_text(old)
    result = checked()
    assert result.exit_code == 0
    assert "wercker.yml:7:7: warning: there is no step wercker/npm-instal" in result.stderr
    assert "npm-install" in result.stderr
    assert (
        "wercker.yml:10:7: warning: the step wercker/hipchat-notify can do nothing" in result.stderr
    )
    (folder / ".wercker/steps/wercker-npm-instal").mkdir(parents=True)
    assert "npm-instal:" not in checked().stderr


def test_json_is_one_object_on_stdout(folder: Path) -> None:
    (folder / "wercker.yml").write_text(DOUBTFUL)
    result = checked("--format", "json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, result.stderr, answer["valid"]) == (0, "", True)
    assert [pipeline["name"] for pipeline in answer["pipelines"]] == ["build", "deploy"]
    assert answer["pipelines"][0]["steps"][1] == {"id": "script", "name": "test", "line": 8}
    assert answer["workflows"][0]["pipelines"][1]["requires"] == ["build"]
    (problem,) = answer["problems"]
    assert (problem["severity"], problem["code"], problem["line"]) == ("warning", "not-a-list", 13)


def test_json_of_a_bad_file_holds_its_problems_and_exits_with_2(folder: Path) -> None:
    (folder / "wercker.yml").write_text("build:\n")
    result = checked("--format", "json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["valid"], answer["errors"]) == (2, False, 1)


@pytest.mark.parametrize("words", [["sub/ci.yml"], ["sub"], ["--wercker-yml", "sub/ci.yml"]])
def test_the_file_may_be_named_or_its_folder(folder: Path, words: list[str]) -> None:
    (folder / "sub").mkdir()
    for name in ("ci.yml", "ewok.yml"):
        (folder / "sub" / name).write_text(GOOD)
    assert "found pipeline build" in checked(*words).stdout


def test_the_environment_may_name_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "ci.yml").write_text(GOOD)
    monkeypatch.setenv("WERCKER_YML_FILE", "ci.yml")
    assert checked().exit_code == 0


def test_no_file_is_an_error_of_the_user(folder: Path) -> None:
    result = checked()
    assert isinstance(result.exception, UserError)
    assert "no pipeline file" in str(result.exception)


# -- the schema --------------------------------------------------------------------------------


class Editor(yaml.SafeLoader):
    """Reads as editors do: by YAML 1.2, in which only `true` and `false` are booleans."""


Editor.yaml_implicit_resolvers = {
    first: [(tag, words) for tag, words in resolvers if not tag.endswith(("bool", "timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Editor.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), ["t", "f"])


def plain(text: str) -> object:
    """Read YAML as data of JSON, whose keys are texts."""
    return json.loads(json.dumps(yaml.load(text, Editor)))  # noqa: S506  a safe loader's child


SEEDS = sorted((Path(__file__).parents[1] / "fuzz" / "seeds").glob("*.yml"))


def test_the_schema_is_a_schema() -> None:
    result = CliRunner().invoke(schema.command)
    jsonschema.Draft202012Validator.check_schema(json.loads(result.stdout))


@pytest.mark.parametrize("path", SEEDS, ids=[path.stem for path in SEEDS])
def test_the_schema_accepts_what_the_reader_accepts(path: Path) -> None:
    parsed = pipeline_file.read(path)
    assert parsed.config is not None, parsed.problems
    jsonschema.Draft202012Validator(make_schema()).validate(plain(path.read_text()))


REFUSED = {
    "steps as a text": "build: {steps: npm-test}",
    "a box as a list": "box: [a]",
    "a script without code": "build: {steps: [{script: {name: a}}]}",
    "a workflow without a name": "workflows: [{pipelines: [{name: a}]}]",
    "too many retries": "build: {retries: 11}",
    "an unknown event": "build: {on: pull}",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_the_schema_refuses_what_the_reader_refuses(text: str) -> None:
    assert pipeline_file.parse(text, "f").config is None
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(make_schema()).validate(plain(text))


def all_fields(some: tuple[Field, ...]) -> set[str]:
    inner = [all_fields(field.fields) for field in some]
    return {field.name for field in some}.union(*inner)


TABLES = {
    "file": fields.FILE,
    "pipeline": fields.PIPELINE,
    "box": fields.BOX,
    "step": fields.STEP,
    "workflow": fields.WORKFLOW,
}


def keys_in(value: object) -> set[str]:
    if isinstance(value, list):
        return set().union(*(keys_in(item) for item in value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(keys_in(item) for item in value.values()))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_every_field_is_in_the_schema_and_in_the_documentation(table: tuple[Field, ...]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
    names = all_fields(table)
    assert names - keys_in(make_schema()) == set()
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_every_internal_step_and_its_properties_are_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
    words = {name for step in fields.INTERNAL.values() for name in step.fields}
    assert {word for word in words | set(fields.INTERNAL) if f"`{word}`" not in text} == set()
