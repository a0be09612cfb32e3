"""What images say of themselves: a health check, a user by name, an entrypoint."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import project, steer

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("engine")]

STEP = "build:\n  steps:\n    - script: {name: look, code: '%s'}\n"


@pytest.fixture
def image(request: pytest.FixtureRequest, engine: str) -> Iterator[str]:
    """Build an image from the Dockerfile given as the parameter."""
    name = f"steersman-test-{uuid.uuid4().hex[:12]}:1"
    words = ["docker", "build", "--quiet", "--tag", name, "-"]
    subprocess.run(words, input=request.param, text=True, check=True, capture_output=True)
    yield name
    subprocess.run(["docker", "rmi", "--force", name], check=True, capture_output=True)


NAMED = "FROM busybox\nRUN echo app:x:1234:1234::/:/bin/sh >> /etc/passwd\nUSER app\n"


@pytest.mark.parametrize("image", [NAMED], indirect=True)
def test_steps_run_as_the_user_of_the_image_who_owns_the_source(image: str, tmp_path: Path) -> None:
    code = 'id -un; touch new && mkdir "$WERCKER_OUTPUT_DIR/x" && touch "$WERCKER_CACHE_DIR/y"'
    folder = project(tmp_path / "p", f"box: {image}\n" + STEP % code)
    ended = steer("build", "--pull", "never", cwd=folder)
    assert (ended.code, ended.out) == (0, "app\n"), ended.err


@pytest.mark.parametrize(
    "image", ['FROM busybox\nENTRYPOINT ["/bin/false", "never a shell"]\n'], indirect=True
)
def test_the_entrypoint_of_an_image_does_not_get_in_the_way(image: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", f"box: {image}\n" + STEP % "echo in the shell")
    assert steer("build", "--pull", "never", cwd=folder).out == "in the shell\n"


HEALTHY = """\
FROM busybox
CMD ["sh", "-c", "sleep 2; touch /ready; sleep 600"]
HEALTHCHECK --interval=1s --timeout=1s --retries=30 CMD test -e /ready
"""
NEVER = HEALTHY.replace("touch /ready", "echo nothing will come of this")


@pytest.mark.parametrize("image", [HEALTHY], indirect=True)
def test_a_service_with_a_health_check_is_waited_for(image: str, tmp_path: Path) -> None:
    text = f"box: busybox\nservices:\n  - {{id: '{image}', name: slow}}\n" + STEP % "echo begun"
    folder = project(tmp_path / "p", text)
    ended = steer("build", "--pull", "never", cwd=folder)
    assert (ended.code, ended.out) == (0, "begun\n"), ended.err


@pytest.mark.parametrize("image", [NEVER], indirect=True)
def test_a_service_that_never_gets_healthy_fails_with_its_log(image: str, tmp_path: Path) -> None:
    text = f"box: busybox\nservices:\n  - {{id: '{image}', name: slow}}\n" + STEP % "echo begun"
    folder = project(tmp_path / "p", text)
    ended = steer("build", "--pull", "never", "--service-timeout", "4", cwd=folder)
    assert (ended.code, ended.out) == (3, ""), ended.err
    assert "slow" in ended.err
    assert "nothing will come of this" in ended.err
