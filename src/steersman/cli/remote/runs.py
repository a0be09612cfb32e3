"""`steer runs`, `steer show`, and what people do about runs."""

from __future__ import annotations

import time

import click

from steersman.cli.remote import connection, output, tables, targets, triggers
from steersman.cli.remote.connection import Asked, Json, asks, items
from steersman.cli.remote.tables import Column, Item, of
from steersman.client import Client

COLUMNS = (
    Column("RUN", lambda run: output.run_name(run)),
    of("name"),
    output.state(),
    Column("ON", lambda run: run["tag"] or run["branch"], shrinks=True),
    Column("COMMIT", lambda run: run["commit"][:7]),
    Column("MESSAGE", lambda run: run["commit_message"], shrinks=True),
    output.age("created"),
    Column("TOOK", lambda run: tables.took(run["began"], run["ended"], time.time())),
)
JOBS = (
    of("name"),
    output.state(),
    Column("TRIES", lambda job: str(len(job["attempts"]))),
    Column("TOOK", lambda job: _took(job)),
    Column("NOTE", lambda job: _note(job), shrinks=True),
)


@click.command("runs")
@asks
@click.argument("project", required=False)
@click.option("--branch", help="only those of this branch")
@click.option("--state", help="only those in this state")
@click.option(
    "--limit", type=click.IntRange(1, 5000), default=20, show_default=True, help="at most so many"
)
def runs(
    asked: Asked, project: str | None, branch: str | None, state: str | None, limit: int
) -> None:
    """List runs, the newest first."""

    async def listed(client: Client) -> list[Json]:
        query = {"project": project, "branch": branch, "state": state}
        page = min(limit, connection.PAGE)
        return await items(client, "runs", most=limit, limit=page, **query)

    found = connection.run(asked, listed)
    output.show_all(asked, found, COLUMNS, output.run_name)


@click.command("show")
@asks
@click.argument("run")
def show(asked: Asked, run: str) -> None:
    """Show a run with its jobs, and why each waits or failed.

    RUN is its id, PROJECT/NUMBER, or PROJECT for the newest.
    """
    found = connection.run(asked, lambda client: targets.run(client, run))
    output.show(asked, found, lambda: _text(found), output.run_name(found))


def _text(run: Json) -> str:
    now = time.time()
    pairs = {
        "run": f"{output.run_name(run)} {run['name']}",
        "state": run["state"],
        "why": run["message"],
        "branch": run["branch"],
        "tag": run["tag"],
        "commit": f"{run['commit'][:12]} {run['commit_message']}".strip(),
        "author": run["commit_author"],
        "trigger": f"{run['event']} by {run['by']}" if run["by"] else run["event"],
        "created": tables.relative(run["created"], now),
        "took": tables.took(run["began"], run["ended"], now),
        "cancelled": run["cancelled"],
    }
    lines = output.facts(pairs)
    lines += [f"  {problem(each)}" for each in run["problems"]]
    if run["jobs"]:
        lines += ["", *tables.draw(JOBS, run["jobs"], output.room())]
    return "\n".join(lines)


def problem(said: Json) -> str:
    """Say a mistake of a pipeline file in one line."""
    place = ":".join(str(said[key]) for key in ("file", "line", "column") if said.get(key))
    hint = f" ({said['hint']})" if said.get("hint") else ""
    return tables.words(f"{place}: {said.get('severity')}: {said.get('message')}{hint}")


def _took(job: Item) -> str:
    if not job["attempts"]:
        return "-"
    last = job["attempts"][-1]
    ended = last["since"] if last["state"] in output.CODES else None
    return tables.took(last["started"], ended, time.time())


def _note(job: Item) -> str:
    if job["why"]:
        return str(job["why"])
    last = job["attempts"][-1] if job["attempts"] else {}
    seen = "; ".join(each["text"] for each in last.get("notes") or ())
    where = last.get("node") or last.get("worker")
    return str(
        last.get("message") or last.get("reason") or seen or (f"on {where}" if where else "")
    )


def _do(asked: Asked, run: str, verb: str, body: object = None) -> tuple[Json, Json]:
    """Ask for something to be done about a run; return the run and the answer."""

    async def done(client: Client) -> tuple[Json, Json]:
        found = await targets.run(client, run)
        answer = await client.call("POST", targets.address(found["id"], verb), body)
        return found, connection.checked(answer, client)

    return connection.run(asked, done)


def _told(asked: Asked, run: Json, answer: Json, text: str) -> None:
    name = output.run_name(run)
    output.show(asked, {"run": name, **answer}, lambda: f"{name}: {text}", name)


@click.command("cancel")
@asks
@click.argument("run")
def cancel(asked: Asked, run: str) -> None:
    """End a run: its after-steps still run."""
    found, answer = _do(asked, run, "cancel")
    changed = bool(answer.get("changed"))
    _told(asked, found, answer, "is being cancelled" if changed else "has ended already")


@click.command("retry")
@asks
@click.argument("run")
@click.argument("jobs", nargs=-1)
@click.option("--hold", type=triggers.HOLD, metavar="MINUTES", help=triggers.HOLD_HELP)
def retry(asked: Asked, run: str, jobs: tuple[str, ...], hold: int | None) -> None:
    """Try JOBS of a run again; all that ended without success where none is named."""
    body: Json = {"jobs": list(jobs)} if jobs else {}
    found, answer = _do(asked, run, "retry", body | ({"hold": hold * 60} if hold else {}))
    _told(asked, found, answer, f"another attempt of {', '.join(answer.get('changed', []))}")


@click.command("rerun")
@asks
@click.argument("run")
def rerun(asked: Asked, run: str) -> None:
    """Run the same commit once more, as a new run."""

    async def again(client: Client) -> Json:
        found = await targets.run(client, run)
        answer = await client.call("POST", targets.address(found["id"], "rerun"))
        return await triggers.planned(client, connection.checked(answer, client)["id"])

    triggers.told(asked, connection.run(asked, again))


@click.command("approve")
@asks
@click.argument("run")
@click.argument("job")
def approve(asked: Asked, run: str, job: str) -> None:
    """Let a job go on that waits for a person."""
    found, answer = _do(asked, run, "approve", {"job": job})
    _told(asked, found, answer, f"{job} is approved")


@click.command("decline")
@asks
@click.argument("run")
@click.argument("job")
def decline(asked: Asked, run: str, job: str) -> None:
    """Cancel a job that waits for a person."""
    found, answer = _do(asked, run, "decline", {"job": job})
    _told(asked, found, answer, f"{job} is declined")
