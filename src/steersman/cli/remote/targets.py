"""What somebody means by RUN, JOB and an attempt's number."""

from __future__ import annotations

import re
from typing import Any

from steersman.cli.remote.connection import Json, get, items, path
from steersman.cli.remote.output import run_name
from steersman.client import Client
from steersman.core import ids
from steersman.core.errors import NotFound, UserError

RUN = "its id, PROJECT/NUMBER, or PROJECT for the newest"


def address(text: str, *more: str) -> str:
    """Return the address of a run, given as an id or as PROJECT/NUMBER."""
    parts = text.split("/")
    if len(parts) > 2 or (len(parts) == 2 and not re.fullmatch(r"[0-9]{1,15}", parts[1])):
        raise UserError(f"{text!r} is no run", hint=f"write {RUN}")
    return path("runs", *parts, *more)


async def run(client: Client, text: str) -> Json:
    """Return the run that *text* means, with its jobs."""
    if "/" in text:
        return await get(client, address(text))
    if ids.is_id(text):
        try:
            return await get(client, address(text))
        except NotFound as error:
            missing = error
        try:
            return await _newest(client, text)
        except NotFound:
            raise missing from None
    return await _newest(client, text)


async def _newest(client: Client, project: str) -> Json:
    found = await items(client, "runs", project=project, limit=1, most=1)
    if not found:
        raise NotFound(f"the project {project} has no runs", hint=f"`steer trigger {project}`")
    return await get(client, address(found[0]["id"]))


def job(run: Json, name: str | None) -> Json:
    """Return the job of *run* that is named, or its only one."""
    known: dict[str, Json] = {each["name"]: each for each in run["jobs"]}
    if not known:
        raise NotFound(
            f"the run {run_name(run)} has no jobs: {run['message'] or run['state']}",
            hint=f"`steer show {run_name(run)}` says more",
        )
    if name is None and len(known) > 1:
        raise UserError(
            f"the run {run_name(run)} has several jobs: {', '.join(known)}", hint="name one of them"
        )
    wanted = next(iter(known)) if name is None else name
    if wanted not in known:
        raise NotFound(
            f"the run {run_name(run)} has no job {wanted}", hint=f"it has {', '.join(known)}"
        )
    return known[wanted]


def attempt(run: Json, job: Json, number: int | None) -> Json:
    """Return the attempt of *job* of this number, or its newest."""
    tries: list[Json] = job["attempts"]
    where = f"the job {job['name']} of {run_name(run)}"
    if not tries:
        raise NotFound(f"{where} has not begun: {job['why'] or job['state']}")
    found = next((each for each in tries if each["number"] == number), None)
    if number is not None and found is None:
        raise NotFound(f"{where} has no attempt {number}", hint=f"it has {len(tries)}")
    return found or tries[-1]


def step(attempt: Json, wanted: str) -> Json:
    """Return the step of an attempt, by its name or number."""
    steps: list[dict[str, Any]] = attempt["steps"]
    named = [each for each in steps if each["name"] == wanted]
    if not named and wanted.isascii() and wanted.isdigit():
        named = [each for each in steps if each["number"] == int(wanted[:9])]
    if not named:
        known = ", ".join(each["name"] for each in steps)
        raise NotFound(f"the attempt has no step {wanted}", hint=f"it has {known or 'none yet'}")
    if len(named) > 1:
        numbers = " or ".join(str(each["number"]) for each in named)
        raise UserError(f"several steps are called {wanted}", hint=f"write {numbers}")
    return named[0]
