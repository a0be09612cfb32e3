"""The flag of commands that answer people or programs."""

from __future__ import annotations

import click

as_text_or_json = click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to answer.",
)
