"""`internal/publish-step` to a real server."""

from __future__ import annotations

from pathlib import Path

from tests.cli.remote.conftest import Stage, Steer

FILE = """box: busybox
build:
  steps:
    - script:
        code: |
          mkdir greet
          echo 'echo hello' >greet/run.sh
          printf 'name: greet\\nversion: 1.2.0\\ndescription: says hello\\n' >greet/step.yml
    - internal/publish-step: {PROPERTIES}
"""


def write(properties: str) -> None:
    Path("wercker.yml").write_text(FILE.replace("PROPERTIES", f"owner: me, {properties}"))


def test_a_step_is_published_on_the_server_of_the_login_and_once_only(steer: Steer) -> None:
    write("path: greet")
    ended = steer("build", "--on", "host")
    assert (ended.code, ended.out) == (0, "published me/greet@1.2.0\n"), ended.err
    assert steer("step", "list", "-o", "name").out == "me/greet@1.2.0\n"
    assert steer("build", "--on", "host").out == "was published already: me/greet@1.2.0\n"


def test_an_endpoint_and_a_token_of_the_file_go_before_the_login(
    steer: Steer, stage: Stage
) -> None:
    write(f"path: greet, endpoint: '{stage.url}', auth-token: no-token-of-ours")
    ended = steer("build", "--on", "host")
    assert ended.code == 1
    assert "no-token-of-ours" not in ended.out + ended.err
    assert "step publish-step failed" in ended.err


def test_werckers_own_endpoint_is_said_to_be_closed(steer: Steer) -> None:
    write("path: greet, endpoint: https://app.wercker.com/api/v2")
    ended = steer("build", "--on", "host")
    assert ended.code == 1
    assert "was Wercker's, and is closed" in ended.err
