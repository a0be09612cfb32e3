"""What all forges have in common: one value for whatever may trigger, and signatures."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from steersman.core.errors import UserError
from steersman.core.triggers import Kind, Trigger

Headers = Mapping[str, str]
"""The headers of a request; the names are in lower case."""


class Forge(StrEnum):
    """Where repositories live. Forgejo speaks as Gitea does."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    BITBUCKET = "bitbucket"


class Malformed(UserError):
    """The body of a webhook is not what the forge sends."""


class Delivery(NamedTuple):
    """What tells one delivery of a webhook from all others, and the event's name at the forge.

    Only GitLab signs the id: where somebody may have copied a delivery, remember its body too.
    """

    id: str
    event: str


class Ignored(NamedTuple):
    """An event that triggers nothing, and why."""

    why: str


class Push(NamedTuple):
    """Whatever may trigger: a push to a branch, a tag, a pull request.

    *branch* is that of a pull request's target, *source_branch* the one that is to be merged.
    *commit* is empty when the branch or tag was *deleted*, *before* when it is new; Bitbucket cuts
    the commit of a pull request to 12 digits. *message* is the head commit's, or the title where
    a forge does not send it. *paths* are all that changed, None when nobody can be sure.
    *author* wrote the commit or opened the pull request, *sender* caused the event. *number* is
    the pull request's, 0 without one. *url* is a page for people.
    """

    kind: Kind
    branch: str = ""
    tag: str = ""
    commit: str = ""
    before: str = ""
    message: str = ""
    paths: tuple[str, ...] | None = None
    author: str = ""
    sender: str = ""
    repository_url: str = ""
    deleted: bool = False
    number: int = 0
    fork: bool = False
    source_branch: str = ""
    head_repository_url: str = ""
    title: str = ""
    url: str = ""


def trigger(push: Push) -> Trigger:
    """Return what *push* is to the rules of a pipeline file."""
    return Trigger(
        kind=push.kind,
        branch=push.branch,
        tag=push.tag,
        message=push.message,
        paths=push.paths,
        fork=push.fork,
        deleted=push.deleted,
    )


def signature(secret: str, body: bytes) -> str:
    """Return the HMAC-SHA256 of *body* in hexadecimal digits."""
    return hmac.new(encoded(secret), body, hashlib.sha256).hexdigest()


def same(given: str, wanted: str) -> bool:
    """Compare in a time that does not tell how much of *given* is right."""
    return hmac.compare_digest(encoded(given), encoded(wanted))


def encoded(text: str) -> bytes:
    """Return bytes for any text whatever: a header may hold what is no Unicode."""
    return text.encode("utf-8", "surrogatepass")


def first(headers: Headers, *names: str) -> str:
    """Return the first of these headers that is there and not empty."""
    return next((headers[name] for name in names if headers.get(name)), "")


def identity(given: str, body: bytes) -> str:
    """Return the id that the forge gave, or a digest of *body* where it gave none to rely on."""
    if re.fullmatch(r"[!-~]{1,200}", given):
        return given
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def event_name(given: str) -> str:
    """Return the name of an event as it may be shown: its sender may not be who it should be."""
    return re.sub(r"[^ -~]", "?", given)[:100]
