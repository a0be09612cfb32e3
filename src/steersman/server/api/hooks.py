"""Webhooks of the forges, and what git's own post-receive hook tells."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NotRequired

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import Field, StringConstraints, with_config
from sqlalchemy import select, update
from typing_extensions import TypedDict

from steersman import server
from steersman.core import quoting
from steersman.core.errors import Conflict, UserError
from steersman.core.forges import Forge, Malformed
from steersman.core.forges.bodies import Fields
from steersman.core.permissions import Action
from steersman.server import access, auditing, receiving
from steersman.server.access import Parts, Who
from steersman.server.answers import answer
from steersman.server.checked import STRICT
from steersman.server.platform import MIB, Platform
from steersman.server.problems import problem
from steersman.store import projects as rows
from steersman.store.base import Transaction
from steersman.store.tables import projects, runs, triggers

router = APIRouter(tags=["hooks"])
LARGEST = 5 * MIB
MOST_UPDATES = 200
LONGEST_WAIT = 8.0
_SCRIPT = Path(server.__file__).with_name("post_receive.sh")
ObjectId = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Reference = Annotated[str, StringConstraints(pattern=r"^refs/[^\x00-\x20\x7f]{1,1000}$")]
Secret = Annotated[str, StringConstraints(pattern=r"^[!-~]{12,256}$")]


@with_config(STRICT)
class WebhookSecret(TypedDict):
    """The secret that the forge has already; one is made when none is given."""

    secret: NotRequired[Secret]


@with_config(STRICT)
class Update(TypedDict):
    """What happened to one reference; zeros stand for nothing before, or nothing after."""

    old: ObjectId
    new: ObjectId
    ref: Reference


@with_config(STRICT)
class Updates(TypedDict):
    """All that one push changed. *pusher* is who pushed, as git's host knows them."""

    updates: Annotated[list[Update], Field(min_length=1, max_length=MOST_UPDATES)]
    pusher: NotRequired[Annotated[str, StringConstraints(max_length=200)]]


@router.post("/projects/{name}/webhook-secret", status_code=201)
async def set_webhook_secret(
    request: Request, name: str, parts: Parts, who: Who, body: WebhookSecret | None = None
) -> Response:
    """Make or set the secret of a project's webhook; it is shown this once."""
    row = await access.project(parts, who, name, Action.PROJECT_EDIT)
    if row["forge"] not in set(Forge):
        raise UserError("nobody knows which forge the project is at", hint="set its `forge` first")
    made = base64.urlsafe_b64encode(parts.clock.randomness(30)).decode()
    secret = (body or {}).get("secret") or made
    _check_signing(secret)
    kept = {receiving.WEBHOOK: {"sealed": receiving.sealed(parts, row["id"], secret)}}

    def keep(tx: Transaction) -> bool:
        which = (projects.c.id == row["id"], projects.c.version == row["version"])
        values = {"settings": {**(row["settings"] or {}), **kept}, "version": row["version"] + 1}
        auditing.note(tx, who.name, "webhook-secret", row["name"])
        return tx.execute(update(projects).where(*which).values(**values)).rowcount == 1

    if not await parts.store.write(keep):
        raise Conflict("the project was changed meanwhile", hint="try again")
    url = f"{parts.settings.url}/api/v1/hooks/{row['forge']}/{row['name']}"
    return answer(request, {"secret": secret, "url": url}, 201)


def _check_signing(secret: str) -> None:
    """A signing token that is no base64 could never verify anything."""
    if not secret.startswith(receiving.SIGNING):
        return
    try:
        base64.b64decode(secret.removeprefix(receiving.SIGNING), validate=True)
    except ValueError:
        raise UserError(
            f"a secret that begins with {receiving.SIGNING} goes on in base64",
            hint="copy the whole signing token",
        ) from None


@router.get("/projects/{name}/post-receive")
async def show_post_receive(name: str, parts: Parts, who: Who) -> Response:
    """Return the post-receive hook for a repository of the project on one's own host."""
    row = await access.project(parts, who, name, Action.PROJECT_EDIT)
    url = f"{parts.settings.url}/api/v1/hooks/git/{row['name']}"
    text = await asyncio.to_thread(_SCRIPT.read_text)
    headers = {"Content-Disposition": 'attachment; filename="post-receive"'}
    text = text.replace("@URL@", quoting.single(url))
    return PlainTextResponse(text, media_type="text/x-shellscript", headers=headers)


@router.post("/hooks/git/{name}", status_code=202)
async def take_updates(
    request: Request,
    name: str,
    body: Updates,
    parts: Parts,
    who: Who,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT)] = 0.0,
) -> Response:
    """Trigger for each branch and tag that a push changed.

    With `wait` the answer comes when all are planned, at most so many seconds later, and names
    their runs. Who accepts text/plain gets lines for people.
    """
    row = await access.project(parts, who, name, Action.TRIGGER)
    pusher = body.get("pusher", "").replace("\0", "") or who.name
    asked = [(each, _asked(each, pusher)) for each in body["updates"]]

    def accept(tx: Transaction) -> dict[str, str]:
        return {
            each["ref"]: rows.accept(
                tx, parts.clock.new_id(), row["id"], _key(each), wanted, who.name
            )[0]
            for each, wanted in asked
            if wanted
        }

    accepted = await parts.store.write(accept)
    planned = await _planned(parts, list(accepted.values()), wait)
    items = [{"ref": ref, **planned[identity]} for ref, identity in accepted.items()]
    if request.headers.get("accept", "").startswith("text/plain"):
        return PlainTextResponse("".join(map(_line, items)), 202)
    ignored = [each["ref"] for each, wanted in asked if not wanted]
    return answer(request, {"triggers": items, "ignored": ignored}, 202)


def _asked(told: Update, pusher: str) -> dict[str, Any]:
    """Return what the planner is told of an update; nothing for no branch and no tag."""
    try:
        found = Fields({"ref": told["ref"]}).ref("ref")
    except Malformed:
        shown = told["ref"][:100]
        raise UserError(f"updates: git would not take the name {shown!r}") from None
    if found is None:
        return {}
    kind, name = found
    gone = not told["new"].strip("0")
    said = {
        "kind": kind.value,
        kind.value if kind == "tag" else "branch": name,
        "commit": "" if gone else told["new"],
        "before": told["old"] if told["old"].strip("0") else "",
        "deleted": gone,
        "sender": pusher,
    }
    return {key: value for key, value in said.items() if value}


def _key(told: Update) -> str:
    said = f"{told['old']} {told['new']} {told['ref']}"
    return f"git/{hashlib.sha256(said.encode()).hexdigest()}"


async def _planned(
    parts: Platform, identities: Sequence[str], seconds: float
) -> dict[str, dict[str, Any]]:
    """Return what became of triggers, after at most *seconds* for their planning."""
    woken = asyncio.Event()
    stops = [parts.store.waking.listen(f"trigger:{each}", woken.set) for each in identities]
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    try:
        while True:
            woken.clear()
            found = await parts.store.read(lambda tx: _become(tx, parts, identities))
            left = deadline - loop.time()
            if left <= 0 or all(each["state"] != "accepted" for each in found.values()):
                return found
            try:
                await asyncio.wait_for(woken.wait(), left)
            except TimeoutError:
                continue
    finally:
        for stop in stops:
            stop()


def _become(
    tx: Transaction, parts: Platform, identities: Sequence[str]
) -> dict[str, dict[str, Any]]:
    made: dict[str, list[dict[str, str]]] = {each: [] for each in identities}
    mine = select(runs).where(runs.c.trigger_id.in_(identities)).order_by(runs.c.id)
    for run in tx.all(mine):
        url = f"{parts.settings.url}/runs/{run['id']}"
        made[run["trigger_id"]].append({"id": run["id"], "name": run["name"], "url": url})
    query = select(triggers).where(triggers.c.id.in_(identities))
    return {
        row["id"]: {
            "id": row["id"],
            "state": row["state"],
            "message": row["message"],
            "runs": made[row["id"]],
        }
        for row in tx.all(query)
    }


def _line(item: dict[str, Any]) -> str:
    """Say in lines what became of one reference."""
    name = item["ref"].partition("/")[2].partition("/")[2]
    if item["runs"]:
        return "".join(f"{name}: {run['name']}: {run['url']}\n" for run in item["runs"])
    if item["state"] == "accepted":
        return f"{name}: will be planned soon\n"
    return f"{name}: nothing runs: {item['message']}\n"


@router.post("/hooks/{forge}/{name}", status_code=202)
async def take_webhook(request: Request, forge: Forge, name: str, parts: Parts) -> Response:
    """Take a webhook of a forge. Its signature is what lets it in; no token is needed."""
    body = await _body(request)
    if body is None:
        return problem(413, "too large", f"a webhook has at most {LARGEST} bytes")
    found = await receiving.receive(parts, name, forge, dict(request.headers), body)
    if found.known:
        return answer(request, {"state": "known", "id": found.id})
    if found.malformed is not None:
        raise found.malformed
    return answer(request, become(found), 202)


def become(found: receiving.Received) -> dict[str, Any]:
    """Return what became of a delivery."""
    state = "accepted" if found.triggers else "ignored"
    said = {"id": found.id, "state": state, "message": found.why}
    return {**said, "triggers": list(found.triggers)}


async def _body(request: Request) -> bytes | None:
    """Return the body, None when it is too large."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST:
            return None
        pieces.append(piece)
    return b"".join(pieces)
