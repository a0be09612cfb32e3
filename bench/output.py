"""200,000 lines of output against a bare `docker run`, and memory under 1 GB of output."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.measure import cost, interleaved, median, ratio, steer

RUNS = 15
LINES = 'i=0; while [ $i -lt 200000 ]; do echo "line $i of many lines of output"; i=$((i+1)); done'
GIGABYTE = (
    "yes 'one gigabyte of output, sixty-four bytes in each of its lines...' | head -c 1073741824"
)


def project(folder: Path, code: str) -> Path:
    """Write a project of one step."""
    folder.mkdir()
    head = "box: busybox\nbuild:\n  steps:\n    - script:\n        name: print\n        code: |\n"
    text = f"{head}          {code}\n"
    (folder / "wercker.yml").write_text(text)
    return folder


def main() -> list[tuple[str, str, str]]:
    """Measure and return rows of (what, figure, goal)."""
    with tempfile.TemporaryDirectory() as name:
        lines = project(Path(name, "lines"), LINES)
        giant = project(Path(name, "giant"), GIGABYTE)
        out = Path(name, "out")
        bare = ["docker", "run", "--rm", "busybox", "sh", "-c", LINES]
        seen = interleaved(
            RUNS,
            bare=lambda: cost(bare, into=out),
            ours=lambda: cost(steer("build"), cwd=lines, into=out),
        )
        memory = cost(steer("build"), cwd=giant, into=out).memory
        size = out.stat().st_size
    return [
        ("200,000 lines : bare docker run", f"{ratio(seen['ours'], seen['bare']):.2f}", "1.3"),
        ("200,000 lines, bare docker run", f"{median(seen['bare']):.2f} s", ""),
        ("200,000 lines, steer", f"{median(seen['ours']):.2f} s", ""),
        (f"{size / 2**30:.2f} GiB of output, peak memory", f"{memory:.0f} MiB", "80 MiB"),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
