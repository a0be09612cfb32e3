"""Signatures, ignore files, archives and configs: formats that others read or wrote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from steersman.containers.docker import image_specs
from steersman.core import aws_signatures, dockerignores, image_archives
from steersman.core.image_archives import About, Platform
from steersman.core.image_changes import ImageChanges

NOW = datetime(2026, 5, 17, 8, 9, 10, tzinfo=UTC)


@pytest.mark.parametrize("body", [b"", b'{"registryIds": ["1"]}'])
def test_a_signature_is_the_one_that_amazons_own_library_makes(body: bytes) -> None:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "A.B"}
    key = aws_signatures.Key("AKIA", "s3cr/t+", "eu-west-1", "ecr")
    ours = aws_signatures.signed(key, "api.ecr.eu-west-1.amazonaws.com", headers, body, NOW)
    request = AWSRequest("POST", "https://api.ecr.eu-west-1.amazonaws.com/", headers, body)
    request.context["timestamp"] = ours["X-Amz-Date"]
    theirs = SigV4Auth(Credentials("AKIA", "s3cr/t+"), "ecr", "eu-west-1")
    request.headers["X-Amz-Date"] = ours["X-Amz-Date"]
    text = theirs.string_to_sign(request, theirs.canonical_request(request))
    assert ours["Authorization"].endswith(f"Signature={theirs.signature(text, request)}")


@pytest.mark.parametrize(
    ("text", "out", "kept"),
    [
        ("node_modules", "node_modules node_modules/a/b", "a/node_modules x"),
        ("*.log", "a.log", "a/b.log a.logs"),
        ("**/*.log", "a.log a/b/c.log", "a.txt"),
        ("a/**/z", "a/z a/b/c/z a/z/y", "b/z"),
        ("/a/./b/", "a/b a/b/c", "a/c"),
        ("a\n!a/keep", "a a/x", "a/keep a/keep/y"),
        ("!a\na", "a", "b"),
        ("# a\n\n  b  ", "b", "a #"),
        ("[ab].t?", "a.tx b.ty", "c.tx a.t"),
        ("*\n!src\nsrc/*.o", "x src/a.o", "src src/a.c"),
        ("\\*", "*", "a"),
    ],
)
def test_a_dockerignore_means_what_it_means_to_docker(text: str, out: str, kept: str) -> None:
    rules = dockerignores.parse(text)
    assert [name for name in out.split() if not rules.leaves_out(name)] == []
    assert [name for name in kept.split() if rules.leaves_out(name)] == []


def test_the_config_of_an_image_says_all_that_was_asked_for() -> None:
    changes = ImageChanges(
        cmd=("a",), env={"A": "1"}, labels={"l": "x"}, ports=("80/tcp",), user="1000",
        stop_signal="SIGINT", volumes=("/d",), working_dir="/w",
    )  # fmt: skip
    about = About(Platform("linux", "arm64"), NOW, author="me", message="why")
    config = json.loads(image_archives.config(changes, about, ["sha256:12"]))
    assert (config["architecture"], config["author"]) == ("arm64", "me")
    assert config["rootfs"] == {"type": "layers", "diff_ids": ["sha256:12"]}
    assert config["history"][0]["comment"] == "why"
    assert config["config"] == {
        "Cmd": ["a"], "Env": ["A=1"], "Labels": {"l": "x"}, "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/d": {}}, "WorkingDir": "/w", "User": "1000", "StopSignal": "SIGINT",
    }  # fmt: skip


def test_the_manifest_names_what_stands_beside_it() -> None:
    config = b"{}"
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    assert image_archives.names(config, ["sha256:12"]) == (name, ("12.tar",))
    (entry,) = json.loads(image_archives.manifest(config, ["sha256:12"], ["a/b:1"]))
    assert entry == {"Config": name, "RepoTags": ["a/b:1"], "Layers": ["12.tar"]}


IMAGE = {"Cmd": ["node"], "Entrypoint": ["/init"], "User": "node"}
BOX = {"Env": ["A=1", "B=2"], "User": "root"}


def commit(image: Mapping[str, object], **changes: object) -> dict[str, object]:
    return image_specs.commit(image, BOX, ImageChanges(**changes))  # type: ignore[arg-type]


def test_an_image_of_a_box_runs_what_the_boxs_image_ran() -> None:
    body = commit(IMAGE)
    assert (body["Entrypoint"], body["Cmd"], body["User"]) == (["/init"], ["node"], "node")


def test_an_entrypoint_does_away_with_the_images_command() -> None:
    body = commit(IMAGE, entrypoint=("/run",))
    assert (body["Entrypoint"], body["Cmd"]) == (["/run"], [])


def test_an_image_that_ran_nothing_runs_a_shell_and_never_our_session() -> None:
    body = commit({})
    assert (body["Entrypoint"], body["Cmd"], body["User"]) == ([], ["/bin/sh"], "0")


def test_podman_is_told_by_instructions_and_never_to_run_our_session() -> None:
    changes = ImageChanges(env={"A": "b c"}, labels={"l": "x=y"}, ports=("80/tcp",), user="u")
    body = image_specs.commit({}, BOX, changes)
    assert image_specs.instructions(body, changes) == [
        "ENV A=b c", "LABEL l=x=y", "EXPOSE 80/tcp", "ENTRYPOINT []", 'CMD ["/bin/sh"]', "USER u",
    ]  # fmt: skip


def test_variables_are_added_to_those_of_the_box() -> None:
    assert commit(IMAGE, env={"B": "3", "C": "4"})["Env"] == ["A=1", "B=3", "C=4"]
