"""`steer schema`: the JSON Schema of pipeline files, for editors."""

from __future__ import annotations

import json

import click

from steersman.core.pipelines.schema import schema


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of pipeline files.

    Editors that know JSON Schema complete and check a pipeline file with it.
    """
    click.echo(json.dumps(schema(), indent=2))
