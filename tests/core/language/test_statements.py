"""Every statement about wercker.yml that old files rely on: kept, or bettered under a name.

Each row is a text and what becomes of it. A row whose name says "not as before" differs from the
original on purpose.
"""

from __future__ import annotations

import pytest

from steersman.core.pipelines.model import StepKind
from tests.core.language.reading import (
    box,
    codes,
    config,
    parsed,
    pipeline,
    step,
    step_codes,
    steps,
)

TOP = "box: busybox\n"

# -- the document ------------------------------------------------------------------------------

DOCUMENTS = {
    "an empty file": ("", ["empty-file"]),
    "only comments": ("# nothing\n\n# yet\n", ["empty-file"]),
    "only null": ("null\n", ["empty-file"]),
    "only a document start": ("---\n", ["empty-file"]),
    "a scalar file (not as before: was accepted)": ("build\n", ["not-a-map"]),
    "a list file (not as before: was accepted)": ("- build\n", ["not-a-map"]),
    "an empty map": ("{}\n", ["no-pipelines"]),
    "a box and no pipeline": (TOP, ["no-pipelines"]),
    "a second document (not as before: was dropped in silence)": (
        TOP + "build: {}\n---\nother: {}\n",
        ["second-document"],
    ),
    "a document end mark": (TOP + "build: {}\n...\n", []),
    "a document start mark": ("---\n" + TOP + "build: {}\n", []),
    "duplicate keys (not as before: the last won)": (
        TOP + "build: {}\nbuild: {docker: true}\n",
        ["duplicate-key"],
    ),
    "duplicate keys in a step": (
        TOP + "build:\n  steps:\n    - script: {code: a, code: b}\n",
        ["duplicate-key"],
    ),
    "case of keys matters": ("Box: busybox\nbuild: {}\n", ["not-a-pipeline", "no-box"]),
    "no final newline": (TOP + "build: {}", []),
    "carriage returns": ("box: busybox\r\nbuild: {}\r\n", []),
    "a byte order mark": ("\ufeffbox: busybox\nbuild: {}\n", []),
    "a whole document indented": ("  box: busybox\n  build: {}\n", []),
}


@pytest.mark.parametrize(("text", "expected"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_document_is_read_or_its_mistake_is_named(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


# -- the top level -----------------------------------------------------------------------------

TOP_LEVEL = {
    "command-timeout as a number": ("command-timeout: 30", "command_timeout", 30.0),
    "command-timeout over 60 (not as before: was capped)": (
        "command-timeout: 300",
        "command_timeout",
        300.0,
    ),
    "a quoted timeout (not as before: was dropped)": (
        "command-timeout: '7'",
        "command_timeout",
        7.0,
    ),
    "a fraction (not as before: was cut)": ("no-response-timeout: 1.5", "no_response_timeout", 1.5),
    "source-dir": ("source-dir: app/src", "source_dir", "app/src"),
    "source-dir is a raw text": ("source-dir: 010", "source_dir", "010"),
    "ignore-file": ("ignore-file: .dockerignore", "ignore_file", ".dockerignore"),
}


@pytest.mark.parametrize(("line", "field", "value"), TOP_LEVEL.values(), ids=TOP_LEVEL.keys())
def test_a_key_of_the_file_is_read(line: str, field: str, value: object) -> None:
    assert getattr(config(f"{TOP}build: {{}}\n{line}\n"), field) == value


@pytest.mark.parametrize("name", ["on", "5", "yes", "my tests", "Build", "true", "1.10", "~x"])
def test_any_other_key_is_a_pipeline_under_the_text_written(name: str) -> None:
    assert list(config(f"{TOP}{name}: {{}}\n").pipelines) == [name]


def test_a_pipeline_may_stand_above_the_box_and_between_keys_of_the_file() -> None:
    found = config("build: {}\nbox: busybox\ndeploy: {}\nservices: [redis]\n")
    assert list(found.pipelines) == ["build", "deploy"]
    assert [service.id for service in found.pipelines["build"].services] == ["redis"]


# A type error was ignored, or made a whole pipeline vanish; now each is named.
TYPE_ERRORS = {
    "services as a map of services": (
        "services: {a: b}",
        ["not-a-list", "no-image", "unknown-key"],
    ),
    "workflows as a map": ("workflows: {a: b}", ["wrong-type"]),
    "workflows as a text": ("workflows: all", ["wrong-type"]),
    "a timeout that is no number": ("command-timeout: soon", ["wrong-type"]),
    "a timeout of zero": ("command-timeout: 0", ["wrong-type"]),
    "a negative timeout": ("command-timeout: -1", ["wrong-type"]),
    "an infinite timeout": ("command-timeout: .inf", ["wrong-type"]),
    "a timeout as a list": ("no-response-timeout: [1]", ["wrong-type"]),
    "an empty timeout": ("command-timeout:", ["wrong-type"]),
    "source-dir as a list": ("source-dir: [a]", ["wrong-type"]),
    "source-dir outside": ("source-dir: ../x", ["bad-path"]),
    "an absolute source-dir": ("source-dir: /x", ["bad-path"]),
    "an empty ignore-file": ("ignore-file:", ["empty"]),
    "an unknown key with a text": ("foo: bar", ["not-a-pipeline"]),
    "an unknown key with a list": ("foo: [a]", ["not-a-pipeline"]),
    "a misspelled key": ("workflow: []", ["not-a-pipeline"]),
    "steps at the top": ("steps: [npm-test]", ["not-a-pipeline"]),
    "id at the top": ("id: node", ["not-a-pipeline"]),
    "a null pipeline": ("deploy:", ["empty-pipeline"]),
    "an empty name": ("'': {}", ["bad-name"]),
}


@pytest.mark.parametrize(("line", "expected"), TYPE_ERRORS.values(), ids=TYPE_ERRORS.keys())
def test_a_mistake_at_the_top_is_named(line: str, expected: list[str]) -> None:
    assert codes(f"{TOP}build: {{}}\n{line}\n") == expected


def test_anchor_holders_begin_with_x_and_are_ignored_at_every_level() -> None:
    text = """
        x-steps: &common
          - script: {code: make}
        box: {id: busybox, x-note: [a]}
        build:
          x-old: 5
          steps: *common
        deploy:
          steps:
            - script:
                code: a
                x-note: {b: c}
    """
    found = config(text)
    assert list(found.pipelines) == ["build", "deploy"]
    assert found.pipelines["build"].steps[0].properties == {"code": "make"}
    assert found.pipelines["deploy"].steps[0].properties == {"code": "a"}
    assert found.pipelines["build"].targets == {}


# -- pipelines ---------------------------------------------------------------------------------


def test_an_empty_map_is_a_pipeline_without_steps() -> None:
    assert pipeline(f"{TOP}build: {{}}\n").steps == ()


def test_the_box_of_a_pipeline_replaces_that_of_the_file_as_a_whole() -> None:
    text = "box: {id: a, env: {X: 1}}\nbuild: {box: {id: b}}\ntest: {}\n"
    found = config(text).pipelines
    assert (found["build"].box, found["test"].box) != (None, None)
    assert [(p.box.id, dict(p.box.env)) for p in found.values() if p.box] == [
        ("b", {}),
        ("a", {"X": "1"}),
    ]


SERVICES = {
    "inherited": ("build: {}", ["redis"]),
    "replaced": ("build: {services: [postgres:15]}", ["postgres:15"]),
    "none by an empty list": ("build: {services: []}", []),
    "inherited by null": ("build: {services: }", ["redis"]),
}


@pytest.mark.parametrize(("line", "expected"), SERVICES.values(), ids=SERVICES.keys())
def test_services_of_a_pipeline(line: str, expected: list[str]) -> None:
    found = pipeline(f"{TOP}services: [redis]\n{line}\n")
    assert [service.id for service in found.services] == expected


PIPELINE_FIELDS = {
    "base-path": ("base-path: /go/src/app", "base_path", "/go/src/app"),
    "one slash at its end is dropped": ("base-path: /go/src/app/", "base_path", "/go/src/app"),
    "docker": ("docker: true", "docker", True),
    "docker off": ("docker: false", "docker", False),
    "docker quoted (not as before: the pipeline vanished)": ("docker: 'true'", "docker", True),
    "docker in words of YAML 1.1": ("docker: yes", "docker", True),
    "timeouts of a pipeline (ours)": ("command-timeout: 2.5", "command_timeout", 2.5),
    "silence of a pipeline (ours)": ("no-response-timeout: 2", "no_response_timeout", 2.0),
}


@pytest.mark.parametrize(
    ("line", "field", "value"), PIPELINE_FIELDS.values(), ids=PIPELINE_FIELDS.keys()
)
def test_a_key_of_a_pipeline_is_read(line: str, field: str, value: object) -> None:
    assert getattr(pipeline(f"{TOP}build:\n  {line}\n"), field) == value


def test_after_steps_are_steps() -> None:
    found = pipeline(f"{TOP}build:\n  after-steps:\n    - slack-notifier: {{url: $U}}\n")
    assert [step.name for step in found.after_steps] == ["slack-notifier"]


def test_any_other_list_is_a_deploy_target() -> None:
    text = f"""{TOP}deploy:
  heroku:
    - heroku-deploy
  Aws-Production:
    - script: {{code: a}}
    - script:
      name: flat
      code: b
"""
    found = pipeline(text, "deploy")
    assert found.steps == ()
    assert [step.display_name for step in found.targets["Aws-Production"]] == ["script", "flat"]
    assert [step.id for step in found.targets["heroku"]] == ["heroku-deploy"]


def test_a_flattened_step_in_a_target_keeps_its_id_unlike_before() -> None:
    found = pipeline(f"{TOP}deploy:\n  t:\n    - script:\n      code: x\n", "deploy")
    assert found.targets["t"][0].properties == {"code": "x"}


PIPELINE_ERRORS = {
    "no box anywhere": ("build: {}", ["no-box"]),
    "a text as a target": ("box: b\nbuild: {heroku: x}", ["unknown-key"]),
    "a map as a target": ("box: b\nbuild: {heroku: {a: b}}", ["unknown-key"]),
    "a null target is an empty list": ("box: b\nbuild: {heroku: }", ["empty"]),
    "a misspelled list is doubted": ("box: b\nbuild: {after_steps: [x]}", ["unknown-key"]),
    "null steps": ("box: b\nbuild: {steps: }", ["empty"]),
    "a text as steps": ("box: b\nbuild: {steps: npm-test}", ["wrong-type"]),
    "a map as steps": ("box: b\nbuild: {steps: {script: {code: x}}}", ["wrong-type"]),
    "docker as a number": ("box: b\nbuild: {docker: 2}", ["wrong-type"]),
    "a relative base-path": ("box: b\nbuild: {base-path: app}", ["bad-path"]),
    "the root as base-path": ("box: b\nbuild: {base-path: /}", ["bad-path"]),
    "base-path over our files": ("box: b\nbuild: {base-path: /pipeline/}", ["bad-path"]),
    "base-path with dots": ("box: b\nbuild: {base-path: /a/../..}", ["bad-path"]),
    "an empty box at the top": ("box:\nbuild: {}", ["empty"]),
    "an empty box in a pipeline inherits": ("box: b\nbuild: {box: }", ["empty"]),
    "a pipeline as a list": ("box: b\nbuild: [a]", ["not-a-pipeline"]),
    "a pipeline as a text": ("box: b\nbuild: x", ["not-a-pipeline"]),
}


@pytest.mark.parametrize(("text", "expected"), PIPELINE_ERRORS.values(), ids=PIPELINE_ERRORS.keys())
def test_a_mistake_in_a_pipeline_is_named(text: str, expected: list[str]) -> None:
    assert codes(text + "\n") == expected


# -- boxes and services ------------------------------------------------------------------------

BOXES = {
    "a name": ("alpine:3.8", "id", "alpine:3.8"),
    "a map": ("{id: alpine}", "id", "alpine"),
    "a number as a name": ("5", "id", "5"),
    "a boolean word as a name": ("yes", "id", "yes"),
    "a tag keeps its text": ("{id: golang, tag: 1.10}", "tag", "1.10"),
    "a whole number as a tag": ("{id: node, tag: 8}", "tag", "8"),
    "an octal tag keeps its text": ("{id: node, tag: 010}", "tag", "010"),
    "a password keeps its text": ("{id: a, password: yes}", "password", "yes"),
    "cmd is split": ("{id: a, cmd: /bin/bash -l}", "cmd", ("/bin/bash", "-l")),
    "cmd with quotes": ("{id: a, cmd: \"sh -c 'a b'\"}", "cmd", ("sh", "-c", "a b")),
    "cmd as a list (not as before)": ("{id: a, cmd: [sh, -c, a b]}", "cmd", ("sh", "-c", "a b")),
    "no cmd": ("{id: a}", "cmd", None),
    "an empty cmd": ("{id: a, cmd: ''}", "cmd", ()),
    "entrypoint is split": ("{id: a, entrypoint: /bin/x y}", "entrypoint", ("/bin/x", "y")),
    "env keeps the case of names (not as before)": (
        "{id: a, env: {Path_x: 1.0}}",
        "env",
        {"Path_x": "1.0"},
    ),
    "env keeps words": ("{id: a, env: {A: yes, B: 010}}", "env", {"A": "yes", "B": "010"}),
    "a null variable is empty": ("{id: a, env: {A: }}", "env", {"A": ""}),
    "names with points are allowed": (
        "{id: a, env: {discovery.type: single-node}}",
        "env",
        {"discovery.type": "single-node"},
    ),
    "ports": ("{id: a, ports: ['3000:3000', 8080]}", "ports", ("3000:3000", "8080")),
    "one port": ("{id: a, ports: 8080}", "ports", ("8080",)),
    "a port without quotes is no base-60 number": ("{id: a, ports: [80:90]}", "ports", ("80:90",)),
    "ports with address and protocol": (
        "{id: a, ports: ['127.0.0.1:8004:8003/udp', '127.0.0.1::8002']}",
        "ports",
        ("127.0.0.1:8004:8003/udp", "127.0.0.1::8002"),
    ),
    "volumes": ("{id: a, volumes: /a:/b /c}", "volumes", "/a:/b /c"),
    "volumes as a list (not as before)": ("{id: a, volumes: [/a, /b]}", "volumes", "/a /b"),
    "user (ours)": ("{id: a, user: 1000}", "user", "1000"),
    "a registry": ("{id: a, registry: https://quay.io/v2}", "registry", "https://quay.io/v2"),
    "Amazon's login": (
        "{id: a, aws-access-key: $A, aws-secret-key: $B, aws-region: eu, aws-registry-id: 012}",
        "auth",
        {
            "aws-access-key": "$A",
            "aws-secret-key": "$B",
            "aws-region": "eu",
            "aws-registry-id": "012",
        },
    ),
    "aws-strict-auth": ("{id: a, aws-strict-auth: true}", "auth", {"aws-strict-auth": "true"}),
    "a registry with a port (not as before: mis-split)": (
        "localhost:5000/foo:1",
        "id",
        "localhost:5000/foo:1",
    ),
    "a variable": ("$IMAGE:$TAG", "id", "$IMAGE:$TAG"),
    "a digest (not as before: refused)": (
        "busybox@sha256:" + "a" * 64,
        "id",
        "busybox@sha256:" + "a" * 64,
    ),
}


@pytest.mark.parametrize(("text", "field", "value"), BOXES.values(), ids=BOXES.keys())
def test_a_field_of_a_box_is_read(text: str, field: str, value: object) -> None:
    assert getattr(box(text), field) == value


BOX_ERRORS = {
    "a classic box": ("owner/name@0.1.2", ["classic-box"]),
    "a classic name is doubted": ("wercker/nodejs", ["classic-box"]),
    "Wercker's registry is doubted": ("wcr.io/a/b", ["registry-gone"]),
    "capital letters": ("Owner/Name", ["bad-image"]),
    "a bad tag": ("{id: a, tag: 'x y'}", ["bad-image"]),
    "an address": ("https://hub.docker.com/a", ["bad-image"]),
    "blanks": ("'a b'", ["bad-image"]),
    "no image": ("{cmd: sh}", ["no-image"]),
    "an empty map": ("{}", ["empty"]),
    "an empty text": ("''", ["empty"]),
    "a list": ("[a]", ["wrong-type"]),
    "an unknown field": ("{id: a, imag: b}", ["unknown-key"]),
    "an open quote in cmd": ('{id: a, cmd: "sh \'x"}', ["unclosed-quote"]),
    "cmd as a map": ("{id: a, cmd: {b: c}}", ["wrong-type"]),
    "a tag as a list": ("{id: a, tag: [b]}", ["wrong-type"]),
    "a null field": ("{id: a, tag: }", ["empty"]),
    "env as a list": ("{id: a, env: [A=b]}", ["wrong-type"]),
    "a list as a variable": ("{id: a, env: {A: [b]}}", ["wrong-type"]),
    "a bad name of a variable": ("{id: a, env: {'A B': c}}", ["bad-variable"]),
    "a bad port": ("{id: a, ports: [http]}", ["bad-port"]),
    "half a login": ("{id: a, aws-access-key: k}", ["partial-login"]),
    "a bad host name": ("{id: a, name: 'a b'}", ["bad-name"]),
    "an unused url": ("{id: a, url: 'http://x'}", ["url-ignored"]),
}


@pytest.mark.parametrize(("text", "expected"), BOX_ERRORS.values(), ids=BOX_ERRORS.keys())
def test_a_mistake_in_a_box_is_named(text: str, expected: list[str]) -> None:
    assert codes(f"box: {text}\nbuild: {{}}\n") == expected


SERVICE_ERRORS = {
    "one text": ("redis", ["not-a-list"]),
    "one map": ("{id: redis}", ["not-a-list"]),
    "a null service": ("[~]", ["empty"]),
    "a list in the list": ("[[redis]]", ["wrong-type"]),
    "two of one name": ("[redis, 'redis:7']", ["duplicate-service"]),
    "two of one image with names": ("[redis, {id: redis, name: cache}]", []),
    "built from a folder": ("[{url: 'file://../db#build', name: db}]", []),
}


@pytest.mark.parametrize(("text", "expected"), SERVICE_ERRORS.values(), ids=SERVICE_ERRORS.keys())
def test_a_mistake_in_services_is_named(text: str, expected: list[str]) -> None:
    assert codes(f"{TOP}services: {text}\nbuild: {{}}\n") == expected


# -- steps -------------------------------------------------------------------------------------

SHAPES = {
    "a text": ("- npm-install", ("npm-install", {})),
    "a number": ("- 5", ("5", {})),
    "a map": ("- install-packages: {packages: git}", ("install-packages", {"packages": "git"})),
    "a map with an empty map": ("- npm-test: {}", ("npm-test", {})),
    "flattened": (
        "- kubectl:\n  server: s\n  token: t",
        ("kubectl", {"server": "s", "token": "t"}),
    ),
    "flattened, written deeper": ("-   kubectl:\n    server: s", ("kubectl", {"server": "s"})),
    "an internal step": ("- internal/shell", ("internal/shell", {})),
}


@pytest.mark.parametrize(("text", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_a_step_of_any_shape_is_read(text: str, expected: tuple[str, dict[str, str]]) -> None:
    found = step(text)
    assert (found.id, dict(found.properties)) == expected


def test_name_cwd_and_checkpoint_are_no_properties_in_any_shape() -> None:
    nested, flat = steps("""
        - pip-install: {name: deps, cwd: app, checkpoint: c, packages_list: x}
        - pip-install:
          name: deps
          cwd: app
          checkpoint: c
          packages_list: x
    """)
    for found in (nested, flat):
        assert (found.display_name, found.cwd, found.checkpoint) == ("deps", "app", "c")
        assert found.properties == {"packages_list": "x"}


STEP_ERRORS = {
    "a null step": ("-", ["empty-step"]),
    "an empty map": ("- {}", ["empty-step"]),
    "a list": ("- - a", ["wrong-type"]),
    "a script alone": ("- script", ["no-code"]),
    "a script with a colon": ("- script:", ["no-code"]),
    "a script with a text": ("- script: npm test", ["no-code"]),
    "a script without code": ("- script: {name: a}", ["no-code"]),
    "a script with blank code": ("- script: {code: '  '}", ["no-code"]),
    "a colon and nothing": ("- npm-install:", ["empty-step"]),
    "a text as properties": ("- npm-install: fast", ["wrong-type"]),
    "a list as properties": ("- npm-install: [fast]", ["wrong-type"]),
    "a command line": ("- npm test", ["bad-step-id"]),
    "an address in single quotes": ("- a 'https://x/y'", ["bad-step-id"]),
    "an address without quotes": ("- a https://x/y", ["bad-step-id"]),
    "an address of no known scheme": ('- a "ftp://x/y"', ["bad-step-id"]),
    "an open quote": ('- a "https://x/y', ["bad-step-id"]),
    "a name first": ("- name: a\n  script:\n  code: b", ["no-step-id"]),
    "properties at two depths": ("- script:\n    code: a\n  name: b", ["mixed-step"]),
    "a text beside properties": ("- script: a\n  name: b", ["mixed-step"]),
    "an owner too many": ("- a/b/c", ["bad-step-id"]),
    "an empty version": ("- a@", ["bad-step-id"]),
    "a map as a property": ("- a: {b: {c: d}}", ["wrong-type"]),
    "a list of maps as a property": ("- a: {b: [{c: d}]}", ["wrong-type"]),
    "a property that cannot be a variable": ("- a: {'b c': d}", ["bad-property"]),
    "two spellings of one property": ("- a: {b-c: 1, b_c: 2}", ["same-variable"]),
    "an unknown internal step": ("- internal/docker-pusch: {a: b}", ["unknown-step"]),
    "an internal step with a version": ("- internal/docker-push@1: {a: b}", ["unknown-step"]),
    "a push without repository": ("- internal/docker-push: {tag: x}", ["missing-property"]),
    "a push with an unknown property": (
        "- internal/docker-push: {repository: a, port: 80}",
        ["unknown-property"],
    ),
    "a build without image-name": ("- internal/docker-build", ["missing-property"]),
    "a run without anything": ("- internal/docker-run", ["missing-property", "missing-property"]),
    "a kill without name": ("- internal/docker-kill", ["missing-property"]),
}


@pytest.mark.parametrize(("text", "expected"), STEP_ERRORS.values(), ids=STEP_ERRORS.keys())
def test_a_mistake_in_a_step_is_named(text: str, expected: list[str]) -> None:
    assert step_codes(text) == expected


# What a property becomes, by the text written.
VALUES = {
    "text": "text",
    "0x10": "16",
    "010": "8",
    "0b11": "3",
    "1_000": "1000",
    "-3": "-3",
    "+5": "5",
    "0": "0",
    "true": "true",
    "Yes": "true",
    "y": "true",
    "ON": "true",
    "n": "false",
    "Off": "false",
    "FALSE": "false",
    "1.10": "1.10",
    "1e3": "1e3",
    ".5": ".5",
    "9223372036854775807": "9223372036854775807",
    "9223372036854775808": "9223372036854775808",
    "08": "08",
    "~": "",
    "": "",
    "null": "",
    "2001-01-01": "2001-01-01",
    "1:30": "1:30",
    "'010'": "010",
    '"yes"': "yes",
    "'1.10'": "1.10",
    "!!str 010": "010",
    "yEs": "yEs",
    "0x": "0x",
    "[git, 010, yes]": "git 8 true",
    "[]": "",
    "$HOME/x": "$HOME/x",
}


@pytest.mark.parametrize(("written", "expected"), VALUES.items())
def test_a_property_has_the_type_of_yaml_and_loses_nothing(written: str, expected: str) -> None:
    assert step(f"- a:\n    value: {written}").properties == {"value": expected}


def test_typing_holds_for_names_and_folders_of_steps_too() -> None:
    found = step("- a: {name: n, cwd: 5}")
    assert (found.display_name, found.cwd) == ("false", "5")


def test_code_may_be_a_list_of_lines() -> None:
    assert step("- script: {code: [a b, 'c']}").properties == {"code": "a b\nc"}


def test_words_of_an_internal_step_stay_words() -> None:
    found = step("- internal/docker-push: {repository: r, cmd: [sh, -c, a b]}")
    assert found.properties["cmd"] == "sh -c 'a b'"


MERGES = {
    "a map": "- script: {<<: *defaults, code: make}",
    "a list of maps": "- script: {<<: [{cwd: app}, *defaults], code: make}",
    "flattened": "- script:\n  <<: *defaults\n  code: make",
    "before the id": "- <<: *defaults\n  script:\n  code: make",
    "what is written wins": "- script: {code: make, <<: {code: other, cwd: app}}",
}


@pytest.mark.parametrize("text", MERGES.values(), ids=MERGES.keys())
def test_merge_keys_work_in_steps_unlike_before(text: str) -> None:
    lines = "\n".join("    " + line for line in text.splitlines())
    text = f"x-d: &defaults {{cwd: app}}\n{TOP}build:\n  steps:\n{lines}\n"
    (found,) = pipeline(text).steps
    assert (found.id, found.cwd, dict(found.properties)) == ("script", "app", {"code": "make"})


# -- names of steps ----------------------------------------------------------------------------

NAMES = {
    "no owner": ("npm-test", ("wercker", "npm-test", "*", None)),
    "an owner": ("arjen/hugo-build", ("arjen", "hugo-build", "*", None)),
    "a version": ("s3sync@0.1.0-alpha2", ("wercker", "s3sync", "0.1.0-alpha2", None)),
    "all": ("lukevivier/gh-pages@0.2.1", ("lukevivier", "gh-pages", "0.2.1", None)),
    "an address": ('tool "https://x.org/a.tgz"', ("wercker", "tool", "*", "https://x.org/a.tgz")),
    "an address in back quotes": ("o/t `file:///a b`", ("o", "t", "*", "file:///a b")),
    "text after the address": ('t "file://x" more', ("wercker", "t", "*", "file://x")),
    "escapes in the address": (
        r't "file://\x41\u00e9\"\n"',
        ("wercker", "t", "*", 'file://A\xe9"\n'),
    ),
    "any owner's script": ("me/script", ("me", "script", "*", None)),
}


@pytest.mark.parametrize(("text", "expected"), NAMES.values(), ids=NAMES.keys())
def test_the_id_of_a_step_is_taken_apart(
    text: str, expected: tuple[str, str, str, str | None]
) -> None:
    quoted = "'" + text + "'"
    found = step(f"- {quoted}: {{code: x}}")
    assert (found.owner, found.name, found.version, found.url) == expected


KINDS = {
    "script": StepKind.SCRIPT,
    "me/script@2": StepKind.SCRIPT,
    "internal/watch": StepKind.INTERNAL,
    "npm-test": StepKind.FETCHED,
}


@pytest.mark.parametrize(("text", "kind"), KINDS.items())
def test_the_kind_of_a_step_is_read_off_its_id(text: str, kind: StepKind) -> None:
    assert step(f"- {text}: {{code: x}}").kind is kind


TITLES = {
    "internal/docker-push: {repository: a}": "docker push",
    "internal/docker-scratch-push: {repository: a}": "docker scratch'n'push",
    "internal/docker-build: {image-name: a, name: own}": "own",
    "internal/docker-run: {name: db, image: b}": "docker run",
    "internal/docker-kill: {name: db}": "docker kill",
    "internal/store-container: {}": "store container",
    "internal/publish-step: {}": "publish-step",
    "npm-test: {}": "npm-test",
    "npm-test: {name: my tests}": "my tests",
    "npm-test: {name: }": "npm-test",
}


@pytest.mark.parametrize(("text", "title"), TITLES.items())
def test_a_step_is_shown_under_its_name_or_a_fixed_one(text: str, title: str) -> None:
    assert step(f"- {text}").display_name == title


def test_the_name_of_a_container_stays_a_property() -> None:
    assert step("- internal/docker-kill: {name: db}").properties == {"name": "db"}


# -- the original's own trouble ----------------------------------------------------------------


def test_all_mistakes_of_a_file_are_found_at_once_with_their_places() -> None:
    text = "box: Bad\nbuild:\n  steps:\n    - script:\n    - npm test\n  dokcer: true\ndeploy:\n"
    assert [(str(p.place), p.code) for p in parsed(text).problems] == [
        ("wercker.yml:1:6", "bad-image"),
        ("wercker.yml:4:7", "no-code"),
        ("wercker.yml:5:7", "bad-step-id"),
        ("wercker.yml:6:3", "unknown-key"),
        ("wercker.yml:7:1", "empty-pipeline"),
    ]


def test_a_mistake_behind_an_anchor_is_reported_once() -> None:
    text = f"x-s: &s [script]\n{TOP}build: {{steps: *s}}\ndeploy: {{steps: *s}}\n"
    assert codes(text) == ["no-code"]
