"""A repository of 20,000 files: scan and copy, scan and pack, against `cp -a`."""

from __future__ import annotations

import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.measure import Cost, cost, interleaved, median, ratio
from steersman import trees

RUNS = 15
FILES = 20_000
SEED = 20_000


def repository(folder: Path) -> None:
    """Write a tree as repositories are: many small files, some larger, about twelve to a folder."""
    chance = random.Random(SEED)  # noqa: S311 - sizes, not secrets
    block = chance.randbytes(1 << 20)
    folders = [folder]
    folder.mkdir()
    for number in range(FILES // 12):
        parent = folders[chance.randrange(len(folders))]
        folders.append(parent / f"folder-{number}")
        folders[-1].mkdir()
    for number in range(FILES):
        size = min(int(chance.lognormvariate(7.5, 1.6)), len(block))
        path = folders[chance.randrange(len(folders))] / f"file-{number}.txt"
        path.write_bytes(block[:size])


def timed(work: Callable[[], object]) -> Cost:
    """Run *work* in this process and say what it cost."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    work()
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, after.ru_maxrss / 1024)


def main() -> list[tuple[str, str, str]]:
    """Measure and return rows of (what, figure, goal)."""
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name, "source"), Path(name, "target")
        repository(source)

        def yardstick() -> Cost:
            shutil.rmtree(target, ignore_errors=True)
            return cost(["cp", "-a", str(source), str(target)])

        def copy() -> Cost:
            shutil.rmtree(target, ignore_errors=True)
            return timed(lambda: trees.copy(trees.scan(source), target))

        def pack() -> Cost:
            with open(os.devnull, "wb") as out:
                return timed(lambda: out.writelines(trees.pack(trees.scan(source))))

        seen = interleaved(RUNS, cp=yardstick, copy=copy, pack=pack)
    return [
        ("20,000 files, scan and copy : `cp -a`", f"{ratio(seen['copy'], seen['cp']):.2f}", "1.5"),
        ("20,000 files, scan and pack : `cp -a`", f"{ratio(seen['pack'], seen['cp']):.2f}", "1.5"),
        ("20,000 files, `cp -a`, median", f"{median(seen['cp']):.3f} s", ""),
        ("20,000 files, scan and copy, median", f"{median(seen['copy']):.3f} s", ""),
        ("20,000 files, scan and pack, median", f"{median(seen['pack']):.3f} s", ""),
    ]  # fmt: skip


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
