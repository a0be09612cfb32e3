"""`steer help`: a topic, or the help of a command."""

from __future__ import annotations

import click

from steersman.cli.help_topics import TOPICS
from steersman.core.errors import UserError


def _names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from steersman.cli.main import COMMANDS

    return [name for name in (*TOPICS, *COMMANDS) if name.startswith(incomplete)]


@click.command("help")
@click.argument("topic", nargs=-1, shell_complete=_names)
@click.pass_context
def command(context: click.Context, topic: tuple[str, ...]) -> None:
    """Explain a TOPIC, or a command (`steer help step publish`); without one, list the topics."""
    if not topic:
        _list()
    elif len(topic) == 1 and topic[0] in TOPICS:
        found = TOPICS[topic[0]]
        click.echo(f"{topic[0]}: {found.about}\n\n{found.text}\n\nmore: docs/{found.page}")
    else:
        click.echo(_of_command(context, topic))


def _list() -> None:
    width = max(map(len, TOPICS))
    for name, topic in TOPICS.items():
        click.echo(f"{name:<{width}}  {topic.about}")
    click.echo("\n`steer help TOPIC` explains one, `steer help COMMAND` a command;")
    click.echo("`steer --help` lists the commands")


def _of_command(context: click.Context, words: tuple[str, ...]) -> str:
    """Return the help of a command, which may be one below another."""
    parent = context.find_root()
    found: click.Command = parent.command
    for word in words:
        below = found.get_command(parent, word) if isinstance(found, click.Group) else None
        if below is None:
            raise _unknown(words)
        parent = click.Context(below, info_name=below.name, parent=parent)
        found = below
    return found.get_help(parent)


def _unknown(words: tuple[str, ...]) -> UserError:
    from steersman.cli.main import COMMANDS
    from steersman.core.pipelines.findings import did_you_mean, nearest

    near = nearest(words[0], [*TOPICS, *COMMANDS])
    return UserError(
        f"there is no topic and no command {' '.join(words)!r}",
        hint=did_you_mean(near, "`steer help` lists the topics, `steer --help` the commands"),
    )
