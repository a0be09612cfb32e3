"""The process that shims are forked from: it has imported already what they need.

`python -m steersman.cron.processes.nursery` takes requests from the socket at its input, until the
other end is closed. Each comes with two descriptors: where to answer, and a file with the order.
Shims do not depend on it once they live.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import traceback
from typing import NoReturn

from steersman.cron.processes import shim


def main() -> int:
    """Fork a shim for each request."""
    # A Ctrl-C in the terminal of whoever started us is not for us.
    os.setsid()
    os.chdir("/")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control = socket.socket(fileno=os.dup(0))
    # Shims share these pages as long as nobody counts through them.
    gc.disable()
    gc.freeze()
    while True:
        message, handles, _, _ = socket.recv_fds(control, 16, 2)
        if not message:
            return 0
        answers, order = handles
        try:
            if os.fork() == 0:
                control.close()
                _live(answers, order)
        except OSError as error:
            os.write(answers, os.fsencode(f"no process can be made: {error.strerror}\n"))
        finally:
            os.close(answers)
            os.close(order)


def _live(answers: int, order: int) -> NoReturn:
    """Be a shim, from its first moment to its end."""
    code = 70
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (answers, 1), (answers, 2)):
            os.dup2(source, target)
        os.close(nothing)
        os.close(answers)
        with open(order, "rb") as file:
            said = json.loads(file.read())
        code = shim.main(said["words"], said["environment"])
    except BaseException:  # noqa: BLE001 - nothing may go back into the loop that forked us
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
