"""What the first container of a pod runs, before anything else of the pod is started.

All its time is added to each job's, and what it imports is most of that: no more than it needs.
"""

import os

from steersman.containers.pod import beginning

TERMINATION = "/dev/termination-log"
FAILED = 3


def main(top: str, termination: str = TERMINATION) -> int:
    """Prepare the volumes below *top*, and return an exit code."""
    try:
        beginning.make(f"{top}/session", f"{top}/work")
    except OSError as error:
        # Not every call names its file.
        _leave(f"prepare: {error.filename or top}: {error.strerror}", termination)
        return FAILED
    return 0


def _leave(text: str, termination: str) -> None:
    """Leave one sentence for the worker, which the node shows it."""
    for path in (termination, "/dev/stderr"):
        try:
            with open(path, "a") as file:
                file.write(f"{text}\n")
        except OSError:
            continue


def run() -> None:
    """Be the program; taking an interpreter down properly would take as long as all of this."""
    os.umask(0o002)
    os._exit(main(os.environ.get("STEERSMAN_POD", "/steersman")))
