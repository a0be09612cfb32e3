"""What we say to the forges: how a run of a commit goes.

`legal` says whether a status may follow another, `request` what to send, and `answered` what the
forge's answer means.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from steersman.core.forges.answers import Again, GaveUp, Sent, answered
from steersman.core.forges.base import Forge
from steersman.core.forges.repositories import Repository, repository

__all__ = [
    "Again",
    "GaveUp",
    "Report",
    "Repository",
    "Request",
    "Sent",
    "Status",
    "answered",
    "context",
    "legal",
    "repository",
    "request",
    "value",
]


class Status(StrEnum):
    """How a run goes."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ERRORED = "errored"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class Report(NamedTuple):
    """A status in words. *context* tells it from the statuses of others, *url* shows the run."""

    status: Status
    context: str
    description: str
    url: str


class Request(NamedTuple):
    """What is to be sent. The headers hold the token: they are nothing for a log."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def _values(*values: str) -> Mapping[Status, str]:
    return MappingProxyType(dict(zip(Status, values, strict=True)))


# In the order of Status. What was skipped is a success everywhere: anything else would keep a
# merge waiting, for ever, for a check that is required.
_VALUES: Mapping[Forge, Mapping[Status, str]] = MappingProxyType(
    {
        Forge.GITHUB: _values(
            "pending", "pending", "success", "failure", "error", "error", "success"
        ),
        Forge.GITLAB: _values(
            "pending", "running", "success", "failed", "failed", "canceled", "success"
        ),
        Forge.GITEA: _values(
            "pending", "pending", "success", "failure", "error", "error", "success"
        ),
        Forge.BITBUCKET: _values(
            "INPROGRESS", "INPROGRESS", "SUCCESSFUL", "FAILED", "FAILED", "STOPPED", "SUCCESSFUL"
        ),
    }
)
_ORDER = {Status.PENDING: 0, Status.RUNNING: 1}
_FINAL = 2
_CONTEXT, _BITBUCKET_KEY = 255, 40
"""How many characters a context may have, and Bitbucket's word for it."""
_API_VERSION = "2022-11-28"


def value(forge: Forge, status: Status) -> str:
    """Return the word of *forge* for *status*."""
    return _VALUES[forge][status]


def context(event: str, workflow: str) -> str:
    """Return what tells the statuses of *workflow* on *event* from all others of a commit."""
    return _shortened(f"ci/steersman/{event}/{workflow}", _CONTEXT)


def legal(forge: Forge, before: Status | None, after: Status) -> bool:
    """Tell whether *after* may be sent where *before* was; *before* is None for a new run.

    A run never goes back. GitLab refuses what it shows already, even in other words.
    """
    if before is None:
        return True
    old, new = _ORDER.get(before, _FINAL), _ORDER.get(after, _FINAL)
    if old == new == _FINAL:
        same = value(forge, before) == value(forge, after)
        return before is not after and not (forge is Forge.GITLAB and same)
    return old < new


def request(
    forge: Forge, repository: Repository, commit: str, report: Report, token: str
) -> Request:
    """Return what tells *forge* how *commit* fares."""
    make = {
        Forge.GITHUB: _github,
        Forge.GITLAB: _gitlab,
        Forge.GITEA: _gitea,
        Forge.BITBUCKET: _bitbucket,
    }[forge]
    url, fields = make(repository, quote(commit, safe=""), report)
    return Request("POST", url, _headers(forge, token), json.dumps(fields).encode())


def _github(repository: Repository, commit: str, report: Report) -> tuple[str, Mapping[str, str]]:
    url = f"{_github_api(repository.base_url)}/repos/{_path(repository)}/statuses/{commit}"
    return url, _plain(Forge.GITHUB, report)


def _github_api(base_url: str) -> str:
    scheme, _, host = base_url.partition("://")
    if host == "github.com" or host.endswith(".ghe.com"):
        return f"{scheme}://api.{host}"
    return f"{base_url}/api/v3"


def _gitlab(repository: Repository, commit: str, report: Report) -> tuple[str, Mapping[str, str]]:
    project = quote(f"{repository.owner}/{repository.name}", safe="")
    url = f"{repository.base_url}/api/v4/projects/{project}/statuses/{commit}"
    return url, {
        "state": value(Forge.GITLAB, report.status),
        "name": report.context,
        "description": _description(report, 255),
        "target_url": report.url,
    }


def _gitea(repository: Repository, commit: str, report: Report) -> tuple[str, Mapping[str, str]]:
    url = f"{repository.base_url}/api/v1/repos/{_path(repository)}/statuses/{commit}"
    return url, _plain(Forge.GITEA, report)


def _bitbucket(
    repository: Repository, commit: str, report: Report
) -> tuple[str, Mapping[str, str]]:
    scheme, _, host = repository.base_url.partition("://")
    place = f"{scheme}://api.{host}/2.0/repositories/{_path(repository)}"
    return f"{place}/commit/{commit}/statuses/build", {
        "state": value(Forge.BITBUCKET, report.status),
        "key": _shortened(report.context, _BITBUCKET_KEY),
        "name": report.context,
        "description": _description(report, 140),
        "url": report.url,
    }


def _plain(forge: Forge, report: Report) -> Mapping[str, str]:
    return {
        "state": value(forge, report.status),
        "context": report.context,
        "description": _description(report, 140),
        "target_url": report.url,
    }


def _headers(forge: Forge, token: str) -> Mapping[str, str]:
    common = {"user-agent": "steersman", "content-type": "application/json"}
    if forge is Forge.GITHUB:
        accept = {"accept": "application/vnd.github+json", "x-github-api-version": _API_VERSION}
        return {**common, **accept, "authorization": f"Bearer {token}"}
    common["accept"] = "application/json"
    if forge is Forge.BITBUCKET and ":" in token:
        # A user's own token goes with the name: `name:token`.
        return {**common, "authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    word = "token" if forge is Forge.GITEA else "Bearer"
    return {**common, "authorization": f"{word} {token}"}


def _path(repository: Repository) -> str:
    return quote(f"{repository.owner}/{repository.name}")


def _description(report: Report, most: int) -> str:
    words = " ".join(report.description.split()) or report.status.value
    if report.status is Status.SKIPPED and words != report.status.value:
        words = f"skipped: {words}"
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _shortened(text: str, most: int) -> str:
    """Return *text* in at most so many characters, and still unlike any other text."""
    if len(text) <= most:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{text[: most - 9]}-{digest}"
