"""Internal steps against a real engine and real registries, as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import registries
from tests.e2e.program import end, left_at_engine, project, run_ids, started, steer
from tests.e2e.registries import PASSWORD, USER, Registry

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("engine")]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registries.running(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registries.with_login(tmp_path_factory.mktemp("locked")) as found:
        yield found


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=True)
    return done.stdout


def pipeline(*steps: str, head: str = "") -> str:
    """Write a file whose pipeline is of *steps*, each a step in one line or more."""
    lines = "".join(f"    - {step}\n" for step in steps)
    return f"box: busybox\nbuild:\n{head}  steps:\n{lines}"


def config_json(folder: Path, **data: object) -> str:
    """Write a config.json of the docker command, and return its folder."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(data))
    return str(folder)


def helper(folder: Path, host: str) -> tuple[str, str]:
    """Make a credential helper, and return DOCKER_CONFIG and PATH that lead to it."""
    said = json.dumps({"ServerURL": host, "Username": USER, "Secret": PASSWORD})
    config = config_json(folder, credHelpers={host: "robots"})
    program = folder / "docker-credential-robots"
    program.write_text(f"#!/bin/sh\n[ \"$1 $(cat)\" = 'get {host}' ] && echo '{said}'\n")
    program.chmod(0o755)
    return config, f"{folder}:{os.environ['PATH']}"


def test_the_box_is_pushed_with_all_that_was_asked_for_and_nothing_of_ours(
    tmp_path: Path, registry: Registry
) -> None:
    text = pipeline(
        "script: {code: 'echo made >/made; export TAG=one WORDS=\"a b\"'}",
        f"""internal/docker-push:
        repository: {registry.host}/Team/App
        tag: $TAG, two
        cmd: cat /made
        env: A=$WORDS FIXED='x y'
        labels: from=$TAG url=http://x/?a=b
        ports: [8080, 53/udp]
        volumes: /data
        working-dir: /pipeline
        user: nobody
        stopsignal: SIGINT
        author: me
        message: why""",
        head="  services: [{id: redis:7}]\n",
    )
    folder = project(tmp_path / "p", text)
    ended = steer("build", cwd=folder)
    assert ended.code == 0, ended.err
    assert registry.tags("team/app") == {"one", "two"}
    config = registry.config("team/app", "one")
    said = config["config"]
    assert {"A=a b", "FIXED=x y"} < set(said["Env"])
    assert not [one for one in said["Env"] if "REDIS" in one or "WERCKER" in one]
    assert said["Labels"] == {"from": "one", "url": "http://x/?a=b"}
    assert (said["Cmd"], said.get("Entrypoint") or []) == (["cat", "/made"], [])
    assert set(said["ExposedPorts"]) == {"8080/tcp", "53/udp"}
    assert (said["Volumes"], said["WorkingDir"]) == ({"/data": {}}, "/pipeline")
    assert (said["User"], said["StopSignal"]) == ("nobody", "SIGINT")
    assert (config["author"], config["history"][-1]["comment"]) == ("me", "why")
    registries.forget(registry.host)
    assert docker("run", "--rm", f"{registry.host}/team/app:two") == "made\n"
    assert left_at_engine(run_ids(folder)) == []


def test_a_killed_run_whose_box_was_to_be_pushed_leaves_nothing_to_the_next(
    tmp_path: Path, registry: Registry
) -> None:
    push = f"internal/docker-push: {{repository: {registry.host}/never}}"
    slow = pipeline("script: {code: echo begun; sleep 600}", push)
    folder = project(tmp_path / "p", slow)
    with started("build", cwd=folder, until="begun") as process:
        (run,) = run_ids(folder)
        labels = docker("inspect", "--format", "{{.Config.Labels}}", f"steersman-{run}")
        assert labels == "map[]\n", "what is started from the image would look like a leftover"
        end(process, signal.SIGKILL)
    assert docker("ps", "-aq", "--filter", f"name=steersman-{run}")
    project(folder, pipeline("script: {code: echo hi}"))
    assert steer("build", cwd=folder).code == 0
    assert not docker("ps", "-aq", "--filter", f"name=steersman-{run}")
    assert left_at_engine({run}) == []


def test_a_login_is_needed_and_its_password_is_never_shown(
    tmp_path: Path, locked: Registry
) -> None:
    push = f"""internal/docker-push:
        repository: app
        registry: https://{locked.host}/v1
        username: {USER}
        password: $PASS"""
    folder = project(tmp_path / "p", pipeline("script: {code: echo x}", push))
    wrong = steer("build", cwd=folder, XXX_PASS="wrong one")
    assert wrong.code == 1
    assert f"{locked.host}/app:latest cannot be pushed (as {USER})" in wrong.err
    assert "wrong one" not in wrong.out + wrong.err
    right = steer("build", "--debug", cwd=folder, XXX_PASS=PASSWORD)
    assert right.code == 0, right.err
    assert PASSWORD not in right.out + right.err
    assert locked.tags("app") == {"latest"}


def test_the_logins_of_the_docker_command_count_for_pushes_builds_and_pulls(
    tmp_path: Path, locked: Registry
) -> None:
    push = f"internal/docker-push: {{repository: {locked.host}/mine}}"
    folder = project(tmp_path / "p", pipeline("script: {code: echo mine >/mine}", push))
    nobody = config_json(tmp_path / "nobody")
    refused = steer("build", cwd=folder, DOCKER_CONFIG=nobody)
    assert refused.code == 1
    assert "cannot be pushed (without a login)" in refused.err
    me = config_json(tmp_path / "me", auths={locked.host: {"auth": registries.basic()}})
    assert steer("build", cwd=folder, DOCKER_CONFIG=me).code == 0
    registries.forget(locked.host)
    text = f"box: {locked.host}/mine\nbuild:\n  steps:\n    - script: {{code: cat /mine}}\n"
    config, path = helper(tmp_path / "helped", locked.host)
    pulled = steer("build", cwd=project(tmp_path / "q", text), DOCKER_CONFIG=config, PATH=path)
    assert (pulled.code, pulled.out) == (0, "mine\n"), pulled.err
    registries.forget(locked.host)
    build = "internal/docker-build: {image-name: next}"
    files = {"Dockerfile": f"FROM {locked.host}/mine\nRUN cat /mine\n"}
    folder = project(tmp_path / "r", pipeline(build), files)
    built = steer("build", cwd=folder, DOCKER_CONFIG=config, PATH=path)
    assert built.code == 0, built.err


def test_a_registry_that_wants_tokens_as_the_hub_does_gets_them(tmp_path: Path) -> None:
    with registries.with_tokens(tmp_path) as (registry, users):
        push = f"""internal/docker-scratch-push:
        repository: {registry.host}/team/app
        username: {USER}
        password: $PASS"""
        step = "script: {code: echo x >$WERCKER_OUTPUT_DIR/x}"
        folder = project(tmp_path / "p", pipeline(step, push))
        ended = steer("build", cwd=folder, XXX_PASS=PASSWORD)
    assert ended.code == 0, ended.err
    assert "pushed" in ended.out
    assert set(users) == {USER}


def test_an_image_is_built_run_asked_killed_and_pushed(tmp_path: Path, registry: Registry) -> None:
    text = pipeline(
        "script: {code: 'echo step >app/made; echo no >app/left-out'}",
        """internal/docker-build:
        image-name: app
        context: app
        dockerfile: docker/File
        build-args: WHO="a=b c"
        labels: from=build
        extra-hosts: far:10.1.2.3""",
        """internal/docker-run:
        name: side
        image: app
        cmd: sh -c 'id -u; echo $WERCKER_PIPELINE_NAME; exec httpd -f -p 8080 -h /app'
        working-dir: /app
        user: 1234""",
        "script: {code: 'wget -qO - http://side:8080/who http://side:8080/made'}",
        "internal/docker-kill: {name: side}",
        "script: {code: '! wget -qO - -T 2 http://side:8080/who 2>/dev/null'}",
        f"internal/docker-push: {{repository: {registry.host}/built, image-name: app}}",
        head="  base-path: /elsewhere/of/it\n",
    )
    dockerfile = """FROM busybox
ARG WHO
COPY . /app
RUN echo "$WHO" >/app/who && grep far /etc/hosts && [ ! -e /app/left-out ]
"""
    files = {"app/docker/File": dockerfile, "app/.dockerignore": "left-out\ndocker\n"}
    folder = project(tmp_path / "p", text, files)
    ended = steer("build", cwd=folder)
    assert ended.code == 0, ended.out + ended.err
    assert "a=b c\nstep\n" in ended.out
    assert "container side printed:\n1234\n" in ended.out
    assert registry.config("built")["config"]["Labels"] == {"from": "build"}
    (run,) = run_ids(folder)
    assert not docker("images", "-q", f"{run}app")
    assert left_at_engine({run}) == []


def test_a_build_that_fails_fails_the_step_in_the_engines_words(tmp_path: Path) -> None:
    text = pipeline("internal/docker-build: {image-name: app}", "script: {code: echo never}")
    text += "  after-steps:\n    - script: {code: 'echo after $WERCKER_FAILED_STEP_DISPLAY_NAME'}\n"
    files = {"Dockerfile": "FROM busybox\nRUN echo said; exit 3\n"}
    ended = steer("build", cwd=project(tmp_path / "p", text, files))
    assert ended.code == 1
    assert "said" in ended.out
    assert "never" not in ended.out
    assert "after docker build" in ended.out
    assert "returned a non-zero code: 3" in ended.err


def test_an_image_from_scratch_holds_the_output_and_its_config_all_that_was_asked_for(
    tmp_path: Path, registry: Registry
) -> None:
    text = pipeline(
        "script: {code: 'mkdir $WERCKER_OUTPUT_DIR/bin; cp /bin/busybox $WERCKER_OUTPUT_DIR/bin'}",
        f"""internal/docker-scratch-push:
        repository: {registry.host}/scratch
        entrypoint: /bin/busybox
        cmd: ls /
        labels: a=b
        user: 1000
        author: me""",
    )
    ended = steer("build", cwd=project(tmp_path / "p", text))
    assert ended.code == 0, ended.err
    config = registry.config("scratch")
    assert (config["author"], config["config"]["User"]) == ("me", "1000")
    assert config["config"]["Labels"] == {"a": "b"}
    registries.forget(registry.host)
    listed = docker("run", "--rm", f"{registry.host}/scratch").split()
    assert set(listed) == {"bin", "dev", "etc", "proc", "sys"}


def test_the_box_is_stored_as_an_archive_and_not_left_at_the_engine(tmp_path: Path) -> None:
    text = pipeline("script: {code: echo stored >/stored}", "internal/store-container")
    folder = project(tmp_path / "p", text)
    ended = steer("build", cwd=folder)
    assert ended.code == 0, ended.err
    (run,) = run_ids(folder)
    name = f"run-{run}:latest"
    assert not docker("images", "-q", name)
    archive = folder / ".wercker" / "builds" / run / "reports" / "store-container" / "image.tar"
    docker("load", "-q", "-i", str(archive))
    try:
        assert docker("run", "--rm", name, "cat", "/stored") == "stored\n"
    finally:
        docker("rmi", name)


def test_a_step_is_published_in_a_folder_and_used_from_there(tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    manifest = "name: greet\\nversion: 1.2.0\\ndescription: says hello\\n"
    made = f"mkdir s; cd s; printf '{manifest}' >step.yml; echo echo hello >run.sh"
    text = pipeline(
        f'script: {{code: "{made}"}}',
        f"internal/publish-step: {{owner: me, path: s, endpoint: 'file://{tmp_path}/steps'}}",
    )
    ended = steer("build", cwd=project(tmp_path / "p", text))
    assert ended.code == 0, ended.err
    assert ended.out == "published me/greet@1.2.0\n"
    used = project(tmp_path / "q", pipeline("me/greet@1.2.0"))
    ended = steer("build", "--step-registry", str(tmp_path / "steps"), cwd=used)
    assert (ended.code, ended.out) == (0, "hello\n"), ended.err


def test_without_pushing_an_image_is_tagged_only(tmp_path: Path) -> None:
    name = "127.0.0.1:9/nowhere"
    text = pipeline(f"internal/docker-push: {{repository: '{name}', cmd: echo tagged}}")
    try:
        ended = steer("build", "--docker-local", cwd=project(tmp_path / "p", text))
        assert ended.code == 0, ended.err
        assert docker("run", "--rm", name) == "tagged\n"
    finally:
        registries.forget("127.0.0.1:9")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("internal/docker-push: {repository: 'a b'}", "is not the name of an image"),
        ("internal/docker-push: {repository: a, ports: x}", "ports: 'x' is not a port"),
        ("internal/docker-push: {repository: wcr.io/a}", "is closed"),
        ("internal/docker-build: {image-name: a, no-cache: maybe}", "neither true nor false"),
        ("internal/docker-run: {name: a/b, image: x}", "cannot be the name of a container"),
    ],
)
def test_what_can_never_work_is_refused_where_it_stands_before_anything_starts(
    tmp_path: Path, step: str, said: str
) -> None:
    text = pipeline("script: {code: echo began}", step)
    ended = steer("build", cwd=project(tmp_path / "p", text))
    assert ended.code == 2
    assert f"wercker.yml:5:7: step {step.partition(':')[0]}: " in ended.err
    assert said in ended.err
    assert "began" not in ended.out


def test_where_there_is_no_engine_the_step_is_refused_with_what_to_use_instead(
    tmp_path: Path,
) -> None:
    text = pipeline("script: {code: echo began}", "internal/docker-push: {repository: a}")
    ended = steer("build", "--on", "host", cwd=project(tmp_path / "p", text))
    assert ended.code == 2
    assert "the step internal/docker-push is not possible on host" in ended.err
    assert "docs/image-builds.md" in ended.err
    assert "began" not in ended.out
