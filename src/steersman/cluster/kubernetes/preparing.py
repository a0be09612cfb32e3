"""What the first container of a pod runs, before anything else of the pod is started.

All its time is added to each job's. Python's start alone would take four times as long as all of
this, hence the shell of our image.
"""

from __future__ import annotations

from steersman.sessions import pipes

TOP = "/steersman"
PACKAGE = "/opt/steersman/lib/python3*/site-packages/steersman"
"""Where our package is in our image; the shell finds which Python it is for."""
TERMINATION = "/dev/termination-log"
FAILED = 3
_PIPES = " ".join(f"session/{name}" for name in pipes.NAMES)
# What a container that was killed has left is made anew. With set-gid, what a box makes in its
# folders belongs to the group of the runner. One sentence is left for the worker.
TEXT = f"""\
umask 002
said=$({{ cd "$1" && rm -f {_PIPES} session/session.sh && mkfifo -m 666 {_PIPES} &&
cp $2/sessions/session.sh session/ && mkdir -p work/pipeline work/report &&
chmod 2775 work/pipeline work/report; }} 2>&1) && exit 0
printf 'prepare: %s\\n' "$said" >&2
{{ printf 'prepare: %s\\n' "$said" >>"$3"; }} 2>/dev/null
exit {FAILED}
"""


def command(
    top: str = TOP, package: str = PACKAGE, termination: str = TERMINATION
) -> tuple[str, ...]:
    """Return what makes the pipes and the script of the box's session, and the box's folders.

    The volumes are mounted below *top*.
    """
    return ("sh", "-c", TEXT, "prepare", top, package, termination)
