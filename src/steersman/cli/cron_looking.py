"""`steer cron lint`, `next` and `forecast`: what a configuration means, without running it."""

from __future__ import annotations

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from steersman.core.errors import InvalidFile, NotFound


@click.command("lint")
@click.option("--strict", is_flag=True, help="fail on warnings too")
@click.pass_context
def lint(ctx: click.Context, *, strict: bool) -> int:
    """Say what is wrong with a configuration, and what may be meant otherwise."""
    from steersman.cli import cron_parts
    from steersman.core.pipelines import report

    source = cron_parts.source(ctx.obj["config"], ctx.obj["timezone"])
    found = source.read(source.text())
    if found.problems:
        click.echo(report.render(found.problems, found.source))
    entries = found.entries or {}
    click.echo(f"{len(entries)} schedules, {report.summary(found.problems)}")
    strict = strict or ctx.obj["strict"]
    failed = found.entries is None or (strict and found.problems)
    return 2 if failed else 0


@click.command("next")
@click.argument("name", required=False)
@click.option("-n", "--count", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--from", "since", help="begin there instead of now")
@click.pass_context
def following(ctx: click.Context, name: str | None, count: int, since: str | None) -> int:
    """Print the next instants, of one schedule or of all."""
    from steersman.cli import cron_parts
    from steersman.cli.cron_asking import moment
    from steersman.core.schedules import forecasts

    source = cron_parts.source(ctx.obj["config"], ctx.obj["timezone"])
    found = source.read(source.text(), lint=False)
    if found.entries is None:
        cron_parts.checked(found)
        raise InvalidFile(found.problems)
    if name is not None and name not in found.entries:
        raise NotFound(f"there is no schedule {name!r} in {source.name}")
    start = int(time.time()) if since is None else moment(since) - 1
    coming = []
    for entry in [found.entries[name]] if name else found.entries.values():
        coming += forecasts.coming(entry.schedule, start, count)
    for each in sorted(coming, key=lambda one: (one.instant, one.schedule))[:count]:
        zone = found.entries[each.schedule].schedule.tables[0].zone.name
        local = datetime.fromtimestamp(each.instant, ZoneInfo(zone))
        moved = f" launched {each.due - each.instant} s later" if each.due != each.instant else ""
        note = f"  ({each.note})" if each.note else ""
        shown = local.strftime("%a %Y-%m-%d %H:%M:%S %z")
        click.echo(f"{shown} {zone}  {each.schedule}{moved}{note}")
    return 0


@click.command("forecast")
@click.option("--hours", default=24.0, show_default=True, type=click.FloatRange(0.1, 24 * 366))
@click.option("-n", "--count", default=10, show_default=True, type=click.IntRange(1, 10_000))
@click.pass_context
def forecast(ctx: click.Context, hours: float, count: int) -> int:
    """Say in which minutes most launches come together, and how late the last of them is."""
    from steersman.cli import cron_parts
    from steersman.core.schedules import explaining, forecasts

    source = cron_parts.source(ctx.obj["config"], ctx.obj["timezone"])
    found = cron_parts.checked(source.read(source.text(), lint=False))
    now, rate = int(time.time()), float(ctx.obj["rate"])
    schedules = [(entry.schedule, None) for entry in (found.entries or {}).values()]
    load = forecasts.load(schedules, now, now + int(hours * 3600))
    crowds = forecasts.crowds(load, rate)
    total = sum(crowd.launches for crowd in crowds)
    click.echo(f"{total} launches of {len(schedules)} schedules in {hours:g} hours")
    for crowd in crowds[:count]:
        late = f", the last {crowd.delay:.0f} s late at {rate:g} a second" if crowd.delay else ""
        many = "launch" if crowd.launches == 1 else "launches"
        click.echo(f"{explaining.stamp(crowd.minute)}  {crowd.launches} {many}{late}")
    return 0
