"""What the box's own shell does to the volume that it shares with us: only it may change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from steersman.containers.pod.places import ELSEWHERE, GIVEN
from steersman.core import quoting

OPENING_FAILED = 95


def environment(env: Mapping[str, str]) -> str:
    """Set the variables of a box, which its container has not."""
    return "".join(f"{quoting.export(name, value, expand=False)}\n" for name, value in env.items())


def opening(given: Mapping[str, Sequence[str]], elsewhere: Iterable[str]) -> str:
    """Take over what was *given*, and put links where something is to stand *elsewhere*.

    It names what stands in each folder that was given. Who is root owns it afterwards, as the
    user of a box does who copied it.
    """
    lines = [_take(folder, names) for folder, names in given.items() if names]
    lines += [
        "while read -r steer_key steer_uid steer_rest; do",
        '  [ "$steer_key" = Uid: ] && break',
        "done </proc/self/status",
        'if [ "$steer_uid" = 0 ]; then chown -R 0 /pipeline /report 2>/dev/null; fi',
        "unset steer_uid steer_key steer_rest",
    ]
    lines += [_link(path) for path in elsewhere]
    return "\n".join(lines) + "\n"


def _take(folder: str, names: Sequence[str]) -> str:
    """Copy what stands in a folder that was given; who is not root cannot keep its owner."""
    sources = " ".join(quoting.single(f"{GIVEN}/{folder}/{name}") for name in names)
    why = quoting.single("steersman: the box cannot take over its source, steps and cache: ")
    return (
        f"steer_said=$(cp -pPR {sources} /{folder}/ 2>&1) || {{ "
        f"printf '%s%s\\n' {why} \"$steer_said\" | tail -n 5; exit {OPENING_FAILED}; }}\n"
        "unset steer_said"
    )


def _link(path: str) -> str:
    place, target = quoting.single(path), quoting.single(f"{ELSEWHERE}{path}")
    parent = quoting.single(path.rpartition("/")[0] or "/")
    why = quoting.single(
        f"steersman: the source cannot stand at {path}: it is a folder of the image that is not "
        "empty, or the box's user may not make it; leave `base-path` out, or name another"
    )
    return (
        f"{{ mkdir -p {parent} && {{ [ ! -d {place} ] || rmdir {place}; }} && "
        f"ln -s {target} {place}; }} 2>/dev/null || {{ echo {why}; exit {OPENING_FAILED}; }}"
    )


def sharing(path: str, group: int) -> str:
    """Make what is below *path* readable for the group of the runner."""
    folder = quoting.single(path)
    return f"chmod -R ug+rX {folder}; chown -Rh :{group} {folder} || chown -R :{group} {folder}\n"
