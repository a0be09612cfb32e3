"""What is said when something happened: to people in words, to programs as signed JSON."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Any

from steersman.core.alerts import OVER, Alert, Alerts, stored
from steersman.core.errors import UserError
from steersman.core.notifications import Change, News, news
from steersman.core.runs import State

_TYPES = {News.STARTED: "run.started", News.APPROVAL: "approval.requested"}
_FINISHED = "run.finished"
_ALARMS = "schedules.alarms"
_LONGEST_LINE = 300
_MOST_ALERTS = 20
"""So many are named; the page has all."""
_SIGNING = "whsec_"
_SAID = {
    State.RUNNING: "has started",
    State.ERRORED: "could not be finished",
    State.CANCELLED: "was cancelled",
}


def subject(change: Change | Alerts) -> str:
    """Say in one line what happened."""
    if isinstance(change, Alerts):
        return _alerts(change)
    build = f"{change.name} #{change.number} of {change.project}"
    if change.job:
        return _line(f"{change.job} of {build} waits for approval {_where(change)}")
    said = "is fixed" if change.fixed else _SAID.get(State(change.state), change.state)
    why = f": {change.why}" if change.why and change.state != State.SUCCEEDED else ""
    return _line(f"{build} {said} {_where(change)}{why}")


def _alerts(told: Alerts) -> str:
    if len(told.alerts) == 1:
        return _line(f"{told.project}: {_alert(told.alerts[0])}")
    over = sum(each.state == OVER for each in told.alerts)
    raised = len(told.alerts) - over
    said = [f"{raised} alarms" if raised != 1 else "an alarm"] if raised else []
    said += [f"{over} over"] if over else []
    return _line(f"{told.project}: {', '.join(said)} of its schedules")


def _alert(alert: Alert) -> str:
    if alert.state == OVER:
        return _line(f"the alarm {alert.what} of the schedule {alert.schedule} is over")
    at = f" at {_time(alert.instant)}" if alert.instant else ""
    return _line(f"the schedule {alert.schedule}{at}: {alert.message}")


def body(change: Change | Alerts, url: str) -> str:
    """Say the same in a few lines, with the page that shows more."""
    if isinstance(change, Alerts):
        named = [_alert(each) for each in change.alerts[:_MOST_ALERTS]]
        more = len(change.alerts) - len(named)
        return "\n".join([*named, *([f"and {more} more"] if more else []), "", url, ""])
    facts = {"Commit": change.commit, "Author": change.author, "Trigger": change.event}
    known = [f"{name}: {_line(fact)}" for name, fact in facts.items() if fact]
    return "\n".join([subject(change), "", *known, "", url, ""])


def description(change: Change) -> str:
    """Say in the few words of a status how the run goes."""
    if change.state == State.APPROVAL:
        return "waits for approval"
    return _line(change.why) or change.state


def _where(change: Change) -> str:
    if change.pull:
        return f"in pull request {change.pull}"
    if change.tag:
        return f"at {change.tag}"
    return f"on {change.branch}" if change.branch else f"at {change.commit[:12] or 'no commit'}"


def _line(text: str) -> str:
    """Return *text* as one line that neither a header nor a terminal can stumble over."""
    line = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "", " ".join(text.split()))
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"


def slack(change: Change | Alerts, url: str) -> dict[str, Any]:
    """Return what Slack, and who speaks as it does, shows in a channel."""
    several = isinstance(change, Alerts) and len(change.alerts) > 1
    text = body(change, "").strip() if several else subject(change)
    for plain, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(plain, written)
    # A branch called `@channel` is to wake nobody.
    text = text.replace("@", "@\u200b")
    return {"text": f"{text} (<{url}|details>)"}


def page(change: Change | Alerts, base_url: str) -> str:
    """Return the address of the page that shows more."""
    where = "schedules" if isinstance(change, Alerts) else f"runs/{change.run}"
    return f"{base_url}/{where}"


def cloud_event(change: Change | Alerts, identity: str, base_url: str) -> dict[str, Any]:
    """Return the CloudEvent of *change* for programs; *identity* is the message's own."""
    if isinstance(change, Alerts):
        kind, about, data = _ALARMS, f"projects/{change.project}/schedules", stored(change)
    else:
        known = (_TYPES[each] for each in sorted(news(change)) if each in _TYPES)
        kind, about = next(known, _FINISHED), f"runs/{change.run}"
        data = change._asdict()
    return {
        "specversion": "1.0",
        "id": identity,
        "source": base_url,
        "type": f"dev.steersman.{kind}",
        "subject": about,
        "time": _time(change.at),
        "datacontenttype": "application/json",
        "data": data | {"summary": subject(change), "url": page(change, base_url)},
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def signed(identity: str, now: float, body: bytes, secret: str) -> dict[str, str]:
    """Return the headers by which a receiver knows that *body* is from us and new.

    Without a secret nothing is signed. One that begins with `whsec_` is base64 after that.
    """
    stamp = str(int(now))
    headers = {"webhook-id": identity, "webhook-timestamp": stamp}
    if secret:
        content = f"{identity}.{stamp}.".encode() + body
        digest = hmac.new(_signing_key(secret), content, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def _signing_key(secret: str) -> bytes:
    if not secret.startswith(_SIGNING):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_SIGNING), validate=True)
    except (binascii.Error, ValueError):
        raise UserError(
            "the secret of the webhook begins with whsec_ but is no base64 after that",
            hint="give the target its secret anew",
        ) from None
