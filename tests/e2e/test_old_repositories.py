"""Repositories with files of ten years ago: explained by `steer check`, run by `steer build`."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.program import project, steer

# Of this process only: others may be at the same tests.
IMAGE = f"steersman-test/old-repositories:{os.getpid()}"
# What the languages bring along, as a program that says how it was called.
STAND_INS = {
    "bundle": 'echo "bundle $*"',
    "ruby": "printf 2.2.10",
    "npm": 'echo "npm $*"',
    "gulp": 'echo "gulp $*"',
    "go": 'echo "go $* in ${PWD##*/src/}"',
    "golint": "echo 'main.go:1:1: should have a comment'",
    "curl": 'cat >/dev/null; for file in /tmp/tmp.*/message; do cat "$file"; done >&2; printf 200',
}


class Old(NamedTuple):
    """An old file: its classic box, what is said of that, and what a run prints in this order."""

    text: str
    box: str
    proposed: str
    printed: tuple[str, ...]
    files: tuple[str, ...]


RUBY = Old(
    """\
box: wercker/rvm
build:
  steps:
    - rvm-use:
        version: 2.2
    - bundle-install:
        without: development production
        jobs: 4
    - rails-database-yml:
        service: postgresql
    - script:
        name: Set up db
        code: RAILS_ENV=test bundle exec rake db:schema:load
    - script:
        name: rspec
        code: |-
          grep adapter config/database.yml
          echo "gems in ${BUNDLE_PATH##*/}"
          bundle exec rspec
deploy:
  steps:
    - heroku-deploy:
        key: $HEROKU_KEY
        user: $HEROKU_USER
        app-name: $HEROKU_APP_NAME
""",
    "wercker/rvm",
    "`ruby:",
    (
        "this box has Ruby 2.2.10",
        "bundle install",
        "bundle exec rake db:schema:load",
        "adapter: postgresql",
        "gems in bundle-install",
        "bundle exec rspec",
    ),
    ("Gemfile", "Gemfile.lock", "Rakefile"),
)
NODE = Old(
    """\
box: wercker/nodejs
build:
  steps:
    - wercker/npm-install@1.1.4
    - npm-test
    - hgen/gulp:
        tasks: build
    - script:
        name: echo nodejs information
        code: |
          export VERSION=1.2
    - create-file:
      name: version
      filename: version.txt
      content: $VERSION of $WERCKER_APPLICATION_NAME
    - script:
        code: cat version.txt
  after-steps:
    - slack-notifier:
        url: $SLACK_URL
        channel: builds
        notify_on: failed
    - pasonatquila/pretty-slack-notify@0.3.6:
        webhook_url: $SLACK_URL
""",
    "wercker/nodejs",
    "`node:",
    (
        "npm install",
        "npm test",
        "gulp build",
        "1.2 of old",
        "nothing is said",
        "the message was sent",
    ),
    ("package.json", "gulpfile.js"),
)
GO = Old(
    """\
box: wercker/golang
build:
  steps:
    # Sets the go workspace and places your package
    - setup-go-workspace:
        package-dir: github.com/acme/old
    - golint
    - script:
        name: go get
        code: |
          cd $WERCKER_SOURCE_DIR
          go get -t ./...
    - script:
        name: go test
        code: go test ./...
    - mktemp:
        envvar: NOTES
    - script:
        code: cp main.go "$NOTES" && cat "$NOTES"
""",
    "wercker/golang",
    "`golang:",
    (
        "should have a comment",
        "golint complains 1 times",
        "go get -t ./... in github.com/acme/old",
        "go test ./... in github.com/acme/old",
        "text of main.go",
    ),
    ("main.go",),
)


@pytest.fixture(scope="session")
def image(engine: str) -> Iterator[str]:
    """An image with stand-ins, which nobody has to fetch."""
    out = io.BytesIO()
    text = "FROM debian:bookworm-slim\nCOPY programs /usr/local/bin\nENV GOPATH=/go\n"
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in {"Dockerfile": text, **_programs("programs/")}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content.encode()))
    words = ["docker", "build", "--quiet", "--tag", IMAGE, "-"]
    subprocess.run(words, input=out.getvalue(), check=True, capture_output=True)
    yield IMAGE
    subprocess.run(["docker", "image", "rm", "--force", IMAGE], check=False, capture_output=True)


def _programs(folder: str) -> dict[str, str]:
    return {f"{folder}{name}": f"#!/bin/sh\n{code}\n" for name, code in STAND_INS.items()}


@pytest.fixture
def place(where: str, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """Return the box to write into the file, and the environment to run `steer` in."""
    if where == "containers":
        return request.getfixturevalue("image"), {}
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, content in _programs("").items():
        (programs / name).write_text(content)
        (programs / name).chmod(0o755)
    # What the machine keeps as temporary is none of the steps'.
    (tmp_path / "tmp").mkdir()
    path = f"{programs}:{os.environ['PATH']}"
    return "busybox", {"PATH": path, "TMPDIR": str(tmp_path / "tmp"), "X_GOPATH": f"{tmp_path}/go"}


@pytest.mark.parametrize("old", [RUBY, NODE, GO], ids=["ruby", "node", "go"])
def test_an_old_repository_is_explained(tmp_path: Path, old: Old) -> None:
    folder = project(tmp_path / "old", old.text)
    checked = steer("check", cwd=folder)
    assert checked.code == 0, checked.err
    assert f"{old.box} is a classic Wercker box" in checked.err
    assert old.proposed in checked.err
    assert checked.err.count("warning:") == 1, "its steps are all known"


@pytest.mark.parametrize("old", [RUBY, NODE, GO], ids=["ruby", "node", "go"])
def test_an_old_repository_builds(
    tmp_path: Path, old: Old, place: tuple[str, dict[str, str]], where: str
) -> None:
    box, env = place
    text = old.text.replace(f"box: {old.box}", f"box: {box}")
    files = {name: f"text of {name}\n" for name in old.files}
    folder = project(tmp_path / "old", text, files)
    hidden = {"XXX_SLACK_URL": "https://hooks/tok-3cret"}
    ended = steer("build", "--on", where, cwd=folder, timeout=90, **env, **hidden)
    assert ended.code == 0, ended.err
    found = [ended.out.find(text) for text in old.printed]
    assert -1 not in found, ended.out
    assert found == sorted(found), ended.out
    assert "tok-3cret" not in ended.out + ended.err
