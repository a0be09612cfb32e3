"""Where images are pushed to, and as whom."""

from __future__ import annotations

import json

import pytest

from steersman.core import references, registry_logins
from steersman.core.errors import UserError
from steersman.core.interpolation import interpolate
from steersman.core.pipelines.fields import AWS
from steersman.core.pipelines.fields import AZURE as AZURE_FIELDS
from steersman.core.registry_logins import Azure, Basic, Credentials, Ecr

VALUES = {"USER": "me", "PASS": "secret", "TAG": "v1"}
ECR = Ecr("AKIA", "s", "eu-west-1", "123")
AZURE = Azure("id", "s", "tenant", "me.azurecr.io")


def fill(text: str) -> str:
    return interpolate(text, VALUES)


def names(repository: str, tag: str = "", registry: str = "", login: Credentials = None) -> str:
    properties = {"repository": repository, "tag": tag, "registry": registry}
    target = registry_logins.target(properties, fill, login)
    return " ".join(str(name) for name in target.names)


@pytest.mark.parametrize(
    ("repository", "registry", "wanted"),
    [
        ("a/b", "", "a/b:latest"),
        ("A/B", "", "a/b:latest"),
        ("s.com/a/b", "", "s.com/a/b:latest"),
        ("a/b", "https://s.com", "s.com/a/b:latest"),
        ("a/b", "https://s.com/v1", "s.com/a/b:latest"),
        ("a/b", "http://s.com/v2/", "s.com/a/b:latest"),
        ("s.com/a/b", "https://s.com/v2", "s.com/a/b:latest"),
        ("a/b", "s.com:5000", "s.com:5000/a/b:latest"),
        ("localhost:5000/b", "", "localhost:5000/b:latest"),
        ("a/b", "https://registry.hub.docker.com/v1", "a/b:latest"),
        ("a/b", "https://index.docker.io/v2/", "a/b:latest"),
        ("docker.io/a/b", "", "a/b:latest"),
        ("a/b:1.2", "", "a/b:1.2"),
    ],
)
def test_the_registry_is_read_off_both_properties(
    repository: str, registry: str, wanted: str
) -> None:
    assert names(repository, registry=registry) == wanted


def test_the_registry_in_the_repository_wins_and_that_is_said() -> None:
    properties = {"repository": "o.com/a/b", "registry": "https://s.com"}
    found = registry_logins.target(properties, fill)
    assert found.registry == "o.com"
    assert found.notice == "the registry s.com is not used: the repository names o.com"


def test_several_tags_are_each_pushed_once() -> None:
    assert names("a/b", "$TAG, latest v1") == "a/b:v1 a/b:latest"


def test_a_repository_of_amazon_or_azure_gets_its_host_once() -> None:
    host = "123.dkr.ecr.eu-west-1.amazonaws.com"
    assert names("app", login=ECR) == f"{host}/app:latest"
    assert names(f"{host}/app", login=ECR) == f"{host}/app:latest"
    assert names("app", registry="https://other", login=AZURE) == "me.azurecr.io/app:latest"


def test_the_image_of_a_box_at_amazon_or_azure_gets_its_host_too() -> None:
    app = references.parse("team/app:1")
    located = registry_logins.located
    assert str(located(app, ECR)) == "123.dkr.ecr.eu-west-1.amazonaws.com/team/app:1"
    assert str(located(located(app, AZURE), AZURE)) == "me.azurecr.io/team/app:1"
    assert located(app, Basic("u", "p")) == app


def test_amazon_in_china_has_another_domain() -> None:
    assert registry_logins.ecr_endpoint("cn-north-1").endswith(".cn-north-1.amazonaws.com.cn")


@pytest.mark.parametrize(
    ("repository", "tag", "said"),
    [
        ("", "", "there is no repository"),
        ("$NONE", "", "there is no repository"),
        ("a b", "", "is not the name of an image"),
        ("a/b", "no/tag", "is not a tag"),
        ("a@sha256:" + "0" * 64, "", "names a digest"),
        ("wcr.io/a/b", "", "Wercker's own registry and is closed"),
    ],
)
def test_what_cannot_be_pushed_to_is_an_error(repository: str, tag: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        names(repository, tag)


def test_a_login_without_a_password_is_none() -> None:
    assert registry_logins.credentials({"username": "u", "password": "$NONE"}, fill) is None
    given = registry_logins.credentials({"username": "$USER", "password": "$PASS"}, fill)
    assert given == Basic("me", "secret")


def test_amazon_and_azure_need_all_of_their_fields() -> None:
    fields = {name: name[4:] for name in AWS}
    assert registry_logins.credentials(fields, fill) == Ecr(
        "access-key", "secret-key", "region", "registry-id"
    )
    del fields["aws-region"]
    with pytest.raises(UserError, match="lacks aws-region"):
        registry_logins.credentials(fields, fill)
    azure = dict.fromkeys(AZURE_FIELDS, "x.io")
    assert isinstance(registry_logins.credentials(azure, fill), Azure)


KEY = {"type": "service_account", "private_key": "-----BEGIN\nabc\n-----END\n"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(KEY),
        json.dumps(KEY).replace("\\n", "\\\\n"),
        json.dumps(KEY).replace("\\n", "\n"),
        json.dumps(KEY, indent=2),
    ],
)
def test_a_key_of_google_survives_what_variables_do_to_its_newlines(text: str) -> None:
    given = registry_logins.credentials({"username": "_json_key", "password": text}, lambda t: t)
    assert isinstance(given, Basic)
    assert json.loads(given.password) == KEY


def test_a_key_of_google_that_is_none_is_an_error_that_does_not_show_it() -> None:
    with pytest.raises(UserError) as raised:
        registry_logins.credentials({"username": "_json_key", "password": "hunter2"}, fill)
    assert "hunter2" not in str(raised.value) + str(raised.value.hint)
