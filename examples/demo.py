"""`make demo`: run the bundled example, in containers where an engine answers, else here."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from steersman.containers.docker.door import DockerContainers
from steersman.core.errors import SteersmanError

EXAMPLE = Path(__file__).resolve().parent / "visit-counter"


async def engine_answers() -> str | None:
    """Return None when a container engine answers, else why not."""
    try:
        containers = DockerContainers.from_environment()
        try:
            await containers.require()
        finally:
            await containers.close()
    except SteersmanError as error:
        return str(error)
    return None


def steer(*words: str) -> int:
    print(f"\n$ steer {' '.join(words)}", flush=True)
    command = [sys.executable, "-m", "steersman", *words]
    return subprocess.run(command, cwd=EXAMPLE, check=False).returncode


def main() -> int:
    why_not = asyncio.run(engine_answers())
    if why_not:
        print(f"No container engine answers here ({why_not}).")
        print("The example runs directly on this machine, without Redis.")
    where = ["-p", "build-on-host", "--on", "host"] if why_not else []
    for words in (["check"], ["build", *where], ["deploy", *(["--on", "host"] if why_not else [])]):
        if code := steer(*words):
            return code
    output = EXAMPLE / ".wercker" / "latest" / "output"
    print(f"\nThe example is green. What it built is in {output}:")
    for path in sorted(output.iterdir()):
        print(f"  {path.name}  {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
