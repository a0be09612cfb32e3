"""`steer schedule`."""

from __future__ import annotations

import json
from typing import Any

import click

from steersman.cli.remote import connection, output, tables
from steersman.cli.remote.connection import Asked, Json, asks, get, items, path
from steersman.cli.remote.tables import Column, of
from steersman.client import Client
from steersman.core.errors import UserError

COLUMNS = (
    of("name"),
    Column("WHEN", lambda each: _when(each["spec"])),
    of("target"),
    of("next"),
    Column("FROM", lambda each: each["file_of"] or "API"),
    Column("PAUSED", lambda each: tables.words((each["pause"] or {}).get("reason"))),
    Column("ALARMS", lambda each: tables.words([one["what"] for one in each["alarms"]])),
)
INSTANTS = (
    of("instant"),
    of("state"),
    of("reason"),
    Column("RUNS", lambda each: tables.words(each["runs"])),
    of("outcome"),
    Column("NOTE", lambda each: _note(each), shrinks=True),
)
COMING = (of("instant"), of("due"), of("note"))
STATES = ("planned", "fired", "skipped", "missed")


def _when(spec: Any) -> str:
    zone = spec.get("timezone")
    return f"{spec['cron']} ({zone})" if zone else str(spec["cron"])


def _note(row: Any) -> str:
    many = f"{row['covers']} to {row['until']}" if row["covers"] > 1 else ""
    return "; ".join(each for each in (many, row["message"]) if each)


@click.group("schedule")
def command() -> None:
    """Look at what runs by itself, pause it, start it by hand."""


@command.command("list")
@asks
@click.argument("project")
def list_(asked: Asked, project: str) -> None:
    """List the schedules of a project."""
    found = connection.run(asked, lambda client: items(client, "projects", project, "schedules"))
    output.show_all(asked, found, COLUMNS, lambda each: str(each["name"]))


@command.command("show")
@asks
@click.argument("project")
@click.argument("schedule")
@click.option("--limit", type=click.IntRange(1, 200), default=10, show_default=True)
@click.option("--state", type=click.Choice(STATES), help="only instants that ended so")
def show(asked: Asked, project: str, schedule: str, limit: int, state: str | None) -> None:
    """Show a schedule, and what became of its newest instants."""
    where = ("projects", project, "schedules", schedule)

    async def shown(client: Client) -> Json:
        found = await get(client, path(*where))
        query = {"state": state, "limit": limit}
        return found | {"instants": await items(client, *where, "instants", most=limit, **query)}

    found = connection.run(asked, shown)
    output.show(asked, found, lambda: _text(found), schedule)


def _text(found: Json) -> str:
    pause = found["pause"] or {}
    until = f" until {pause['until']}" if pause.get("until") else ""
    lines = output.facts(
        {
            "schedule": found["name"],
            "starts": found["target"],
            "when": _when(found["spec"]),
            "next": found["next"],
            "from": f"the file of {found['file_of']}" if found["file_of"] else "the API",
            "paused": f"by {pause['by']}{until}: {pause['reason']}" if pause else None,
            "alarms": "; ".join(each["message"] for each in found["alarms"]) or None,
            "last success": found["last_success"],
            "failures in a row": found["failures"] or None,
        }
    )
    if found["doubts"]:
        lines += ["", *_doubts(found)]
    if found["instants"]:
        lines += ["", *tables.draw(INSTANTS, found["instants"], output.room())]
    return "\n".join(lines)


@command.command("next")
@asks
@click.argument("project")
@click.argument("schedule")
@click.option("-n", "count", type=click.IntRange(1, 200), default=10, show_default=True)
def next_(asked: Asked, project: str, schedule: str, count: int) -> None:
    """List the next instants of a schedule."""

    async def listed(client: Client) -> list[Json]:
        return await items(client, "projects", project, "schedules", schedule, "next", count=count)

    found = connection.run(asked, listed)
    output.show_all(asked, found, COMING, lambda each: str(each["instant"]))


@command.command("forecast")
@asks
@click.argument("project", required=False)
@click.option("--since", metavar="TIME", help="begin there instead of now")
@click.option("--until", metavar="TIME", help="end there instead of a day later")
@click.option("-n", "count", type=click.IntRange(1, 200), default=10, show_default=True)
def forecast(asked: Asked, project: str | None, **window: Any) -> None:
    """Say in which minutes most starts come together, of one project or of all."""
    where = path("schedules", "forecast", project=project, **window)
    found = connection.run(asked, lambda client: get(client, where))
    output.show(asked, found, lambda: _forecast(found), "forecast")


def _forecast(found: Json) -> str:
    when = f"from {found['since']} to {found['until']}"
    lines = [f"{found['launches']} starts of {found['schedules']} schedules {when}"]
    for each in found["crowds"]:
        late = f", the last {each['delay']:.0f} s late" if each["delay"] else ""
        lines.append(f"{each['minute']}  {each['launches']}{late}")
    return "\n".join(lines)


@command.command("explain")
@asks
@click.argument("project")
@click.argument("schedule")
@click.argument("instant")
def explain(asked: Asked, project: str, schedule: str, instant: str) -> None:
    """Say why a schedule ran at an instant, when and by whom, or why not."""
    where = path("projects", project, "schedules", schedule, "explain", instant=instant)
    found = connection.run(asked, lambda client: get(client, where))
    output.show(asked, found, lambda: "\n".join(map(tables.words, found["answers"])), instant)


@command.command("trigger")
@asks
@click.argument("project")
@click.argument("schedule")
@click.option("--reason", default="", help="why; whoever looks at the ledger reads it")
def trigger(asked: Asked, project: str, schedule: str, reason: str) -> None:
    """Start a schedule now, besides its own instants."""
    done = _post(asked, (project, schedule, "trigger"), {"reason": reason})
    output.show(asked, done, lambda: f"{schedule} is started as {done['instant']}", schedule)


@command.command("pause")
@asks
@click.argument("project")
@click.argument("schedule")
@click.option("--reason", required=True, help="why; whoever looks at the schedule reads it")
@click.option("--until", metavar="TIME", help="go on by itself then, as 2027-01-02")
def pause(asked: Asked, project: str, schedule: str, reason: str, until: str | None) -> None:
    """Start nothing by a schedule; instants meanwhile are skipped, never missed."""
    body = {"reason": reason} | ({"until": until} if until else {})
    done = _post(asked, (project, schedule, "pause"), body)
    output.show(asked, done, lambda: f"{schedule} is paused", schedule)


@command.command("resume")
@asks
@click.argument("project")
@click.argument("schedule")
def resume(asked: Asked, project: str, schedule: str) -> None:
    """Let a paused schedule go on."""
    done = _post(asked, (project, schedule, "resume"), None)
    output.show(asked, done, lambda: f"{schedule} goes on, next at {done['next']}", schedule)


@command.command("backfill")
@asks
@click.argument("project")
@click.argument("schedule")
@click.argument("since")
@click.argument("until")
@click.option("--reason", default="", help="why; whoever looks at the ledger reads it")
@click.option("--dry-run", is_flag=True, help="only say which instants that would be")
def backfill(
    asked: Asked, project: str, schedule: str, since: str, until: str, **more: Any
) -> None:
    """Start the instants between two times of the past, each once."""
    body = {"since": since, "until": until, **more}
    done = _post(asked, (project, schedule, "backfill"), body)
    word = "would be started" if done["dry_run"] else "are started"
    said = [*done["instants"], f"{len(done['instants'])} of {done['planned']} instants {word}"]
    output.show(asked, done, lambda: "\n".join(said), schedule)


@command.command("add")
@asks
@click.argument("project")
@click.argument("schedule")
@click.argument("target")
@click.argument("cron")
@click.option(
    "--set",
    "more",
    multiple=True,
    metavar="KEY=VALUE",
    help="another key, as `attempts=2`; maps as JSON",
)
def add(
    asked: Asked, project: str, schedule: str, target: str, cron: str, more: tuple[str, ...]
) -> None:
    """Add a schedule that starts TARGET, a workflow or pipeline, at the times of CRON."""
    spec = {"cron": cron} | dict(map(_pair, more))
    body = {"name": schedule, "target": target, "spec": spec}
    where = path("projects", project, "schedules")
    done: Json = connection.run(asked, lambda client: client.call("POST", where, body))
    said = [f"added {schedule}, next at {done['next']}", *_doubts(done)]
    output.show(asked, done, lambda: "\n".join(said), schedule)


def _doubts(found: Json) -> list[str]:
    """Say what may be meant otherwise, and what to do then."""
    return [
        f"warning: {tables.words(each['message'])} [{each['code']}]"
        + (f"\n  hint: {tables.words(each['hint'])}" if each["hint"] else "")
        for each in found["doubts"]
    ]


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UserError(f"--set {text} has no value", hint="write --set KEY=VALUE")
    return key, _typed(key, value)


def _typed(key: str, value: str) -> Any:
    """Return a value as the file has it: a map, a number of attempts, or a text."""
    if key == "attempts" and value.isascii() and value.isdigit():
        return int(value[:9])
    if not value.startswith("{"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        hint = """write it as JSON: --set 'stop={"failures": 5}'"""
        raise UserError(f"--set {key} has no map", hint=hint) from None


@command.command("rm")
@asks
@click.argument("project")
@click.argument("schedule")
def remove(asked: Asked, project: str, schedule: str) -> None:
    """Remove a schedule that no file holds."""
    where = path("projects", project, "schedules", schedule)
    connection.run(asked, lambda client: client.call("DELETE", where))
    gone = {"name": schedule, "removed": True}
    output.show(asked, gone, lambda: f"removed {schedule} of {project}", schedule)


def _post(asked: Asked, what: tuple[str, str, str], body: Json | None) -> Json:
    project, schedule, action = what
    where = path("projects", project, "schedules", schedule, action)
    done: Json = connection.run(asked, lambda client: client.call("POST", where, body))
    return done
