"""The variables of a run, of a step and of after-steps."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from steersman.core import quoting, variables
from steersman.core.errors import UserError
from steersman.core.manifests import Manifest, Property
from steersman.core.pipelines.model import Step, StepKind
from steersman.core.problems import Place
from steersman.core.steps import Outcome, State
from steersman.core.variables import Command, RunFacts, Variable

FACTS: dict[str, Any] = {
    "command": Command.BUILD, "run_id": "0a1b", "pipeline": "build",
    "base_path": "/pipeline/source", "application_id": "shop", "application_name": "shop",
    "application_owner": "ann", "started_by": "bob", "git_branch": "main", "git_owner": "ann",
    "git_repository": "shop", "git_commit": "c0ffee", "version": "1.2",
}  # fmt: skip


def of_run(**facts: Any) -> dict[str, str]:
    return {item.name: item.value for item in variables.of_run(RunFacts(**FACTS | facts))}


def step(name: str = "greet", **properties: str) -> Step:
    return Step(
        id=f"acme/{name}", owner="acme", name=name, version="*", place=Place("f", 1, 1),
        kind=StepKind.FETCHED, display_name="Say it", properties=properties,
    )  # fmt: skip


def test_every_variable_of_the_original_is_there() -> None:
    assert set(of_run()) >= {
        "WERCKER", "WERCKER_ROOT", "WERCKER_SOURCE_DIR", "WERCKER_CACHE_DIR", "WERCKER_OUTPUT_DIR",
        "WERCKER_PIPELINE_DIR", "WERCKER_REPORT_DIR", "WERCKER_APPLICATION_ID",
        "WERCKER_APPLICATION_NAME", "WERCKER_APPLICATION_OWNER_NAME", "WERCKER_APPLICATION_URL",
        "TERM", "BUILD", "CI", "WERCKER_RUN_ID", "WERCKER_RUN_URL", "WERCKER_GIT_DOMAIN",
        "WERCKER_GIT_OWNER", "WERCKER_GIT_REPOSITORY", "WERCKER_GIT_BRANCH", "WERCKER_GIT_TAG",
        "WERCKER_GIT_COMMIT", "WERCKER_BUILD_ID", "WERCKER_BUILD_URL", "WERCKER_STARTED_BY",
    }  # fmt: skip


def test_places_are_true_with_a_base_path_and_on_the_host() -> None:
    found = of_run(base_path="/x/go/src/app", source_dir="sub/", root="/x")
    assert found["WERCKER_ROOT"] == "/x/go/src/app"
    assert found["WERCKER_SOURCE_DIR"] == "/x/go/src/app/sub"
    assert found["WERCKER_REPORT_DIR"] == "/x/report"
    assert found["WERCKER_CACHE_DIR"] == "/x/pipeline/cache"
    assert found["CI_WORKSPACE"] == found["WERCKER_SOURCE_DIR"]


def test_a_deploy_says_so() -> None:
    found = of_run(command=Command.DEPLOY, deploy_target="prod", pipeline="deploy")
    assert found["DEPLOY"] == found["CI"] == "true"
    assert found["WERCKER_DEPLOYTARGET_NAME"] == "prod"
    assert found["WERCKER_DEPLOY_ID"] == "0a1b"
    assert not {"BUILD", "WERCKER_BUILD_ID"} & set(found)


def test_the_common_names_say_what_is_known_and_nothing_else() -> None:
    found = of_run(git_tag="v1", git_message="first\n\nline")
    assert found["CI_COMMIT_SHA"] == "c0ffee"
    assert found["CI_COMMIT_REF"] == "refs/tags/v1"
    assert found["CI_REPO"] == "ann/shop"
    assert found["CI_COMMIT_MESSAGE"] == "first\n\nline"
    assert "CI_COMMIT_AUTHOR" not in found
    assert of_run()["CI_COMMIT_REF"] == "refs/heads/main"


def test_every_name_is_one_a_shell_takes() -> None:
    assert all(map(quoting.is_name, of_run()))


def test_prefixed_variables_are_public_or_hidden_and_others_stay_out() -> None:
    found = variables.given({"X_A": "1", "XXX_B": "2", "PATH": "/bin", "X_C": ""})
    assert found.public == (Variable("A", "1"), Variable("C", ""))
    assert found.hidden == {"B": "2"}


def test_flags_win_and_need_no_prefix() -> None:
    found = variables.given({"X_A": "1"}, [("A", "flag"), ("PLAIN", "p"), ("XXX_S", "s")])
    assert found.public == (Variable("A", "flag"), Variable("PLAIN", "p"))
    assert found.hidden == {"S": "s"}


def test_a_public_value_is_expanded_only_where_it_refers() -> None:
    found = variables.given({"X_A": "$HOME/x", "X_B": "pa$$word", "XXX_C": "$HOME"})
    assert [item.expand for item in found.public] == [True, False]
    assert found.hidden == {"C": "$HOME"}


def test_proxies_are_passed_unless_given_by_prefix() -> None:
    found = variables.given({"http_proxy": "a", "X_http_proxy": "b", "NO_PROXY": "c"})
    assert {item.name: item.value for item in found.public} == {"http_proxy": "b", "NO_PROXY": "c"}


@pytest.mark.parametrize("name", ["X_A-B", "XXX_1", "X_", "X_é"])
def test_an_invalid_name_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(UserError, match=name):
        variables.given({name: "1"})


def test_a_value_with_a_nul_is_refused() -> None:
    with pytest.raises(UserError, match="NUL"):
        variables.given({}, [("A", "a\0b")])


def test_a_step_gets_its_places_and_properties() -> None:
    manifest = Manifest(properties=(Property("who"), Property("how-loud", default="very")))
    found = variables.step_variables(
        step(who="$USER", extra="1"), manifest, root="/pipeline/greet-1", report="/report/greet-1"
    )
    values = {item.name: item.value for item in found.exported}
    assert values["WERCKER_STEP_ROOT"] == "/pipeline/greet-1"
    assert values["WERCKER_STEP_ID"] == "greet-1"
    assert values["WERCKER_STEP_OWNER"] == "acme"
    assert values["WERCKER_STEP_NAME"] == "greet"
    assert values["WERCKER_REPORT_MESSAGE_FILE"] == "/report/greet-1/message.txt"
    assert values["CI_STEP_NAME"] == "Say it"
    assert found.exported[-3:] == (
        Variable("WERCKER_GREET_WHO", "$USER", True),
        Variable("WERCKER_GREET_HOW_LOUD", "very"),
        Variable("WERCKER_GREET_EXTRA", "1"),
    )
    assert found.unset_after == tuple(item.name for item in found.exported[-3:])


def test_a_given_value_wins_over_the_default_in_another_spelling() -> None:
    manifest = Manifest(properties=(Property("source_dir", default="."),))
    found = variables.step_variables(step(**{"source-dir": "x"}), manifest, root="r", report="r")
    assert found.exported[-1] == Variable("WERCKER_GREET_SOURCE_DIR", "x")


def test_names_of_steps_and_properties_make_names_of_variables() -> None:
    manifest = Manifest(properties=(Property("what ever.é"),))
    found = variables.step_variables(step("my.step-1"), manifest, root="r", report="r")
    assert found.unset_after == ("WERCKER_MY_STEP_1_WHAT_EVER__",)
    assert all(quoting.is_name(item.name) for item in found.exported)


def test_the_code_of_a_script_is_no_variable() -> None:
    found = variables.step_variables(step("script", code="echo"), None, root="r", report="r")
    assert found.unset_after == ()


def test_after_steps_are_told_what_failed() -> None:
    failed = Outcome(state=State.FAILED, failed_step="unit tests", message="exit code 4\nand more")
    assert variables.after_step_variables(failed) == (
        Variable("WERCKER_RESULT", "failed"),
        Variable("WERCKER_FAILED_STEP_DISPLAY_NAME", "unit tests"),
        Variable("WERCKER_FAILED_STEP_MESSAGE", "exit code 4\nand more"),
    )
    passed = variables.after_step_variables(Outcome(state=State.SUCCEEDED))
    assert passed == (Variable("WERCKER_RESULT", "passed"),)


def test_a_later_variable_may_refer_to_an_earlier_one_in_a_shell() -> None:
    given = variables.given({"X_HOST": "h", "X_URL": "http://$HOST/"}).public
    lines = [quoting.export(item.name, item.value, expand=item.expand) for item in given]
    script = "\n".join([*lines, 'printf %s "$URL"'])
    assert subprocess.check_output(["sh", "-c", script]) == b"http://h/"
