"""What comes from outside and triggers: webhooks of the forges, and pushes told by git's own hook.

A webhook counts only after its signature did. What it says is kept, whatever becomes of it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
from typing import Any, NamedTuple

from sqlalchemy.exc import IntegrityError

from steersman.core import forges
from steersman.core.errors import Forbidden, SteersmanError, Unknown
from steersman.core.forges import Forge, Headers, Ignored, Malformed, Push
from steersman.core.triggers import Kind
from steersman.server.platform import Platform
from steersman.store import deliveries, projects
from steersman.store.base import Row, Transaction
from steersman.store.deliveries import Arrived

WEBHOOK = "webhook"
SIGNING = "whsec_"
"""How the secrets begin with which GitLab signs; any other it sends along."""
OLDEST = 300.0
MOST_PATHS = 5000
MOST_TEXT = 10_000
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_KEPT_BACK = re.compile(r"signature|token|authorization|cookie|secret|api-?key")
log = logging.getLogger("steersman.server")


class Received(NamedTuple):
    """What became of a delivery: its triggers, or *why* there are none."""

    id: str
    triggers: tuple[str, ...] = ()
    why: str = ""
    malformed: Malformed | None = None
    known: bool = False


class Reading(NamedTuple):
    """What a delivery asks for, or *why* nothing."""

    pushes: tuple[Push, ...] = ()
    why: str = ""
    malformed: Malformed | None = None


def sealed(parts: Platform, project: str, secret: str) -> str:
    """Return the secret of a project's webhook as it stands in the settings."""
    return base64.b64encode(parts.keyring.seal(project, WEBHOOK, secret.encode())).decode()


async def receive(
    parts: Platform, name: str, forge: Forge, headers: Headers, body: bytes
) -> Received:
    """Take a webhook for the project *name*: verify, read and keep it, accept its triggers."""
    project = None
    if _NAME.fullmatch(name):
        project = await parts.store.read(lambda tx: projects.find(tx, name))
    is_right = await asyncio.to_thread(_is_right, parts, project, forge, headers, body)
    if project is None or not is_right:
        hint = "the forge and this server must have the same secret; set it anew in both"
        raise Unknown("the webhook's signature is missing or wrong", hint=hint)
    _check_age(forges.dialect(forge).timestamp(headers), parts.clock.now())
    said = forges.dialect(forge).delivery(headers, body)
    kept = {key: value for key, value in headers.items() if not _KEPT_BACK.search(key)}
    arrived = Arrived(
        parts.clock.new_id(), project["id"], said.id, said.event, forge.value, kept, body
    )
    found = read(forge, headers, body)
    try:
        return await parts.store.write(lambda tx: _keep(tx, parts, arrived, found))
    except IntegrityError:
        # The same one came twice at the same time: now the other one is there.
        return await parts.store.write(lambda tx: _keep(tx, parts, arrived, found))


def _is_right(
    parts: Platform, project: Row | None, forge: Forge, headers: Headers, body: bytes
) -> bool:
    """Tell whether the project's secret signed it.

    A project that is not there, or has no secret, takes as long and gives the same answer: there
    is always one secret that signs and one that comes along, and both are tried.
    """
    decoy = base64.b64encode(parts.clock.randomness(24)).decode()
    secret = _secret(parts, project)
    signing = secret if secret.startswith(SIGNING) else SIGNING + decoy
    plain = decoy if not secret or secret.startswith(SIGNING) else secret
    verify = forges.dialect(forge).verify
    right = [verify(headers, body, each) for each in (signing, plain)]
    return bool(secret) and any(right)


def _secret(parts: Platform, project: Row | None) -> str:
    """Return the secret of a project's webhook, empty without one; either way in the same time."""
    settings = (project["settings"] or {}) if project is not None else {}
    kept = (settings.get(WEBHOOK) or {}).get("sealed") or ""
    owner = project["id"] if project is not None else "nobody"
    if not kept:
        parts.keyring.seal(owner, WEBHOOK, b"none")
        return ""
    try:
        return parts.keyring.open(owner, WEBHOOK, base64.b64decode(kept)).decode()
    except (SteersmanError, ValueError) as error:
        log.warning("webhook_secret_lost: project %s: %s", owner, error)
        return ""


def _check_age(sent: float | None, now: float) -> None:
    if sent is not None and abs(now - sent) > OLDEST:
        raise Forbidden(
            f"the webhook was signed {abs(now - sent):.0f} seconds away from this server's time:"
            " it may be a copy",
            hint="let the forge send it anew; set both clocks if this happens again",
        )


def read(forge: Forge, headers: Headers, body: bytes) -> Reading:
    """Return what a delivery asks for."""
    try:
        found = forges.dialect(forge).read(headers, body)
    except Malformed as error:
        return Reading(why=f"malformed: {error}", malformed=error)
    if isinstance(found, Ignored):
        return Reading(why=found.why)
    if any(push.fork and forge is Forge.BITBUCKET for push in found):
        return Reading(why="pull requests from forks are not fetched from Bitbucket yet")
    return Reading(found)


def _keep(tx: Transaction, parts: Platform, arrived: Arrived, found: Reading) -> Received:
    if known := deliveries.known(tx, arrived):
        return Received(known, known=True)
    made = []
    for number, push in enumerate(found.pushes):
        key = _key(arrived, number, push)
        made.append(_accept(tx, parts, arrived.project, key, _asked(arrived.forge, push)))
    deliveries.add(tx, arrived, found.why, made)
    return Received(arrived.id, tuple(made), found.why, found.malformed)


def _key(arrived: Arrived, number: int, push: Push) -> str:
    """Return what makes a trigger once.

    A pull request is told again when nothing but its title was changed.
    """
    if push.kind is not Kind.PULL_REQUEST:
        return f"hook/{arrived.delivery}/{number}"
    said = "\0".join((str(push.number), push.branch, push.commit)).encode()
    return f"hook/{arrived.forge}/{push.kind}/{hashlib.sha256(said).hexdigest()}"


def _accept(tx: Transaction, parts: Platform, project: str, key: str, asked: dict[str, Any]) -> str:
    author = asked.get("sender") or asked.get("forge") or "git"
    return projects.accept(tx, parts.clock.new_id(), project, key, asked, author)[0]


def _asked(forge: str, push: Push) -> dict[str, Any]:
    """Return what the planner is told of *push*; what is empty is left out."""
    is_request = push.kind is Kind.PULL_REQUEST
    known = push.paths is not None and len(push.paths) <= MOST_PATHS
    said = {
        "kind": push.kind.value,
        "branch": push.branch,
        "tag": push.tag,
        "commit": push.commit,
        # Of a pull request all counts that it changes, not only what came with the last push.
        "before": "" if is_request else push.before,
        "message": push.message[:MOST_TEXT],
        "paths": list(push.paths or ()) if known else None,
        "fork": push.fork,
        "number": push.number,
        "source_branch": push.source_branch,
        "title": push.title[:500],
        "url": push.url[:2000],
        "sender": (push.sender or push.author)[:200],
        "forge": forge,
        "ref": _ref(forge, push) if is_request else "",
        "head_repository_url": push.head_repository_url[:2000],
        "deleted": push.deleted,
    }
    return {name: value for name, value in said.items() if value not in ("", None, False, 0)}


def _ref(forge: str, push: Push) -> str:
    """Return by which reference of the project's own repository a pull request is fetched."""
    if forge == Forge.BITBUCKET:
        return f"refs/heads/{push.source_branch}"
    kind = "merge-requests" if forge == Forge.GITLAB else "pull"
    return f"refs/{kind}/{push.number}/head"


async def again(parts: Platform, row: Row) -> Received:
    """Read a delivery once more, and accept what it asks for as if it never had."""
    forge, body = Forge(row["headers"]["forge"]), row["body"] or b""
    found = read(forge, row["headers"]["sent"], body)

    def keep(tx: Transaction) -> Received:
        pairs = [_asked(forge, push) for push in found.pushes]
        made = [_accept(tx, parts, row["project_id"], "", asked) for asked in pairs]
        deliveries.note(tx, row, found.why, made)
        return Received(row["id"], tuple(made), found.why, found.malformed)

    return await parts.store.write(keep)
