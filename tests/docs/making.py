"""Makes docs/commands.md from the commands, docs/reference.md from the tables of the language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from steersman.cli import main
from steersman.core.pipelines import fields
from steersman.core.pipelines.fields import Field
from steersman.core.pipelines.pick import COMMAND_MINUTES, SILENCE_MINUTES

DOCS = Path(__file__).parents[2] / "docs"
WIDTH = 96
COMMANDS_HEAD = """\
# Commands

Every command with its flags, as `steer COMMAND --help` prints them. Flags may be written with one
dash, as the original took them (`-docker-local`), and switches take `=true` and `=false`. Exit
codes are those of [build.md](build.md#exit-codes). This page is made by `python -m tests.docs`.

| command | does |
| --- | --- |
"""
REFERENCE_HEAD = """\
# Reference of the language

Every key of a pipeline file, from the tables that its reader follows; [language.md](language.md)
explains them. This page is made by `python -m tests.docs`.

A key that begins with `x-` is ignored in every map. A step may take {command:g} minutes and be
silent for {silence:g} unless the file or a flag says otherwise.
"""
SHAPES = {
    "text": "text",
    "texts": "text or list of texts",
    "joined": "text or list of texts",
    "words": "text or list, split like a shell does",
    "ports": "text or list of texts",
    "boolean": "`true` or `false`",
    "env": "map of texts",
    "minutes": "minutes above 0",
    "cron": "cron expression",
    "timezone": "name of a time zone",
    "duration": "duration, as `90s`",
    "moment": "time, as RFC 3339 writes it",
    "count": "whole number above 0",
    "schedule-name": "text",
    "cpu": "processors",
    "bytes": "amount of bytes",
    "approve": "`true`, or who may",
    "priority": "whole number",
    "retries": "0 to 10",
    "box": "name of an image, or map",
    "boxes": "list of boxes",
    "steps": "list of steps",
    "on": "events, or map",
    "schedules": "cron expression, map, or list of these",
    "concurrency": "name of a group, or map",
    "cache": "`true`, `false`, folders, or map",
    "matrix": "map of lists",
    "workflows": "list of maps",
    "workflow-pipelines": "list of maps",
    "fields": "map",
}


def commands() -> str:
    """Return the page of all commands."""
    rows = "".join(
        f"| [`steer {name}`](#steer-{name}) | {text} |\n"
        for name, (_, text) in main.COMMANDS.items()
    )
    context = click.Context(main.steer, info_name="steer", help_option_names=["-h", "--help"])
    parts = [COMMANDS_HEAD + rows]
    for name in main.COMMANDS:
        found = main.steer.get_command(context, name)
        assert found is not None
        parts += _command(found, context, 2)
    aliases = ", ".join(f"`{short}` is `{name}`" for short, name in main.ALIASES.items())
    return "\n".join([*parts, f"## Short names\n\n{aliases}.\n"])


def _command(command: click.Command, parent: click.Context, depth: int) -> Iterator[str]:
    context = click.Context(
        command, parent, command.name, terminal_width=WIDTH, max_content_width=WIDTH
    )
    shown = command.get_help(context).rstrip()
    yield f"{'#' * depth} {context.command_path}\n\n```text\n{shown}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _command(below, context, depth + 1)


def reference() -> str:
    """Return the page of all keys."""
    parts = [
        REFERENCE_HEAD.format(command=COMMAND_MINUTES, silence=SILENCE_MINUTES),
        _section("The file", fields.FILE, "Any other key is a pipeline, named by the key."),
        _section(
            "Pipelines", fields.PIPELINE, "Any other key is a deploy target, a list of steps."
        ),
        _section("Boxes and services", fields.BOX, "A text alone is the `id`."),
        _section("Steps", fields.STEP, "Any other key is a property of the step."),
        _section("Workflows", fields.WORKFLOW, "Items of `workflows`."),
        _section("Pipelines of a workflow", fields.WORKFLOW_PIPELINE, "Items of its `pipelines`."),
        *(_below(field) for field in _nested()),
        _internal(),
    ]
    return "\n".join(parts)


def _nested() -> Iterator[Field]:
    seen: set[str] = set()
    for field in (*fields.PIPELINE, *fields.WORKFLOW):
        if field.fields and field.shape != "workflow-pipelines" and field.name not in seen:
            seen.add(field.name)
            yield field


def _below(field: Field) -> str:
    return _section(f"`{field.name}`", field.fields, f"The map in it: {field.about}.")


def _section(title: str, known: Sequence[Field], about: str) -> str:
    rows = "".join(map(_row, known))
    return f"## {title}\n\n{about}\n\n| key | value | meaning |\n| --- | --- | --- |\n{rows}"


def _row(field: Field) -> str:
    name = f"**`{field.name}`**" if field.required else f"`{field.name}`"
    value = ", ".join(f"`{word}`" for word in field.choices) or SHAPES[field.shape]
    return f"| {name} | {value} | {field.about} |\n"


def _internal() -> str:
    rows = "".join(
        f"| `{name}` | {step.about} | {_properties(step)} |\n"
        for name, step in fields.INTERNAL.items()
    )
    return (
        "## Internal steps\n\nNeeded properties are bold.\n\n"
        f"| step | does | properties |\n| --- | --- | --- |\n{rows}"
    )


def _properties(step: fields.InternalStep) -> str:
    return ", ".join(
        f"**`{name}`**" if name in step.required else f"`{name}`" for name in step.fields
    )


PAGES: Mapping[str, Callable[[], str]] = {"reference.md": reference, "commands.md": commands}
