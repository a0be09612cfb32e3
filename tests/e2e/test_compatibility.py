"""Old files in all their shapes, and old flags, on a real engine: rows of docs/compatibility.md."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.program import run_ids, steer

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("engine")]

SHAPES = """\
box: busybox
no-response-timeout: 10
command-timeout: 60
source-dir: app
ignore-file: .not-these
x-common: &common {yes: "no"}
build:
  steps:
    - show "file://steps/show":
        flag: yes
        version: 1.10
        number: 010
        from: $EXPORTED-later
    - script:
      name: flattened
      code: |
        pwd
        ls ..
        export EXPORTED=seen
    - show "file://steps/show":
        <<: *common
        from: $EXPORTED-later
    - script: {name: nested, code: 'echo "$FROM_FILE $PLAIN"'}
  after-steps:
    - script: {code: 'echo "after $WERCKER_RESULT $EXPORTED"'}
none:
  box: {id: debian, tag: bookworm-slim, cmd: /bin/sh, env: {lower: case}}
  services: []
  base-path: /srv/here
  steps:
    - script: {name: where, code: 'cat /etc/os-release | grep ^ID; pwd; echo $lower'}
"""
SHOW = """\
echo "$WERCKER_SHOW_FLAG|$WERCKER_SHOW_VERSION|$WERCKER_SHOW_NUMBER|$WERCKER_SHOW_FROM"
echo numbered > "$WERCKER_REPORT_ARTIFACTS_DIR/kept"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An old project, whose file has the last of the names that are looked for."""
    for name in ("app", "ignored", "steps/show"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".wercker.yml").write_text(SHAPES)
    (tmp_path / ".not-these").write_text("ignored\n")
    (tmp_path / "steps/show/run.sh").write_text(SHOW)
    (tmp_path / "ENVIRONMENT").write_text("# variables\nX_FROM_FILE=file\nPLAIN=not passed\n")
    return tmp_path


def test_an_old_file_of_every_shape_runs_as_it_was_meant(project: Path) -> None:
    ended = steer("build", "-docker-local", "--artifacts=true", cwd=project)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        "true|1.10|8|-later", "/pipeline/source/app", "ENVIRONMENT", "app", "steps",
        "|||seen-later", "file ", "after passed seen",
    ]  # fmt: skip
    kept = list((project / ".wercker/latest").glob("reports/show-*/kept"))
    assert [path.read_text() for path in kept] == ["numbered\n", "numbered\n"]


def test_a_pipeline_replaces_the_box_and_the_services_of_the_file(project: Path) -> None:
    file = project / ".wercker.yml"
    file.write_text(SHAPES.replace("source-dir: app", "services: [redis:7]"))
    ended = steer("build", "--pipeline", "none", "--docker-local", cwd=project)
    assert (ended.code, ended.out) == (0, "ID=debian\n/srv/here\ncase\n"), ended.err
    assert "redis" not in ended.err


MOUNTED = """\
box:
  id: busybox
  volumes: $FOLDER:/outside
  ports: ["0:8000"]
build:
  steps:
    - script: {code: cat /outside/file}
"""


def test_volumes_are_mounted_ports_published_and_containers_left_where_that_is_asked(
    tmp_path: Path,
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("from the host\n")
    (tmp_path / "wercker.yml").write_text(MOUNTED.replace("0:8000", "8000"))
    flags = ("--enable-volumes", "--expose-ports", "--no-remove", "--docker-local")
    ended = steer("build", *flags, cwd=tmp_path, X_FOLDER=str(tmp_path / "outside"))
    (run,) = run_ids(tmp_path)
    found = _docker("ps", "-aq", "--filter", f"label=steersman.run={run}").split()
    try:
        assert (ended.code, ended.out) == (0, "from the host\n"), ended.err
        said = json.loads(_docker("inspect", *found))
        assert [list(each["HostConfig"]["PortBindings"]) for each in said] == [["8000/tcp"]]
    finally:
        _docker("rm", "-f", *found)


def test_without_being_asked_for_volumes_are_not_mounted(tmp_path: Path) -> None:
    text = MOUNTED.replace("cat /outside/file", "test ! -e /outside && echo none")
    (tmp_path / "wercker.yml").write_text(text.replace("$FOLDER", str(tmp_path)))
    ended = steer("build", "--docker-local", cwd=tmp_path)
    assert (ended.code, ended.out) == (0, "none\n"), ended.err


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout
