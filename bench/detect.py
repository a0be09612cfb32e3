"""`steer detect` on a repository of 20,000 files, the start of the process and git included."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from bench.copy_tree import repository
from bench.measure import cost, interleaved, median, steer

RUNS = 15
FILES = {"package.json": '{"scripts": {"test": "jest"}}', "go.mod": "module x\n\ngo 1.22\n"}


def main() -> list[tuple[str, str, str]]:
    """Measure and return rows of (what, figure, goal)."""
    with tempfile.TemporaryDirectory() as name:
        source = Path(name, "source")
        repository(source)
        for file, text in FILES.items():
            (source / file).write_text(text)
        subprocess.run(["git", "init", "--quiet"], cwd=source, check=True)
        seen = interleaved(
            RUNS,
            detect=lambda: cost(steer("detect", str(source))),
            version=lambda: cost(steer("version")),
        )
    return [
        ("steer detect, 20,000 files, median", f"{median(seen['detect']):.3f} s", "1 s"),
        ("steer detect, 20,000 files, CPU", f"{median(seen['detect'], 'cpu'):.3f} s", ""),
        ("steer version, median", f"{median(seen['version']):.3f} s", ""),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
