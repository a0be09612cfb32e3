"""`steer trigger`."""

from __future__ import annotations

import uuid
from typing import Any

import click

from steersman.cli.remote import connection, output
from steersman.cli.remote.connection import Asked, Json, asks, get, path
from steersman.client import Client, patience, patiently
from steersman.core.errors import UserError
from steersman.core.runs import State

PLANNED = 20.0
"""Seconds to wait for what became of a trigger: a large repository is fetched first."""
GIVE_UP = 60.0
PAUSE = 0.1
ORDER = (State.ERRORED, State.FAILED, State.CANCELLED, State.SUCCEEDED, State.SKIPPED)

HOLD = click.IntRange(1, 120)
HOLD_HELP = "hold the box of a job that fails for so long: `steer shell` opens a shell in it"


@click.command("trigger")
@asks
@click.argument("project")
@click.option("--branch", help="run the newest commit of this branch [default: the default branch]")
@click.option("--tag", help="run the commit of this tag")
@click.option("--commit", help="run this commit")
@click.option("--target", help="run this workflow or pipeline, whatever its `on` says")
@click.option(
    "--env", "-e", "variables", multiple=True, metavar="NAME=VALUE", help="set a variable"
)
@click.option("--hold", type=HOLD, metavar="MINUTES", help=HOLD_HELP)
@click.option("--wait", is_flag=True, help="wait for the end; the exit code says how it ended")
@click.option("--watch", is_flag=True, help="the same, and show the jobs and steps meanwhile")
def command(asked: Asked, project: str, *, wait: bool, watch: bool, **said: Any) -> int:
    """Run a project."""
    body = _body(said)
    found = connection.run(asked, lambda client: _trigger(client, project, body))
    if not (wait or watch):
        return told(asked, found)
    if not found["runs"]:
        raise UserError(f"nothing runs: {found['message'] or found['state']}")
    return _followed(asked, found["runs"], watch=watch)


def _body(said: dict[str, Any]) -> Json:
    body = {key: said[key] for key in ("branch", "tag", "commit", "target") if said[key]}
    if said["hold"]:
        body["hold"] = said["hold"] * 60
    pairs = [word.partition("=") for word in said["variables"]]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise UserError(f"--env {name} has no value", hint="write --env NAME=VALUE")
    variables = {name: value for name, _, value in pairs}
    return body | ({"variables": variables} if variables else {})


async def _trigger(client: Client, project: str, body: Json) -> Json:
    """Trigger once, whatever is lost on the way, and wait a while for what came of it."""
    pause = patience()
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    content = connection.encoded(body)
    address = path("projects", project, "triggers")
    answer = await patiently(
        lambda: client.send("POST", address, content, headers),
        pause=pause,
        give_up_after=GIVE_UP,
    )
    accepted = connection.decoded(answer.body, client)
    return await planned(client, accepted["id"])


async def planned(client: Client, trigger: str) -> Json:
    """Return a trigger as soon as it was planned, or as it stands after a while."""
    pause = patience()
    began, tries = pause.now(), 0
    while True:
        found = await get(client, path("triggers", trigger))
        if found["state"] != "accepted" or pause.now() - began > PLANNED:
            return found
        tries += 1
        await pause.sleep(min(1.0, PAUSE * tries))


def told(asked: Asked, trigger: Json) -> int:
    """Show what became of a trigger, and return the exit code for that."""
    output.show(asked, trigger, lambda: _text(trigger), _names(trigger))
    return 0 if trigger["runs"] or trigger["state"] == "accepted" else 2


def _text(trigger: Json) -> str:
    if trigger["state"] == "accepted":
        return f"trigger {trigger['id']} is accepted, and not planned yet"
    if not trigger["runs"]:
        return f"nothing runs: {trigger['message'] or trigger['state']}"
    return "\n".join(f"{output.run_name(run)}  {run['name']}" for run in trigger["runs"])


def _names(trigger: Json) -> str:
    return " ".join(output.run_name(run) for run in trigger["runs"])


def _followed(asked: Asked, runs: list[Json], *, watch: bool) -> int:
    """Follow each run to its end; the worst ending counts."""
    from steersman.cli.remote import watching

    ended = [
        watching.followed(asked, output.run_name(run), watching.Way(draw=watch)) for run in runs
    ]
    worst = next((state for state in ORDER if state in ended), State.SUCCEEDED)
    return output.exit_code(worst)
