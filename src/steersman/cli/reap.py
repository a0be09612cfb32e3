"""`steer reap`: remove ended Jobs of cron, by when and how they ended."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import click

from steersman.cli import cron_flags
from steersman.core.errors import UserError
from steersman.core.schedules import durations


class Duration(click.ParamType[float]):
    """A duration such as `90s`, `24h` or `1h30m`."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        try:
            return durations.seconds(str(value))
        except UserError as error:
            self.fail(f"{error}; {error.hint}", param, ctx)


class Size(click.ParamType[int]):
    """An amount of bytes such as `64Mi`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from steersman.cluster.kubernetes import quantities

        text = str(value)
        try:
            found = quantities.parse(text)
        except ValueError:
            found = None
        # Kubernetes reads thousandths of a byte in 64m, which nobody means: all would go.
        if found is None or text.endswith(("n", "u", "m")):
            self.fail(f"{text!r} is no size: write for example 64Mi or 1Gi", param, ctx)
        return int(found)


@click.command("reap")
@click.option(
    "--succeeded",
    type=Duration(),
    default="1h",
    show_default=True,
    help="how long Jobs are kept that succeeded, from their end",
)
@click.option(
    "--failed",
    type=Duration(),
    default="24h",
    show_default=True,
    help="how long Jobs are kept that failed, from their end",
)
@click.option("--keep-succeeded", type=click.IntRange(0), help="at most so many of each schedule")
@click.option("--keep-failed", type=click.IntRange(0), help="at most so many of each schedule")
@click.option(
    "--log-bytes",
    type=Size(),
    help="how much the logs of each schedule's Jobs may take, such as 64Mi: the oldest go first, "
    "the last stays; reads the logs to know",
)
@click.option(
    "--rate",
    default=100.0,
    show_default=True,
    type=click.FloatRange(0.1),
    help="most deletes a second",
)
@click.option("-n", "--dry-run", is_flag=True, help="only say what would go")
@click.option("--orphans/--no-orphans", default=True, help="also ended pods whose Job is gone")
@click.option("--age", type=Duration(), help="as Cronetes had it: how long any Job is kept")
@click.option("--no-delete-dependents", "keep_pods", is_flag=True, help="leave the pods there")
@click.option("--debug", is_flag=True, envvar="CRONETES_DEBUG", help="accepted for Cronetes' sake")
@cron_flags.cluster
def command(**values: Any) -> int:  # fmt: skip
    """Remove Jobs with the label cronetes=true that have ended, never one that runs."""
    return reap(values)


def reap(values: dict[str, Any]) -> int:
    """Do one round, and fail if something could not be removed."""
    from steersman.core.schedules.reaping import Limits
    from steersman.cron.kubernetes.reaper import Wishes

    cluster = cron_flags.taken(values)
    succeeded, failed = values["succeeded"], values["failed"]
    if values["age"] is not None:
        click.echo(
            "warning: --age counts from the end of a Job here, not from its creation, and a Job "
            "that runs is never removed: give it activeDeadlineSeconds",
            err=True,
        )
        succeeded = failed = values["age"]
    if values["keep_pods"]:
        click.echo(
            "warning: --no-delete-dependents leaves the pods there, as it says; in Cronetes the "
            "flag did nothing",
            err=True,
        )
    limits = Limits(
        succeeded, failed, values["keep_succeeded"], values["keep_failed"], values["log_bytes"]
    )
    wishes = Wishes(
        cluster.namespace,
        limits,
        values["rate"],
        not values["keep_pods"],
        values["orphans"],
        values["dry_run"],
    )
    done = asyncio.run(_reap(cluster, wishes))
    many = f"{done.jobs} Jobs and {done.pods} pods without a Job"
    click.echo(f"{'would remove' if wishes.dry_run else 'removed'} {many}")
    if done.failed:
        click.echo(f"error: {done.failed} could not be removed", err=True)
        return 3
    return 0


async def _reap(cluster: cron_flags.ClusterFlags, wishes: Any) -> Any:
    from steersman.cli import cron_parts
    from steersman.cron.kubernetes.reaper import Reaper

    api = cron_parts.connect(cluster)
    try:
        return await Reaper(api, wishes, time.time, click.echo).reap()
    finally:
        await api.close()
