"""What Bitbucket Cloud says."""

from __future__ import annotations

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
from steersman.core.forges.bodies import Fields, document
from steersman.core.triggers import Kind

_SHORT = 12
"""How many digits the commit of a pull request has at least."""


def verify(headers: Headers, body: bytes, secret: str) -> bool:
    """Tell whether somebody who knows *secret* sent this."""
    given = headers.get("x-hub-signature", "")
    return bool(secret) and same(given, f"sha256={signature(secret, body)}")


def delivery(headers: Headers, body: bytes) -> Delivery:
    """Return what tells this delivery from all others."""
    event = event_name(headers.get("x-event-key", ""))
    return Delivery(identity(headers.get("x-request-uuid", ""), body), event)


def timestamp(headers: Headers) -> float | None:
    """Return None: Bitbucket does not say when it sent."""
    return None


def read(headers: Headers, body: bytes) -> tuple[Push, ...] | Ignored:
    """Return what may trigger, one value for each branch or tag of a push.

    An update of a pull request may be one of its title: the same commit comes twice then.
    """
    match headers.get("x-event-key", ""):
        case "repo:push":
            return _pushed(document(headers, body))
        case "pullrequest:created" | "pullrequest:updated":
            return _pull_request(document(headers, body))
        case "repo:refs_changed" | "pr:opened" | "pr:from_ref_updated":
            return Ignored("this is Bitbucket Data Center; only Bitbucket Cloud is understood")
        case "":
            hint = "is the webhook of another forge?"
            raise Malformed("the header X-Event-Key is missing", hint=hint)
        case event:
            return Ignored(f"the event {event_name(event)} triggers nothing")


def _pushed(found: Fields) -> tuple[Push, ...] | Ignored:
    changes = found.inner("push").many("changes")
    if not changes:
        return Ignored("the push changes no branch and no tag")
    repository = found.inner("repository")
    common = Push(
        Kind.PUSH,
        sender=_person(found, "actor"),
        repository_url=_clone_url(repository),
        url=_page(repository),
    )
    return tuple(_changed(each, common) for each in changes)


def _changed(change: Fields, common: Push) -> Push:
    """Read one change of a push: of what is gone only the old is told, of what is new the new."""
    old, new = change.maybe("old"), change.maybe("new")
    what = new or old or change.inner("new")
    is_tag = what.optional("type") in ("tag", "annotated_tag")
    push = common._replace(
        kind=Kind.TAG if is_tag else Kind.PUSH,
        branch="" if is_tag else what.name("name"),
        tag=what.name("name") if is_tag else "",
        before=old.inner("target").commit("hash") if old else "",
        deleted=new is None,
    )
    return _described(push, new.inner("target")) if new else push


def _described(push: Push, target: Fields) -> Push:
    author = target.maybe("author")
    return push._replace(
        commit=target.commit("hash"),
        message=target.optional("message"),
        author=author.optional("raw").partition(" <")[0] if author else "",
        url=_page(target) or push.url,
    )


def _pull_request(found: Fields) -> tuple[Push, ...] | Ignored:
    asked = found.inner("pullrequest")
    state = asked.optional("state")
    if state and state != "OPEN":
        return Ignored(f"the pull request is {event_name(state)}")
    source, target = asked.inner("source"), asked.inner("destination")
    theirs, ours = source.maybe("repository"), target.inner("repository")
    title = asked.optional("title")
    head = source.inner("commit")
    push = Push(
        Kind.PULL_REQUEST,
        branch=target.inner("branch").name("name"),
        commit=head.commit("hash", shortest=_SHORT),
        message=title,
        author=_person(asked, "author"),
        sender=_person(found, "actor"),
        repository_url=_clone_url(ours),
        number=asked.number("id"),
        # The repository of a fork that is gone is null: it is nobody's to trust.
        fork=theirs is None or _full_name(theirs) != _full_name(ours),
        source_branch=source.inner("branch").name("name"),
        head_repository_url=_clone_url(theirs) if theirs else "",
        title=title,
        url=_page(asked),
    )
    return (push,)


def _clone_url(repository: Fields) -> str:
    """Return where git fetches from; a webhook names the page only, which is the same."""
    page = repository.inner("links").inner("html").address("href")
    return f"{page.removesuffix('/').removesuffix('.git')}.git"


def _page(found: Fields) -> str:
    links = found.maybe("links")
    html = links.maybe("html") if links else None
    return html.link("href") if html else ""


def _full_name(repository: Fields) -> str:
    return repository.text("full_name").lower()


def _person(found: Fields, key: str) -> str:
    person = found.maybe(key)
    return (person.optional("nickname") or person.optional("display_name")) if person else ""
