"""What Gitea and Forgejo say: GitHub's language, with an accent."""

from __future__ import annotations

from steersman.core.forges import github
from steersman.core.forges.base import (
    Delivery,
    Headers,
    Ignored,
    Malformed,
    Push,
    event_name,
    first,
    identity,
    same,
    signature,
)
from steersman.core.forges.bodies import Fields, changed, document, listed
from steersman.core.triggers import Kind

_EVENT = ("x-gitea-event", "x-forgejo-event", "x-github-event")
_DELIVERY = ("x-gitea-delivery", "x-forgejo-delivery", "x-github-delivery")
_ACTIONS = frozenset({"opened", "synchronized", "reopened"})


def verify(headers: Headers, body: bytes, secret: str) -> bool:
    """Tell whether somebody who knows *secret* sent this."""
    if not secret:
        return False
    wanted = signature(secret, body)
    given = (
        headers.get("x-gitea-signature", ""),
        headers.get("x-forgejo-signature", ""),
        headers.get("x-hub-signature-256", "").removeprefix("sha256="),
    )
    return any(same(each, wanted) for each in given)


def delivery(headers: Headers, body: bytes) -> Delivery:
    """Return what tells this delivery from all others."""
    event = event_name(first(headers, *_EVENT))
    return Delivery(identity(first(headers, *_DELIVERY), body), event)


def timestamp(headers: Headers) -> float | None:
    """Return None: Gitea does not say when it sent."""
    return None


def read(headers: Headers, body: bytes) -> tuple[Push, ...] | Ignored:
    """Return what may trigger."""
    match first(headers, *_EVENT):
        case "push":
            found = document(headers, body)
            return github.pushed(found, _paths(found))
        case "delete":
            return _deleted(document(headers, body))
        case "pull_request" | "pull_request_sync":
            return github.pull_request(document(headers, body), _ACTIONS)
        case "":
            hint = "is the webhook of another forge?"
            raise Malformed("the header X-Gitea-Event is missing", hint=hint)
        case event:
            return Ignored(f"the event {event_name(event)} triggers nothing")


def _deleted(found: Fields) -> tuple[Push, ...] | Ignored:
    """Read the end of a branch or tag, of which no push tells here."""
    repository, kind = found.inner("repository"), found.text("ref_type")
    if kind not in ("branch", "tag"):
        return Ignored(f"a {event_name(kind)} was deleted")
    sender = found.maybe("sender")
    push = Push(
        Kind.TAG if kind == "tag" else Kind.PUSH,
        branch=found.name("ref") if kind == "branch" else "",
        tag=found.name("ref") if kind == "tag" else "",
        sender=sender.optional("login") if sender else "",
        repository_url=repository.address("clone_url"),
        deleted=True,
        url=repository.link("html_url"),
    )
    return (push,)


def _paths(found: Fields) -> tuple[str, ...] | None:
    """Return what changed; servers list a few commits only, and how many there were."""
    commits = found.many("commits")
    is_whole = found.found.get("total_commits") == len(commits)
    if (
        not is_whole
        or not found.maybe_commit("before")
        or not listed(commits, found.maybe_commit("after"))
    ):
        return None
    return changed(commits)
