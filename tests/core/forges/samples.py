"""Webhooks as the forges send them, and what is read of them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from steersman.core.forges import Forge, Ignored, Push, dialect

PAYLOADS = Path(__file__).parent / "payloads"

AFTER = "9f1c2b7de04a5863b1f0c9a8d7e6f5a4b3c2d1e0"
BEFORE = "41d8cd98f00b204e9800998ecf8427e0a1b2c3d4"
EARLIER = "c0ffee00c0ffee11c0ffee22c0ffee33c0ffee44"
ZEROS = "0" * 40

# The events by which each payload comes: the header's name and what it says.
EVENTS = {
    "github_push": ("x-github-event", "push"),
    "github_tag": ("x-github-event", "push"),
    "github_pull_request": ("x-github-event", "pull_request"),
    "gitlab_push": ("x-gitlab-event", "Push Hook"),
    "gitlab_tag": ("x-gitlab-event", "Tag Push Hook"),
    "gitlab_merge_request": ("x-gitlab-event", "Merge Request Hook"),
    "gitea_push": ("x-gitea-event", "push"),
    "gitea_delete": ("x-gitea-event", "delete"),
    "gitea_pull_request": ("x-gitea-event", "pull_request"),
    "bitbucket_push": ("x-event-key", "repo:push"),
    "bitbucket_pull_request": ("x-event-key", "pullrequest:updated"),
}
_TEXTS = {name: (PAYLOADS / f"{name}.json").read_text() for name in EVENTS}


def payload(name: str) -> Any:
    """Return a payload that may be changed."""
    return json.loads(_TEXTS[name])


def forge(name: str) -> Forge:
    """Return whose payload it is."""
    return Forge(name.partition("_")[0])


def read(name: str, found: object) -> tuple[Push, ...] | Ignored:
    """Read *found* as if it had come by the event of the payload *name*."""
    header, event = EVENTS[name]
    return dialect(forge(name)).read({header: event}, json.dumps(found).encode())


def pushes(name: str, *changes: tuple[str, object]) -> tuple[Push, ...]:
    """Return what is read of a payload, with some values changed: `a.b.0.c` names a place."""
    outcome = read(name, changed(name, *changes))
    assert not isinstance(outcome, Ignored), outcome.why
    return outcome


def push(name: str, *changes: tuple[str, object]) -> Push:
    """Return the only thing that is read of a payload."""
    (only,) = pushes(name, *changes)
    return only


def ignored(name: str, *changes: tuple[str, object]) -> str:
    """Return why a payload triggers nothing."""
    outcome = read(name, changed(name, *changes))
    assert isinstance(outcome, Ignored)
    return outcome.why


def changed(name: str, *changes: tuple[str, object]) -> Any:
    """Return a payload in which each place holds another value; `...` takes it out."""
    found = payload(name)
    for place, value in changes:
        *way, last = [int(word) if word.isdigit() else word for word in place.split(".")]
        inner = found
        for word in way:
            inner = inner[word]
        if value is ...:
            del inner[last]
        else:
            inner[last] = copy.deepcopy(value)
    return found
