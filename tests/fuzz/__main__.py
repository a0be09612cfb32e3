"""Feed the language spoilt files: no traceback, no hang, and every answer makes sense.

`python -m tests.fuzz --files 1000000 --seed 7`. Two thirds are mutated from the seeds, the rest is
noise made of the language's own words. A file that breaks something is printed and kept.
"""

from __future__ import annotations

import argparse
import faulthandler
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

from steersman import pipeline_file
from steersman.core.pipelines import report
from steersman.core.problems import Severity
from tests.fuzz.mutations import KEYS, VALUES, mutated

SEEDS = Path(__file__).parent / "seeds"
SECONDS_PER_FILE = 5.0
# With one of these there was no tree to understand.
UNBUILT = frozenset({
    "tab", "unclosed-quote", "indentation", "unexpected-colon", "missing-colon", "unclosed-list",
    "unclosed-map", "syntax", "bad-escape", "control-character", "encoding", "too-large",
    "too-deep",
})  # fmt: skip


class Hung(Exception):
    """A file took too long."""


def files(random: Random, number: int) -> Iterator[tuple[bool, str]]:
    """Make *number* files; with each, whether it came from a seed."""
    seeds = [path.read_text() for path in sorted(SEEDS.glob("*.yml"))]
    for _ in range(number):
        if random.random() < 0.67:
            yield True, mutated(random.choice(seeds), random)
        else:
            yield False, noise(random)


def noise(random: Random) -> str:
    """Make a file of random keys and values at random depths."""
    lines = []
    depth = 0
    for _ in range(random.randint(0, 15)):
        depth = max(0, depth + random.choice((-2, -1, 0, 0, 1)))
        dash = "- " if random.random() < 0.3 else ""
        value = random.choice(VALUES) if random.random() < 0.6 else ""
        lines.append(f"{'  ' * depth}{dash}{random.choice(KEYS)}: {value}")
    return "\n".join(lines)


def check(text: str) -> tuple[bool, list[str]]:
    """Read one file; say whether its tree was built, and the codes of its problems."""
    parsed = pipeline_file.parse(text, "fuzz.yml")
    errors = [p for p in parsed.problems if p.severity is Severity.ERROR]
    assert (parsed.config is None) == bool(errors), "a config if and only if there is no error"
    lines = report.split_lines(parsed.source)
    for problem in parsed.problems:
        assert 1 <= problem.place.line <= len(lines) + 1, "a problem is inside of the file"
        assert problem.place.column >= 1, "columns count from 1"
        assert "\n" not in problem.message, "a message is one line"
        rendered = report.render_one(problem, lines)
        assert rendered.replace("\n", "").isprintable(), "nothing steers the terminal"
    codes = [problem.code for problem in parsed.problems]
    return UNBUILT.isdisjoint(codes), codes


def watch(_: int, __: object) -> None:
    """Interrupt a file that takes too long."""
    raise Hung


def run(number: int, seed: int, keep: Path | None) -> int:
    """Check *number* files; return how many broke something."""
    signal.signal(signal.SIGALRM, watch)
    counts: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    slowest = 0.0
    for from_seed, text in files(Random(seed), number):
        began = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, SECONDS_PER_FILE)
        # A hang inside of the C parser cannot be interrupted; then all ends, with a traceback.
        if counts["files"] % 1000 == 0:
            faulthandler.dump_traceback_later(120, exit=True)
        try:
            built, codes = check(text)
        except Exception as error:  # noqa: BLE001  any of them is a finding
            counts["broken"] += 1
            show(error, text, keep, counts["broken"])
            continue
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            counts["files"] += 1
        slowest = max(slowest, time.perf_counter() - began)
        problems.update(codes)
        counts["mutated from seeds"] += from_seed
        counts["reached the builder"] += built
        counts["mutated and reached the builder"] += built and from_seed
        counts["valid"] += not codes
    tell(counts, problems, slowest)
    return counts["broken"]


def show(error: Exception, text: str, keep: Path | None, number: int) -> None:
    """Print a finding, and keep its file."""
    print(f"{type(error).__name__}: {error}\n{text!r}\n", file=sys.stderr)
    if keep is not None:
        path = keep / f"broken-{number}.yml"
        path.write_text(text, errors="surrogatepass")


def tell(counts: Counter[str], problems: Counter[str], slowest: float) -> None:
    """Print what was seen."""
    for name, number in counts.items():
        print(f"{number:>9}  {name}  ({number / counts['files']:.1%})")
    print(f"{slowest * 1000:>9.1f}  ms for the slowest file")
    used = time.process_time()
    print(f"{used:>9.1f}  s of CPU, {counts['files'] / used:.0f} files/s")
    print("problems: " + ", ".join(f"{code} {number}" for code, number in problems.most_common()))


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for files that break something")
    options = parser.parse_args()
    return 1 if run(options.files, options.seed, options.keep) else 0


if __name__ == "__main__":
    sys.exit(main())
