"""Four one-second pipelines at once against one of them alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.measure import cost, interleaved, median, ratio, steer

RUNS = 15
FILE = """\
box: busybox
one:
  steps:
    - script: {code: sleep 1}
workflows:
  - name: alone
    pipelines: [{name: one}]
  - name: four
    pipelines:
"""
ENTRY = "      - {{name: p{0}, pipelineName: one, requires: []}}\n"


def main() -> list[tuple[str, str, str]]:
    """Measure and return rows of (what, figure, goal)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "wercker.yml").write_text(FILE + "".join(map(ENTRY.format, range(4))))
        seen = interleaved(
            RUNS,
            alone=lambda: cost(steer("workflow", "alone"), cwd=folder),
            four=lambda: cost(steer("workflow", "four", "--parallel", "4"), cwd=folder),
        )
    return [
        ("four pipelines of one second : one", f"{ratio(seen['four'], seen['alone']):.2f}", "1.6"),
        ("one one-second pipeline, median", f"{median(seen['alone']):.2f} s", ""),
        ("four at once, CPU of steer", f"{median(seen['four'], 'cpu'):.2f} s", ""),
    ]  # fmt: skip


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
