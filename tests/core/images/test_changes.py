"""The properties of internal steps that make images."""

from __future__ import annotations

import pytest

from steersman.core import image_builds, image_changes
from steersman.core.errors import UserError
from steersman.core.interpolation import interpolate

VALUES = {"PORT": "8080", "NAME": "a b", "LIST": "1,2", "RUN": "r"}


def fill(text: str) -> str:
    return interpolate(text, VALUES)


def changed(**properties: str) -> image_changes.ImageChanges:
    named = {name.replace("_", "-"): text for name, text in properties.items()}
    return image_changes.changes(named, fill)


def test_a_command_keeps_its_variables_for_whoever_runs_the_image() -> None:
    assert changed(cmd="sh -c 'echo $PORT'").cmd == ("sh", "-c", "echo $PORT")


def test_a_value_with_blanks_stays_one_variable() -> None:
    assert changed(env="A=$NAME B='x y' C=").env == {"A": "a b", "B": "x y", "C": ""}


def test_only_the_first_equals_sign_of_a_label_counts() -> None:
    assert changed(labels="url=http://x/?a=b").labels == {"url": "http://x/?a=b"}


def test_ports_are_filled_before_they_are_separated() -> None:
    assert changed(ports="$PORT, 53/udp $LIST").ports == ("8080/tcp", "53/udp", "1/tcp", "2/tcp")


def test_what_is_not_given_is_left_as_the_image_has_it() -> None:
    assert changed() == image_changes.ImageChanges()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("cmd", "echo 'open", "cmd: a single quote is never closed"),
        ("env", "A", "env: 'A' is not of the form NAME=value"),
        ("labels", "=x", "labels: '=x' is not of the form NAME=value"),
        ("ports", "99999", "ports: '99999' is not a port of an image"),
        ("ports", "80/tpc", "ports: '80/tpc' is not a port of an image"),
        ("ports", "8080:80", "ports: '8080:80' is not a port of an image"),
        ("volumes", "data", "volumes: 'data' is no folder of an image"),
        ("working-dir", "src", "working-dir: 'src' must begin with a `/`"),
    ],
)
def test_a_property_that_is_wrong_is_named(name: str, text: str, said: str) -> None:
    with pytest.raises(UserError) as raised:
        image_changes.changes({name: text}, fill)
    assert str(raised.value) == said


@pytest.mark.parametrize(("text", "value"), [("T", True), ("1", True), ("0", False), ("", False)])
def test_a_boolean_is_what_it_was_in_the_original(text: str, *, value: bool) -> None:
    assert image_changes.boolean({"no-cache": text}, "no-cache") is value


def test_a_boolean_that_is_none_is_an_error_and_not_false() -> None:
    with pytest.raises(UserError, match="neither true nor false"):
        image_changes.boolean({"no-cache": "yes"}, "no-cache")


def build(**properties: str) -> image_builds.Build:
    named = {"image-name": "app"} | {
        name.replace("_", "-"): text for name, text in properties.items()
    }
    return image_builds.wanted(named, fill, "6b0a")


def test_a_built_image_is_called_by_its_run_as_old_scripts_expect() -> None:
    assert build().name == "6b0aapp:latest"
    assert build(image_name="app:$PORT").name == "6b0aapp:8080"


@pytest.mark.parametrize("name", ["x.org/app", "a@sha256:" + "0" * 64, "a b"])
def test_an_image_of_a_run_is_in_no_registry(name: str) -> None:
    with pytest.raises(UserError):
        build(image_name=name)


def test_an_empty_image_name_is_said() -> None:
    with pytest.raises(UserError, match="image-name is empty"):
        build(image_name="$UNKNOWN")


def test_the_arguments_of_a_build_keep_their_equals_signs() -> None:
    assert build(build_args="A=b=c D='$NAME'").args == {"A": "b=c", "D": "a b"}


@pytest.mark.parametrize(
    ("context", "clean"), [("./a//b/", "a/b"), ("/a", "a"), (".", ""), ("", "")]
)
def test_a_context_is_a_folder_below_the_source(context: str, clean: str) -> None:
    assert build(context=context).context == clean


@pytest.mark.parametrize("name", ["context", "dockerfile"])
def test_nothing_leads_out_of_the_source(name: str) -> None:
    with pytest.raises(UserError, match="leads out of the source"):
        build(**{name: "a/../../etc"})


def test_logins_without_a_name_or_a_password_say_nothing() -> None:
    text = """{"https://x.org/v2/": {"Username": "$RUN", "Password": "p"},
               "y.org": {"Username": "u"}, "z.org": null}"""
    assert build(registry_auth_config=text).logins == {"x.org": image_builds.Login("r", "p")}


@pytest.mark.parametrize("text", ["{", "[]", "7"])
def test_logins_that_are_no_map_are_an_error(text: str) -> None:
    with pytest.raises(UserError, match="registry-auth-config is not a map"):
        build(registry_auth_config=text)


def test_a_host_needs_an_address() -> None:
    assert build(extra_hosts="a:1.2.3.4 b:::1").extra_hosts == ("a:1.2.3.4", "b:::1")
    with pytest.raises(UserError, match="host:address"):
        build(extra_hosts="a")
