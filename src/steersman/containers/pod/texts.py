"""What the box's own shell does to the volume that it shares with us: only it may change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from steersman.core import quoting

ELSEWHERE = "/pipeline/.elsewhere"
"""Below it stands, on the volume, what is to stand elsewhere in the box."""
OPENING_FAILED = 95


def opening(env: Mapping[str, str], elsewhere: Iterable[str]) -> str:
    """Make the volume the box's own, and put links where something is to stand *elsewhere*.

    Who is root owns what is on the volume; anybody else has it by the group, which git distrusts.
    """
    lines = [quoting.export(name, value, expand=False) for name, value in env.items()]
    lines += [
        "steer_uid=; while read -r steer_key steer_uid steer_rest; do",
        '  [ "$steer_key" = Uid: ] && break',
        "done </proc/self/status",
        'if [ "$steer_uid" = 0 ]; then chown -R 0 /pipeline /report 2>/dev/null',
        'elif [ -z "${GIT_CONFIG_COUNT-}" ]; then',
        "  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'",
        "fi",
        "unset steer_uid steer_key steer_rest",
    ]
    lines += [_link(path) for path in elsewhere]
    return "\n".join(lines) + "\n"


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
