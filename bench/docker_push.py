"""docker-push of a box of 200 MB against `docker commit` and `docker push` of the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e import registries

from bench.measure import Cost, cost, interleaved, median, ratio, steer

RUNS = 5
SIZE = 200
# Compresses well, or the engine's compressing would be nearly all that is measured; and is new to
# the registry each time.
FILL = f"(date +%s; yes some text of a program) | head -c {SIZE}000000 >/big"


def project(folder: Path, host: str) -> Path:
    """Write a project that fills its box and pushes it."""
    folder.mkdir()
    (folder / "wercker.yml").write_text(
        "box: busybox\nbuild:\n  steps:\n"
        f"    - script: {{name: fill, code: {FILL}}}\n"
        f"    - internal/docker-push: {{repository: {host}/ours}}\n"
    )
    return folder


@contextmanager
def filled() -> Iterator[str]:
    """Start a container and fill it, as the step before does."""
    words = ["docker", "run", "-d", "busybox", "sh", "-c", f"{FILL}; touch /done; sleep 600"]
    name = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    try:
        wait = "until [ -e /done ]; do sleep 0.1; done"
        subprocess.run(["docker", "exec", name, "sh", "-c", wait], check=True)
        yield name
    finally:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=True)


def theirs(host: str) -> Cost:
    """Measure `docker commit` and `docker push`."""
    with filled() as name:
        text = f"docker commit {name} {host}/theirs && docker push -q {host}/theirs"
        return cost(["sh", "-c", text])


def ours(folder: Path) -> Cost:
    """Measure the step alone, as the run itself does."""
    into = folder / "events"
    cost(steer("build", "--log-format", "json"), cwd=folder, into=into)
    events = [json.loads(line) for line in into.read_text().splitlines() if line[:1] == "{"]
    ended = [one for one in events if one["event"] == "step_ended" and one["name"] == "docker push"]
    return Cost(float(ended[0]["seconds"]), 0, 0)


def main() -> list[tuple[str, str, str]]:
    """Measure and return rows of (what, figure, goal)."""
    with tempfile.TemporaryDirectory() as name, registries.running(Path(name)) as registry:
        folder = project(Path(name, "project"), registry.host)

        def clean(measured: Cost) -> Cost:
            registries.forget(registry.host)
            shutil.rmtree(Path(name, "data"))
            return measured

        seen = interleaved(
            RUNS,
            ours=lambda: clean(ours(folder)),
            theirs=lambda: clean(theirs(registry.host)),
        )
    times = ratio(seen["ours"], seen["theirs"])
    return [
        ("docker-push of 200 MB : docker commit + push", f"{times:.2f}", "1.2"),
        ("docker commit + push of 200 MB, median", f"{median(seen['theirs']):.2f} s", ""),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
