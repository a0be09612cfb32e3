"""What GitHub says, on github.com and on one's own server."""

from __future__ import annotations

from collections.abc import Set

from steersman.core.forges.base import (
    Delivery,
    Headers,
    Ignored,
    Malformed,
    Push,
    event_name,
    identity,
    same,
    signature,
)
from steersman.core.forges.bodies import Fields, changed, document, listed
from steersman.core.triggers import Kind

_CUT, _LONGEST = 20, 2048
"""How many commits servers list at most: old ones, and github.com."""
_ACTIONS = frozenset({"opened", "synchronize", "reopened"})


def verify(headers: Headers, body: bytes, secret: str) -> bool:
    """Tell whether somebody who knows *secret* sent this."""
    given = headers.get("x-hub-signature-256", "")
    return bool(secret) and same(given, f"sha256={signature(secret, body)}")


def delivery(headers: Headers, body: bytes) -> Delivery:
    """Return what tells this delivery from all others."""
    event = event_name(headers.get("x-github-event", ""))
    return Delivery(identity(headers.get("x-github-delivery", ""), body), event)


def timestamp(headers: Headers) -> float | None:
    """Return None: GitHub does not say when it sent."""
    return None


def read(headers: Headers, body: bytes) -> tuple[Push, ...] | Ignored:
    """Return what may trigger."""
    match headers.get("x-github-event", ""):
        case "push":
            found = document(headers, body)
            return pushed(found, _paths(found))
        case "pull_request":
            return pull_request(document(headers, body), _ACTIONS)
        case "ping":
            return Ignored("a ping: the webhook works")
        case "":
            hint = "is the webhook of another forge?"
            raise Malformed("the header X-GitHub-Event is missing", hint=hint)
        case event:
            return Ignored(f"the event {event_name(event)} triggers nothing")


def pushed(found: Fields, paths: tuple[str, ...] | None) -> tuple[Push, ...] | Ignored:
    """Read a push to a branch or a tag; also for Gitea, which speaks alike."""
    ref = found.ref("ref")
    if ref is None:
        return Ignored("neither a branch nor a tag was pushed")
    kind, name = ref
    is_tag, repository = kind is Kind.TAG, found.inner("repository")
    after = found.maybe_commit("after")
    head = found.maybe("head_commit") or listed(found.many("commits"), after)
    push = Push(
        kind,
        branch="" if is_tag else name,
        tag=name if is_tag else "",
        # An annotated tag is an object of its own; what is to be built is the commit it names.
        commit=head.commit("id") if after and head and is_tag else after,
        before=found.maybe_commit("before"),
        paths=None if is_tag or not after else paths,
        sender=_login(found, "sender") or _login(found, "pusher"),
        repository_url=repository.address("clone_url"),
        deleted=not after,
        url=repository.link("html_url"),
    )
    return (_described(push, head) if head and after else push,)


def _described(push: Push, head: Fields) -> Push:
    author = head.maybe("author")
    return push._replace(
        message=head.optional("message"),
        author=author.optional("name") if author else "",
        url=head.link("url") or push.url,
    )


def pull_request(found: Fields, actions: Set[str]) -> tuple[Push, ...] | Ignored:
    """Read a pull request, to which only *actions* give a new commit; also for Gitea."""
    action = found.text("action")
    if action not in actions:
        return Ignored(f"a pull request that was {event_name(action)} has no new commit")
    asked = found.inner("pull_request")
    base, head = asked.inner("base"), asked.inner("head")
    target, source = base.inner("repo"), head.maybe("repo")
    title = asked.optional("title")
    push = Push(
        Kind.PULL_REQUEST,
        branch=base.name("ref"),
        commit=head.commit("sha"),
        before=found.commit("before") if found.optional("before") else "",
        message=title,
        author=_login(asked, "user"),
        sender=_login(found, "sender"),
        repository_url=target.address("clone_url"),
        number=asked.number("number"),
        # The repository of a fork that is gone is null: it is nobody's to trust.
        fork=source is None or _full_name(source) != _full_name(target),
        source_branch=head.name("ref"),
        head_repository_url=source.address("clone_url") if source else "",
        title=title,
        url=asked.link("html_url"),
    )
    return (push,)


def _paths(found: Fields) -> tuple[str, ...] | None:
    """Return what changed; a list that may be cut, or says not what was undone, tells nothing."""
    commits = found.many("commits")
    is_cut = len(commits) == _CUT or len(commits) >= _LONGEST
    is_other = found.found.get("forced") is True or not found.maybe_commit("before")
    if is_cut or is_other or not listed(commits, found.maybe_commit("after")):
        return None
    return changed(commits)


def _full_name(repository: Fields) -> str:
    return repository.text("full_name").lower()


def _login(found: Fields, key: str) -> str:
    person = found.maybe(key)
    return (person.optional("login") or person.optional("name")) if person else ""
