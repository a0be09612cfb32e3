"""An image is built by a Dockerfile in a pod without privilege, as docs/image-builds.md says it.

The box with buildah is made for it, which takes longer than all the rest: only with `IMAGE_BUILDS`,
as `make chaos-cluster` says it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from tests.kubernetes import labs
from tests.kubernetes.platforms import POOLS, Platform, platform
from tests.platform.programs import commit, repository

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.engine,
    pytest.mark.timeout(900),
    pytest.mark.skipif("IMAGE_BUILDS" not in os.environ, reason="IMAGE_BUILDS is not set"),
]
PAGE = (Path(__file__).parents[2] / "docs" / "image-builds.md").read_text()
BOX = "steersman-test-buildah:local"
BASE = "busybox"
DOCKERFILE = f"""\
FROM localhost/{BASE}
COPY message /message
RUN cat /message >/built && id -u >>/built && ! mknod /device c 1 3
"""


def block(kind: str, word: str) -> str:
    """Return the part of the page of that kind in which a word stands."""
    every: list[str] = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    found = [each for each in every if word in each]
    assert len(found) == 1, (kind, word)
    return found[0]


def pipeline() -> str:
    """Return the page's pipeline; what registries hold comes and goes as an archive."""
    text = block("yaml", "buildah bud").replace("registry.example.com/buildah-box", BOX)
    text = text.replace("resources: {memory: 1Gi, disk: 4Gi}", "resources: {memory: 1Gi}")
    load = "buildah pull docker-archive:base.tar && buildah bud --pull-never"
    assert "code: buildah bud" in text
    text = text.replace("buildah bud", load)
    pushed = r'buildah push --creds .*? app:1 "docker://.*?"'
    archive = 'buildah push app:1 "oci-archive:$WERCKER_OUTPUT_DIR/image.tar"'
    changed, count = re.subn(pushed, archive, text)
    assert count == 1
    return changed


@pytest.fixture(scope="module")
def box() -> None:
    """Build the page's box and let the nodes have it."""
    lab = labs.required()
    words = ["docker", "build", "--quiet", "--network", "host", "--tag", BOX, "-"]
    subprocess.run(words, input=block("dockerfile", "buildah").encode(), check=True)
    lab.load(BOX)


@pytest.fixture(scope="module")
def here(box: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    inside = POOLS.partition("\n")[2].replace("disk: 2Gi}", "disk: 4Gi}")
    inside = inside.replace("disk: 256Mi}\n    max", "disk: 4Gi}\n    max")
    builds = f"builds:\n  seccomp: unconfined\n{inside}"
    with platform(tmp_path_factory.mktemp("builds"), POOLS + builds) as found:
        yield found


def test_a_dockerfile_is_built_tried_and_handed_on_in_a_pod(here: Platform, tmp_path: Path) -> None:
    files = {"wercker.yml": pipeline(), "Dockerfile": DOCKERFILE, "message": "made in a pod\n"}
    tree = repository(tmp_path / "app", files)
    subprocess.run(["docker", "save", "--output", str(tree / "base.tar"), BASE], check=True)
    commit(tree)
    said = {"name": "app", "repository": str(tree), "settings": {"pools": ["builds"]}}
    here.machine.call("POST", "/api/v1/projects", said)
    run = here.run("app", 240)
    [attempt] = run["jobs"][0]["attempts"]
    log = here.machine.log(attempt["id"]).decode(errors="replace")
    assert run["state"] == "succeeded", (attempt, log)
    assert "made in a pod\n0\n" in log
    assert built(archive(here, run["id"])) == "made in a pod\n0\n"


def archive(here: Platform, run: str) -> bytes:
    """Return the image that the run has left as its output."""
    items = here.machine.call("GET", f"/api/v1/runs/{run}/artifacts")["items"]
    [kept] = [each for each in items if each["kind"] == "output"]
    with tarfile.open(
        fileobj=BytesIO(here.machine.bytes(f"/api/v1/artifacts/{kept['id']}"))
    ) as tar:
        [image] = [each for each in tar if each.name.endswith("image.tar")]
        return read(tar, image.name)


def built(image: bytes) -> str:
    """Return what its last layer says of how the image was built."""
    with tarfile.open(fileobj=BytesIO(image)) as tar:

        def blob(said: dict[str, str]) -> bytes:
            return read(tar, f"blobs/{said['digest'].replace(':', '/')}")

        index = json.loads(read(tar, "index.json"))
        layers = json.loads(blob(index["manifests"][0]))["layers"]
        with tarfile.open(fileobj=BytesIO(blob(layers[-1]))) as layer:
            return read(layer, "built").decode()


def read(tar: tarfile.TarFile, name: str) -> bytes:
    found = tar.extractfile(name)
    assert found is not None, name
    return found.read()
