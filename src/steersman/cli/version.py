"""`steer version`."""

from __future__ import annotations

import click

from steersman import __version__


@click.command("version")
@click.option("--json", "as_json", is_flag=True, help="print a JSON object")
@click.option("--no-update-check", is_flag=True, hidden=True)
@click.option("--beta", is_flag=True, hidden=True)
def command(*, as_json: bool, no_update_check: bool, beta: bool) -> None:
    """Print the version."""
    click.echo(f'{{"version": "{__version__}"}}' if as_json else f"steer {__version__}")
