"""The shell text that goes to a session: pure, POSIX, nothing a value could break out of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from steersman.core import quoting
from steersman.core.variables import Variable


def exports(variables: Iterable[Variable]) -> str:
    """Export *variables* in order; a later one may refer to an earlier one."""
    return "".join(
        quoting.export(item.name, item.value, expand=item.expand) + "\n" for item in variables
    )


def prelude(run_id: str, variables: Sequence[Variable], init: str) -> str:
    """Make a shell ready for steps: the pipeline's variables, then the functions of *init*.

    A shell that inherited the exports of an earlier one keeps them as steps left them, so that
    only the functions are defined again. *init* is the path of wercker-init's init.sh.
    """
    return (
        f'if [ "${{STEERSMAN_SHELL-}}" != {quoting.single(run_id)} ]; then\n'
        f"{exports(variables)}"
        f"export STEERSMAN_SHELL={quoting.single(run_id)}\n"
        "fi\n"
        f". {quoting.single(init)} </dev/null\n"
        "set +e\n"
    )


def step(
    *,
    variables: Iterable[Variable],
    unset: Iterable[str] = (),
    cwd: str | None,
    has_init: bool,
    has_run: bool,
) -> str:
    """Run one step from its folder `$WERCKER_STEP_ROOT`, in the source folder or *cwd* below it.

    init.sh and run.sh stand outside of any condition, since a shell ignores `set -e` inside one.
    """
    gone = " ".join(unset)
    enter = 'cd "$WERCKER_SOURCE_DIR"'
    where = "the source folder $WERCKER_SOURCE_DIR"
    if cwd is not None:
        enter += f" && cd {quoting.double(cwd)}"
        where = f"the folder {cwd} (cwd) below $WERCKER_SOURCE_DIR"
    lines = [
        f"unset {gone} 2>/dev/null" if gone else ":",
        exports(variables) + "set +e",
        f"if {enter}; then steer_status=0; else",
        f"  printf 'cannot enter %s\\n' {quoting.double(where)} >\"$WERCKER_REPORT_MESSAGE_FILE\"",
        "  steer_status=1",
        "fi",
    ]
    for name, present in (("init.sh", has_init), ("run.sh", has_run)):
        if present:
            lines += [
                'if [ "$steer_status" = 0 ]; then',
                f'  . "$WERCKER_STEP_ROOT/{name}" </dev/null',
                "  steer_status=$?",
                "fi",
            ]
    lines.append('[ "$steer_status" = 0 ] || (exit "$steer_status")')
    return "\n".join(lines) + "\n"


def read_message(report: str) -> str:
    """Print the step's report message, if there is one."""
    path = quoting.single(f"{report}/message.txt")
    return (
        f"if [ -s {path} ] && [ -f {path} ]; then while IFS= read -r steer_line || "
        f'[ -n "$steer_line" ]; do printf "%s\\n" "$steer_line"; done <{path}; fi\n'
    )


def is_full(folder: str) -> str:
    """Print `full` when anything stands in *folder*, else nothing."""
    path = quoting.single(folder)
    return (
        f"for steer_file in {path}/* {path}/.[!.]* {path}/..?*; do\n"
        '  if [ -e "$steer_file" ] || [ -L "$steer_file" ]; then echo full; break; fi\n'
        "done\n"
    )
