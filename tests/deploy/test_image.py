"""The image of all programs: small, and nothing in it makes anybody more than they are."""

from __future__ import annotations

import os
import subprocess

import pytest

pytestmark = pytest.mark.kubernetes
IMAGE = os.environ.get("STEERSMAN_TEST_RUNNER_IMAGE", "steersman:local")
LIMIT = 280_000_000
LOOK = """
id -u
find / -xdev -perm /6000 2>/dev/null
for each in pip apt-get dpkg perl gcc; do command -v "$each"; done
for each in git ssh python3; do command -v "$each" >/dev/null || echo "no $each"; done
for each in "server" "worker run" "cron"; do steer $each --help >/dev/null || echo "no $each"; done
python3 -I -c 'import asyncio, os; print(os.path.exists(asyncio.__cached__))'
"""


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def image(engine: str) -> str:
    """Return the image; skip where nobody has made it, but fail in CI."""
    if not docker("images", "--quiet", IMAGE):
        if os.environ.get("CI") == "true":
            pytest.fail(f"there is no image {IMAGE}, and this is CI")
        pytest.skip(f"there is no image {IMAGE}: make image")
    return IMAGE


def test_the_image_stays_small(image: str) -> None:
    assert int(docker("image", "inspect", "--format", "{{.Size}}", image)) < LIMIT


def test_it_has_what_its_programs_need_compiled_and_nothing_to_rise_by(image: str) -> None:
    limits = ("--read-only", "--network=none", "--cap-drop=ALL")
    said = docker("run", "--rm", *limits, "--entrypoint=sh", image, "-c", LOOK)
    assert said.split() == ["65532", "True"]
