"""What GitLab says, on gitlab.com and on one's own server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from steersman.core.forges.base import (
    Delivery,
    Headers,
    Ignored,
    Push,
    encoded,
    event_name,
    first,
    identity,
    same,
)
from steersman.core.forges.bodies import Fields, changed, document, listed
from steersman.core.triggers import Kind

_SIGNING = "whsec_"
_DELIVERY = ("webhook-id", "idempotency-key", "x-gitlab-event-uuid")


def verify(headers: Headers, body: bytes, secret: str) -> bool:
    """Tell whether somebody who knows *secret* sent this.

    A signing token (`whsec_...`) signs; any other secret comes along as it is.
    """
    if secret.startswith(_SIGNING):
        return _is_signed(headers, body, secret.removeprefix(_SIGNING))
    return bool(secret) and same(headers.get("x-gitlab-token", ""), secret)


def _is_signed(headers: Headers, body: bytes, secret: str) -> bool:
    try:
        key = base64.b64decode(secret, validate=True)
    except ValueError:
        return False
    said = [headers.get(name, "") for name in ("webhook-id", "webhook-timestamp")]
    if not key or not all(said):
        return False
    message = b".".join((*map(encoded, said), body))
    digest = hmac.new(key, message, hashlib.sha256).digest()
    wanted = f"v1,{base64.b64encode(digest).decode()}"
    # While a token is being changed there are two signatures.
    given = headers.get("webhook-signature", "").split(" ", 8)
    return any(same(each, wanted) for each in given)


def delivery(headers: Headers, body: bytes) -> Delivery:
    """Return what tells this delivery from all others, also when it is sent once more."""
    event = event_name(headers.get("x-gitlab-event", ""))
    return Delivery(identity(first(headers, *_DELIVERY), body), event)


def timestamp(headers: Headers) -> float | None:
    """Return when it was sent, None when it is not signed: only then does GitLab say so."""
    given = headers.get("webhook-timestamp", "")
    return float(given) if re.fullmatch(r"[0-9]{1,12}", given) else None


def read(headers: Headers, body: bytes) -> tuple[Push, ...] | Ignored:
    """Return what may trigger."""
    found = document(headers, body)
    match found.optional("object_kind") or found.text("event_name"):
        case "push" | "tag_push":
            return _pushed(found)
        case "merge_request":
            return _merge_request(found)
        case kind:
            return Ignored(f"the event {event_name(kind)} triggers nothing")


def _pushed(found: Fields) -> tuple[Push, ...] | Ignored:
    ref = found.ref("ref")
    if ref is None:
        return Ignored("neither a branch nor a tag was pushed")
    kind, name = ref
    is_tag, project = kind is Kind.TAG, found.inner("project")
    after = found.maybe_commit("after")
    # `after` of an annotated tag is the tag's own object; `checkout_sha` is what it names.
    commit = found.commit("checkout_sha") if after and found.optional("checkout_sha") else after
    head = listed(found.many("commits"), commit)
    push = Push(
        kind,
        branch="" if is_tag else name,
        tag=name if is_tag else "",
        commit=commit,
        before=found.maybe_commit("before"),
        message=head.optional("message") if head else "",
        paths=None if is_tag else _paths(found),
        author=_name(head, "author") or found.optional("user_name"),
        sender=found.optional("user_username") or found.optional("user_name"),
        repository_url=project.address("git_http_url"),
        deleted=not after,
        url=(head.link("url") if head else "") or project.link("web_url"),
    )
    return (push,)


def _paths(found: Fields) -> tuple[str, ...] | None:
    """Return what changed; GitLab lists 20 commits at most, and how many there were."""
    commits = found.many("commits")
    is_whole = found.found.get("total_commits_count") == len(commits)
    if (
        not is_whole
        or not found.maybe_commit("before")
        or not listed(commits, found.maybe_commit("after"))
    ):
        return None
    return changed(commits)


def _merge_request(found: Fields) -> tuple[Push, ...] | Ignored:
    asked = found.inner("object_attributes")
    if why := _unchanged(asked):
        return Ignored(why)
    head, source = asked.inner("last_commit"), asked.maybe("source")
    person = found.maybe("user")
    push = Push(
        Kind.PULL_REQUEST,
        branch=asked.name("target_branch"),
        commit=head.commit("id"),
        before=asked.commit("oldrev") if asked.optional("oldrev") else "",
        message=head.optional("message"),
        author=_name(head, "author"),
        sender=person.optional("username") if person else "",
        repository_url=asked.inner("target").address("git_http_url"),
        number=asked.number("iid"),
        fork=_is_fork(asked),
        source_branch=asked.name("source_branch"),
        head_repository_url=source.address("git_http_url") if source else "",
        title=asked.optional("title"),
        url=asked.link("url"),
    )
    return (push,)


def _unchanged(asked: Fields) -> str:
    """Say why a merge request has no commit to build; empty when it has."""
    action, state = asked.optional("action"), asked.optional("state")
    if action not in ("open", "reopen", "update"):
        return f"the action {event_name(action) or 'of nobody'} brings no new commit"
    if state and state not in ("opened", "reopened"):
        return f"the merge request is {event_name(state)}"
    if action == "update" and not asked.optional("oldrev"):
        return "the merge request was changed, but not its commits"
    return ""


def _is_fork(asked: Fields) -> bool:
    """Tell whether it comes from elsewhere; a source that is not said is nobody's to trust."""
    source = asked.found.get("source_project_id")
    return source is None or source != asked.number("target_project_id")


def _name(found: Fields | None, key: str) -> str:
    person = found.maybe(key) if found else None
    return person.optional("name") if person else ""
