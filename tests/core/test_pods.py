"""What the pod of an attempt holds."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from steersman.core import filled_boxes, pods
from steersman.core.errors import UserError
from steersman.core.pods import About, Pod
from steersman.core.variables import Variable
from tests.core.language.reading import pipeline

SECRET = "b5c1c8f4"
NOTHING: Mapping[str, str] = {}


def wanted(text: str, hidden: Mapping[str, str] = NOTHING, name: str = "build") -> Pod:
    public = [Variable("TAG", "12"), Variable("WERCKER_GIT_BRANCH", "main")]
    given = filled_boxes.values(public, hidden)
    return pods.wanted(pipeline(text, name), given, About("a1", limit=60.0, avoid=("n1",)))


def refused(text: str) -> UserError:
    with pytest.raises(UserError) as error:
        wanted(text)
    return error.value


def test_a_box_alone_is_its_image_with_its_registry_and_its_shell() -> None:
    found = wanted("box: {id: 'node:$TAG', cmd: /bin/sh, user: 1000, env: {A: $TAG}}\nbuild: {}\n")
    assert found.box == pods.Container(
        name="box", image="docker.io/library/node:12", env={"A": "12"}, secret_env={},
        entrypoint=None, cmd=("/bin/sh",), user="1000",
    )  # fmt: skip
    assert not found.services
    assert found.repeatable
    assert (found.limit, found.avoid, found.docker) == (60.0, ("n1",), False)


SERVICES = """
    box: busybox
    services:
      - {id: "registry.example.org:5000/data/postgres:15", name: db, env: {PASSWORD: $DB}}
      - id: redis
        ports: "7000:6400"
    build: {}
"""


def test_services_are_told_of_those_before_them_and_all_are_at_one_address() -> None:
    found = wanted(SERVICES, {"DB": SECRET})
    db, redis = found.services
    assert (db.name, db.ports) == ("db", ("5432/tcp",))
    assert db.image == "registry.example.org:5000/data/postgres:15"
    assert (redis.name, redis.ports) == ("redis", ("6400/tcp",))
    assert redis.env["DB_PORT"] == "tcp://127.0.0.1:5432"
    assert found.box.env["REDIS_PORT_6400_TCP_ADDR"] == "127.0.0.1"
    assert found.box.env["DB_NAME"] == "/wercker-pipeline-a1/db"


def test_a_hidden_value_is_nowhere_in_the_open() -> None:
    found = wanted(SERVICES, {"DB": SECRET})
    db, redis = found.services
    assert db.secret_env == {"PASSWORD": SECRET}
    assert redis.secret_env == {"DB_ENV_PASSWORD": SECRET}
    shown = pods.plain(found)
    for service in shown["services"]:
        del service["secret_env"]
    assert SECRET not in repr(shown)


LOGINS = """
    box: {id: redis, username: me, password: $KEY, registry: "https://registry.hub.docker.com"}
    services:
      - {id: registry.example.org/a/x, name: x, username: u, password: p}
      - {id: registry.example.org/a/y, name: y, username: v, password: q}
    build: {}
"""


def test_a_login_is_for_one_repository() -> None:
    assert wanted(LOGINS, {"KEY": "k"}).logins == (
        pods.Login("docker.io", "me", "k"),
        pods.Login("registry.example.org/a/x", "u", "p"),
        pods.Login("registry.example.org/a/y", "v", "q"),
    )


def test_what_deploys_is_not_repeatable() -> None:
    assert not wanted("box: busybox\ndeploy: {}\n", name="deploy").repeatable


def test_resources_are_spelled_as_the_cluster_does() -> None:
    text = "box: busybox\nbuild: {resources: {cpu: 1.5, memory: 2GiB, disk: 10G}}\n"
    asked = wanted(text).resources
    assert asked == {"cpu": "1500m", "memory": "2048Mi", "disk": "10000000000"}


CLASH = """
    box: busybox
    services:
      - redis
      - id: other/redis
        name: second
    build: {}
"""


def test_two_services_on_one_port_are_refused_with_their_lines() -> None:
    error = refused(CLASH)
    assert str(error).startswith("wercker.yml:5:")
    assert "redis (line 4) and second both listen on 6379/tcp" in str(error)
    assert error.hint
    assert "ports" in error.hint


def test_two_services_are_fine_once_one_names_another_port() -> None:
    found = wanted(CLASH.replace("name: second", "name: second\n        ports: 6380"))
    assert [each.ports for each in found.services] == [("6379/tcp",), ("6380/tcp",)]


IMPOSSIBLE = {
    "box: {id: node, user: node}\nbuild: {}": "has to be a number in a pod",
    "box: {id: node, user: '1:staff'}\nbuild: {}": "has to be a number in a pod",
    "box: node\nservices: [{id: redis, name: my_db}]\nbuild: {}": "it is no host name",
    "box: node\nservices: [{id: redis, name: DB}]\nbuild: {}": "it is no host name",
    "box: node\nservices: [{id: redis, url: 'file://other#build'}]\nbuild: {}": "own machine",
}


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_what_no_pod_can_hold_is_refused_in_words(text: str) -> None:
    assert IMPOSSIBLE[text] in str(refused(f"{text}\n"))


def test_a_step_that_needs_an_engine_is_refused_with_what_to_use_instead() -> None:
    text = "box: busybox\nbuild:\n  steps:\n    - internal/docker-push: {repository: a}\n"
    with pytest.raises(UserError, match="internal/docker-push is not possible in a pod") as raised:
        wanted(text)
    assert "docs/image-builds.md" in str(raised.value.hint)
