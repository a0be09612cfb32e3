"""Services built from another project, and what of this machine a box may see."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest

from tests.e2e.program import left_at_engine, project, run_ids, steer

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("engine")]

PAGES = """\
box: busybox
serve:
  steps:
    - script: {code: 'mkdir /www; echo "made with $GREETING" > /www/index.html; END'}
"""
SHOP = """\
box: busybox
build:
  services:
    - url: file://../pages#serve
      cmd: httpd -f -p 8080 -h /www
      ports: ["8080"]
  steps:
    - script: {code: wget -qO- http://pages:8080/}
"""


def built(tmp_path: Path, end: str = "true") -> Path:
    project(tmp_path / "pages", PAGES.replace("END", end))
    return project(tmp_path / "shop", SHOP)


def images() -> str:
    listed = ["docker", "images", "--format", "{{.Repository}}"]
    return subprocess.run(listed, check=True, capture_output=True, text=True).stdout


def test_a_service_is_built_from_its_project_and_nothing_of_it_stays(tmp_path: Path) -> None:
    folder = built(tmp_path)
    ended = steer("build", "--docker-local", cwd=folder, X_GREETING="care")
    assert (ended.code, ended.out) == (0, "made with care\n"), ended.err
    assert left_at_engine(run_ids(folder)) == []
    assert not any(f"steersman-service-{run}" in images() for run in run_ids(folder))


def test_a_service_that_cannot_be_built_fails_the_run(tmp_path: Path) -> None:
    folder = built(tmp_path, "exit 3")
    ended = steer("build", "--docker-local", cwd=folder)
    assert ended.code == 1
    assert "wercker.yml:4:7: service pages was not built: file://../pages#serve failed" in ended.err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file://../nowhere", "there is no folder"),
        ("file://../pages#nix", "no pipeline named nix"),
        ("file://.", "is built from itself"),
    ],
)
def test_a_mistake_in_the_address_of_a_service_is_named(
    tmp_path: Path, url: str, said: str
) -> None:
    folder = built(tmp_path)
    (folder / "wercker.yml").write_text(SHOP.replace("file://../pages#serve", url))
    ended = steer("build", "--docker-local", cwd=folder)
    assert (ended.code, said in ended.err) == (2, True), ended.err


def test_folders_of_the_project_are_seen_and_ports_are_published(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    text = f"""\
box:
  id: busybox
  volumes: ./shared:/shared ./shared:/fixed:ro
  ports: ["127.0.0.1:{port}:80"]
build:
  steps:
    - script:
        code: |
          echo "$(cat /shared/in)"
          echo out > /shared/out
          touch /fixed/no 2>/dev/null || echo read only
"""
    folder = project(tmp_path / "p", text, {"shared/in": "seen"})
    words = (
        "--docker-local",
        "--enable-volumes",
        "--expose-ports",
        "--publish",
        f"127.0.0.2:{port}:81",
    )
    ended = steer("build", *words, "--no-remove", cwd=folder)
    try:
        assert (ended.code, ended.out) == (0, "seen\nread only\n"), ended.err
        assert (folder / "shared" / "out").read_text() == "out\n"
        inspect = ["docker", "inspect", "-f", "{{json .HostConfig.PortBindings}}"]
        box = f"steersman-{next(iter(run_ids(folder)))}"
        said = subprocess.run([*inspect, box], check=True, capture_output=True, text=True).stdout
        assert json.loads(said) == {
            "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}],
            "81/tcp": [{"HostIp": "127.0.0.2", "HostPort": str(port)}],
        }
    finally:
        steer("prune", "--all", cwd=folder)
    assert left_at_engine(run_ids(folder)) == []
