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


def emptied(folders: Iterable[str]) -> str:
    """Remove what is in *folders*, but follow no link."""
    lines = []
    for folder in map(quoting.single, folders):
        inside = f"{folder}/* {folder}/.[!.]* {folder}/..?*"
        lines.append(f"[ -L {folder} ] || rm -rf {inside} 2>/dev/null")
    return "\n".join([*lines, ":"]) + "\n"


def watched(code: str, cwd: str | None) -> str:
    """Run *code* in the source folder or *cwd* below it; it may be run again and again."""
    enter = 'cd "$WERCKER_SOURCE_DIR"' + (f" && cd {quoting.double(cwd)}" if cwd else "")
    return f"set +e\n{enter} || exit 1\n{code}\n"


def read_message(report: str) -> str:
    """Print the step's report message, if there is one."""
    path = quoting.single(f"{report}/message.txt")
    return (
        f"if [ -s {path} ] && [ -f {path} ]; then while IFS= read -r steer_line || "
        f'[ -n "$steer_line" ]; do printf "%s\\n" "$steer_line"; done <{path}; fi\n'
    )


_PEAKS = ("/sys/fs/cgroup/memory.peak", "/sys/fs/cgroup/memory/memory.max_usage_in_bytes")
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_CLOCKS = ("/sys/fs/cgroup/cpuacct/cpuacct.usage", "/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage")


def read_usage() -> str:
    """Print what the box used so far: `memory BYTES`, and `cpu` in nano- or microseconds."""
    return (
        f"{_first('memory', _PEAKS)}{_first('nanoseconds', _CLOCKS)}"
        "if [ -r /sys/fs/cgroup/cpu.stat ]; then\n"
        "  while read -r steer_key steer_line; do\n"
        '    if [ "$steer_key" = usage_usec ]; then echo "microseconds $steer_line"; fi\n'
        "  done </sys/fs/cgroup/cpu.stat\nfi\n"
    )


def read_memory() -> str:
    """Print the most memory the box used, and what it may have: `memory BYTES`, `limit BYTES`."""
    return _first("memory", _PEAKS) + _first("limit", _LIMITS)


def _first(name: str, files: Sequence[str]) -> str:
    """Print *name* and the first line of the first of *files* that can be read."""
    return (
        f"for steer_file in {' '.join(files)}; do\n"
        '  if [ -r "$steer_file" ]; then read -r steer_line <"$steer_file" && '
        f'echo "{name} $steer_line"; break; fi\ndone\n'
    )


def list_xml(folder: str) -> str:
    """Print the XML files below *folder*, relative to it, that are no larger than 50 MiB."""
    path = quoting.single(folder)
    return f"cd {path} && find . -type f -name '*.xml' -size -102400 2>/dev/null\n"


def copy_files(folder: str, names: Sequence[str], into: str) -> str:
    """Copy files below *folder* to *into*, each under its number."""
    target = quoting.single(into)
    lines = [f"cd {quoting.single(folder)} && mkdir -p {target} || exit 1"]
    for number, name in enumerate(names):
        lines.append(f"cp {quoting.single('./' + name)} {target}/{number}.xml")
    return "\n".join(lines) + "\n"


def look(report: str, folders: Sequence[str], *, measure: bool) -> str:
    """Print what there is to know after a step: `full-N 1` where anything stands in the Nth of
    *folders*, what the box used if we *measure*, then a line `message` and the step's message.
    """
    full = (is_full(folder, f"full-{number} 1") for number, folder in enumerate(folders))
    usage = read_usage() if measure else ""
    return f"{''.join(full)}{usage}echo message\n{read_message(report)}"


def is_full(folder: str, word: str = "full") -> str:
    """Print *word* when anything stands in *folder*, else nothing."""
    path = quoting.single(folder)
    return (
        f"for steer_file in {path}/* {path}/.[!.]* {path}/..?*; do\n"
        f'  if [ -e "$steer_file" ] || [ -L "$steer_file" ]; then echo {word}; break; fi\n'
        "done\n"
    )


# A line of an answer has its limits, and a value may have lines of its own: each begins with `+`,
# what goes on with `.`, and the name stands before. Bytes are counted, not characters.
_TELL = r"""
LC_ALL=C
steer_newline='
'
steer_tell() {
  while [ "${#1}" -gt 600 ]; do
    steer_piece=$(command printf '%.600s' "$1")
    command printf '%s%s\n' "$2" "$steer_piece"
    set -- "${1#"$steer_piece"}" .
  done
  command printf '%s%s\n' "$2" "$1"
}
for steer_name; do
  eval "steer_set=\${$steer_name+set} steer_rest=\${$steer_name-}"
  [ -n "$steer_set" ] || continue
  command printf '=%s\n' "$steer_name"
  while :; do
    steer_tell "${steer_rest%%"$steer_newline"*}" +
    case $steer_rest in
    *"$steer_newline"*) steer_rest=${steer_rest#*"$steer_newline"} ;;
    *) break ;;
    esac
  done
done
"""


def tell_variables(names: Sequence[str]) -> str:
    """Print those of the variables *names* that are set, for `told_variables`."""
    return f"set -- {' '.join(names)}{_TELL}"


def told_variables(names: Sequence[str], data: bytes) -> dict[str, str]:
    """Read what `tell_variables` printed."""
    found: dict[str, list[bytes]] = {}
    lines: list[bytes] = []
    for line in data.split(b"\n"):
        mark, rest = line[:1], line[1:]
        if mark == b"=" and (name := rest.decode("ascii", "replace")) in names:
            lines = found.setdefault(name, [])
        elif mark == b"." and lines:
            lines[-1] += rest
        elif mark == b"+":
            lines.append(rest)
    return {
        name: b"\n".join(value).decode("utf-8", "surrogateescape") for name, value in found.items()
    }


def keep_exports(path: str) -> str:
    """Write what the shell exports into the file *path*, for `enter`; they may be secrets."""
    target = quoting.single(path)
    # bash alone knows another spelling, which sh could not read.
    return (
        f"(umask 077 && rm -f {target} && "
        f'{{ if [ -n "${{BASH_VERSION-}}" ]; then set -o posix; fi; export -p; }} >{target})\n'
    )


def enter(path: str) -> str:
    """Give a fresh shell the exports kept in *path* and the source folder, as a step finds them."""
    target = quoting.single(path)
    return (
        f"steer_term=${{TERM-}}\n[ ! -r {target} ] || . {target}\n"
        'export TERM="$steer_term"\nunset steer_term\n'
        '[ -z "${WERCKER_SOURCE_DIR-}" ] || cd "$WERCKER_SOURCE_DIR"\n'
    )
