"""CPU of `steer version` and of `steer check`, Python's own start included."""

from __future__ import annotations

import sys

from bench.measure import cost, interleaved, median, steer

RUNS = 25


def main() -> list[tuple[str, str, str]]:
    """Measure and return rows of (what, figure, goal)."""
    seen = interleaved(
        RUNS,
        python=lambda: cost([sys.executable, "-c", "pass"]),
        version=lambda: cost(steer("version")),
    )
    return [
        ("steer version, CPU", f"{median(seen['version'], 'cpu') * 1000:.0f} ms", "100 ms"),
        ("python -c pass, CPU", f"{median(seen['python'], 'cpu') * 1000:.0f} ms", ""),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
