"""Three echo steps against a bare `docker run` of the same, and what each further step costs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.measure import cost, interleaved, median, ratio, steer

RUNS = 21
FURTHER = 50


def project(folder: Path, steps: int) -> Path:
    """Write a project of so many echo steps."""
    folder.mkdir()
    step = "    - script: {{name: echo {0}, code: echo {0}}}\n"
    text = "box: busybox\nbuild:\n  steps:\n" + "".join(step.format(n) for n in range(steps))
    (folder / "wercker.yml").write_text(text)
    return folder


def main() -> list[tuple[str, str, str]]:
    """Measure and return rows of (what, figure, goal)."""
    with tempfile.TemporaryDirectory() as name:
        three = project(Path(name, "three"), 3)
        many = project(Path(name, "many"), 3 + FURTHER)
        bare = ["docker", "run", "--rm", "busybox", "sh", "-c", "echo 0; echo 1; echo 2"]
        seen = interleaved(
            RUNS,
            bare=lambda: cost(bare),
            three=lambda: cost(steer("build"), cwd=three),
            many=lambda: cost(steer("build"), cwd=many),
        )
    further = (median(seen["many"]) - median(seen["three"])) / FURTHER
    times = ratio(seen["three"], seen["bare"])
    return [
        ("three echo steps : bare docker run", f"{times:.2f}", "1.5 (goal 1.3)"),
        ("each further step", f"{further * 1000:.1f} ms", "10 ms (goal 5)"),
        ("bare docker run, median", f"{median(seen['bare']):.3f} s", ""),
        ("three echo steps, median", f"{median(seen['three']):.3f} s", ""),
        ("three echo steps, CPU of steer", f"{median(seen['three'], 'cpu'):.3f} s", ""),
    ]  # fmt: skip


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
