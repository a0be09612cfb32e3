"""The containers of a pod, one by one: what each waits for, and how it ended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from steersman.cluster.kubernetes import names, pulls
from steersman.cluster.kubernetes.facts import Facts
from steersman.core import services
from steersman.core.reports import Reason
from steersman.core.runners import Note

Object = Mapping[str, Any]
NOTHING: Object = {}
TAIL = 1500
CUT = 2048
"""Bytes of a log's end beyond which a kubelet leaves out what was before."""
WHOLE = 1000
"""Bytes of a log's end that nobody ever cuts."""
STUCK = {
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError",
    "PreStartHookError", "ContainerCannotRun",
}  # fmt: skip
CANNOT_RUN = ("ContainerCannotRun", "StartError")
_USERS_OWN = re.compile(
    r"no such file or directory|executable file not found|permission denied|runAsNonRoot|"
    r"run as root|has no (?:command|entrypoint)|no command specified|unable to find user",
    re.IGNORECASE,
)


class Pull(NamedTuple):
    """An image on its way: in words, and whether it will never come."""

    text: str
    permanent: bool = False


class Stuck(NamedTuple):
    """A container that cannot be started as it is; *users*: by what its image or pipeline says."""

    text: str
    users: bool


def container(pod: Object, name: str) -> Object:
    """Return the status of a container; empty where the kubelet has not said any."""
    status = pod.get("status") or NOTHING
    for key in ("initContainerStatuses", "containerStatuses"):
        for each in status.get(key) or ():
            if each.get("name") == name:
                return each  # type: ignore[no-any-return]
    return NOTHING


def state(pod: Object, name: str) -> str:
    """Return `waiting`, `running` or `terminated`; empty where nothing is known."""
    return next(iter(container(pod, name).get("state") or ()), "")


def terminated(pod: Object, name: str) -> Object | None:
    """Return how a container ended."""
    return (container(pod, name).get("state") or NOTHING).get("terminated")


def _waiting(pod: Object, name: str) -> tuple[str, str]:
    said = (container(pod, name).get("state") or NOTHING).get("waiting") or NOTHING
    return str(said.get("reason") or ""), str(said.get("message") or "")


def _spec(pod: Object, name: str) -> Object:
    inside = pod.get("spec") or NOTHING
    every = [*(inside.get("initContainers") or ()), *(inside.get("containers") or ())]
    return next((each for each in every if each.get("name") == name), NOTHING)


def memory(pod: Object, name: str) -> str:
    """Return how much memory a container may have."""
    limits = (_spec(pod, name).get("resources") or NOTHING).get("limits") or NOTHING
    return str(limits.get("memory") or "")


def pulling(pod: Object, name: str, facts: Facts) -> Pull | None:
    """Say how it stands with the image of a container that did not begin."""
    image = str(_spec(pod, name).get("image") or "")
    reason, message = _waiting(pod, name)
    failed = facts.last("Failed", container=name)
    # Between two tries the kubelet says only that it waits; the event has the registry's words.
    if reason == "ImagePullBackOff" and failed and failed.message.startswith("Failed to pull"):
        message = failed.message
    failure = pulls.failure(reason, message)
    if failure is not None:
        text = f"the image {image} cannot be fetched: {failure.words}"
        return Pull(text if failure.permanent else f"{text}; it is tried again", failure.permanent)
    begun = facts.last("Pulling", container=name)
    ended = facts.last("Pulled", "Failed", container=name)
    if begun is not None and (ended is None or ended.order < begun.order):
        return Pull(f"the node fetches the image {image}")
    return None


def stuck(pod: Object, name: str) -> Stuck | None:
    """Say why a container cannot be started, other than for its image."""
    reason, message = _waiting(pod, name)
    if reason not in STUCK:
        return None
    words = clean(message) or reason
    return Stuck(f"{called(pod, name)} cannot be started: {words}", bool(_USERS_OWN.search(words)))


def notes(pod: Object, facts: Facts) -> Iterator[Note]:
    """Say what the runner should know of the box and the services."""
    for each in (pod.get("spec") or NOTHING).get("containers") or ():
        name = each.get("name") or ""
        if name != names.RUNNER:
            note = _note(pod, name, facts)
            if note is not None:
                yield note


def _note(pod: Object, name: str, facts: Facts) -> Note | None:
    ended = terminated(pod, name)
    if ended is not None:
        return _ended(pod, name, ended, facts.tails.get(name, ""))
    if state(pod, name) == "running":
        return None
    who = alias(pod, name)
    pull = pulling(pod, name, facts)
    if pull is not None:
        if pull.permanent:
            return Note("stuck", who, pull.text, Reason.IMAGE_UNAVAILABLE, permanent=True)
        return Note("pulling", who, pull.text)
    why = stuck(pod, name)
    if why is None:
        return None
    reason = Reason.REJECTED if why.users else Reason.NEVER_STARTED
    return Note("stuck", who, why.text, reason, permanent=why.users)


def _ended(pod: Object, name: str, ended: Object, tail: str) -> Note:
    who, what = alias(pod, name), called(pod, name)
    kind = "box-ended" if name == names.BOX else "service-ended"
    if ended.get("reason") in CANNOT_RUN:
        words = clean(str(ended.get("message") or ""))
        users = bool(_USERS_OWN.search(words))
        reason = Reason.REJECTED if users else Reason.NEVER_STARTED
        return Note("stuck", who, f"{what} cannot be started: {words}", reason, permanent=users)
    if name != names.BOX:
        return Note(kind, who, service_ended(pod, name, ended, tail), _whose(pod, ended))
    if ended.get("reason") == "OOMKilled":
        return Note(kind, who, oom(pod, name), Reason.OUT_OF_MEMORY)
    return Note(kind, who, f"the box ended {how(ended)}", Reason.BOX_LOST)


def _whose(pod: Object, ended: Object) -> Reason:
    """Say why a job cannot go on that waits for a service which ended so."""
    code = ended.get("exitCode")
    going = pod["metadata"].get("deletionTimestamp") or (pod.get("status") or NOTHING).get("reason")
    end = services.Ended(
        # What a kubelet says of containers of which it knows nothing any more.
        None if ended.get("reason") == "ContainerStatusUnknown" else code,
        int(ended.get("signal") or 0),
        memory=ended.get("reason") == "OOMKilled",
        going=bool(going),
    )
    return services.reason(end)


def service_ended(pod: Object, name: str, ended: Object, tail: str) -> str:
    """Say how a service ended, with the last of what it wrote."""
    if ended.get("reason") == "OOMKilled":
        return oom(pod, name)
    said = last_words(str(ended.get("message") or "") or tail)
    text = f"{called(pod, name)} ended {how(ended)}"
    return f"{text}; its last words: {said}" if said else text


def last_words(text: str) -> str:
    """Return the last lines of a log in one, but none that somebody may have cut.

    Secrets are masked by those who know them, and nobody knows the half of one.
    """
    lines, size = text.splitlines(), len(text.encode())
    if size >= CUT:
        lines = lines[1:]
    if size >= WHOLE and not text.endswith("\n"):
        lines = lines[:-1]
    words = clean("\n".join(lines))
    while len(words) > TAIL and lines:
        lines = lines[1:]
        words = clean("\n".join(lines))
    return words or ("(a line too long to be shown)" if text.strip() else "")


def oom(pod: Object, name: str) -> str:
    """Say that a container was killed for want of memory."""
    most = memory(pod, name)
    limit = f": it may have {most}" if most else ""
    return f"{called(pod, name)} was killed for want of memory{limit}"


def how(ended: Object) -> str:
    """Say how a container ended, in words that follow "ended"."""
    code = ended.get("exitCode")
    # Docker does not tell of a signal, but by the code.
    signal = ended.get("signal") or (code - 128 if isinstance(code, int) and code > 128 else 0)
    if signal in (9, 15):
        return f"by {'SIGKILL' if signal == 9 else 'SIGTERM'} (exit code {code})"
    return f"with exit code {code}"


def alias(pod: Object, name: str) -> str:
    """Return the name people gave to a container: the box, or a service's."""
    if not name.startswith(names.SERVICE):
        return name
    try:
        known = json.loads(pod["metadata"]["annotations"][names.SERVICES])
        return str(known[int(name.removeprefix(names.SERVICE))])
    except (KeyError, ValueError, IndexError, TypeError):
        return name


def called(pod: Object, name: str) -> str:
    """Return what a container is called in a sentence."""
    if name.startswith(names.SERVICE):
        return f"the service {alias(pod, name)}"
    return {names.BOX: "the box", names.RUNNER: "the runner"}.get(name, "the runner's preparation")


def clean(text: str) -> str:
    """Return a text of a container or a kubelet in one line, without control characters."""
    lines = (line.strip() for line in text.splitlines())
    joined = " | ".join(line for line in lines if line)
    return "".join(char for char in joined if char.isprintable())
