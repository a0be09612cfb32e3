"""Answers on the terminal: as a table, as JSON or YAML for programs, or only as names."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from steersman.cli.remote import tables
from steersman.cli.remote.connection import Asked
from steersman.cli.remote.tables import Column, Item

Name = Callable[[Item], str]
COLORS = {
    "succeeded": "green", "failed": "red", "errored": "red", "cancelled": "yellow",
    "running": "cyan", "approval": "magenta", "skipped": "bright_black",
}  # fmt: skip
CODES = {"succeeded": 0, "skipped": 0, "failed": 1, "errored": 3, "cancelled": 130}


def show_all(asked: Asked, items: Sequence[Item], columns: Sequence[Column], name: Name) -> None:
    """Show a list."""
    if asked.form in ("json", "yaml"):
        _data(asked, list(items))
    elif asked.form == "name":
        for item in items:
            click.echo(tables.words(name(item)))
    elif items:
        click.echo("\n".join(tables.draw(columns, items, room())))
    else:
        click.echo("nothing there", err=True)


def show(asked: Asked, item: Item, text: Callable[[], str], name: str) -> None:
    """Show one thing: *text* makes what a person reads."""
    if asked.form in ("json", "yaml"):
        _data(asked, item)
    else:
        click.echo(tables.words(name) if asked.form == "name" else text())


def _data(asked: Asked, value: Sequence[Item] | Item) -> None:
    if asked.form == "json":
        # In ASCII: whatever a stranger wrote into a message moves no terminal.
        click.echo(json.dumps(value, indent=2))
        return
    import yaml

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=False)
    click.echo(text, nl=False)


def facts(pairs: Mapping[str, object]) -> list[str]:
    """Return the lines of facts, each with its name; those that say nothing are left out."""
    said = {name: tables.words(value) for name, value in pairs.items()}
    known = {name: text for name, text in said.items() if text != "-"}
    longest = max(map(len, known), default=0) + 1
    return [f"{name + ':':<{longest}}  {text}" for name, text in known.items()]


def state(key: str = "state") -> Column:
    """Return the column of a state, coloured where colours are wanted."""
    return Column("STATE", lambda item: str(item.get(key) or ""), style=colored)


def colored(text: str) -> str:
    """Return the name of a state in its colour; click takes it away where no terminal is."""
    color = COLORS.get(text)
    return click.style(text, color) if color and not os.environ.get("NO_COLOR") else text


def age(key: str, title: str = "AGE") -> Column:
    """Return the column that says how long ago something was."""
    return Column(title, lambda item: tables.relative(item.get(key), time.time()))


def room() -> int | None:
    """Return how wide a line may be; None where nobody looks at it."""
    if os.environ.get("COLUMNS", "").isdigit() or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


def run_name(run: Mapping[str, Any]) -> str:
    """Return the name by which people and commands know a run."""
    return f"{run['project']}/{run['number']}"


def exit_code(state: str) -> int:
    """Return the exit code of a command that waited for a run which ended in *state*."""
    return CODES.get(state, 70)
