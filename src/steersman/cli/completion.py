"""`steer completion`: what makes a shell complete our commands."""

from __future__ import annotations

import click

from steersman.core.errors import UserError

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    r"""Print what makes SHELL complete commands, flags, and the names of pipelines.

    \b
    bash: put `eval "$(steer completion bash)"` into ~/.bashrc
    zsh:  put `eval "$(steer completion zsh)"` into ~/.zshrc, after compinit
    fish: steer completion fish > ~/.config/fish/completions/steer.fish
    """
    from click.shell_completion import get_completion_class

    from steersman.cli.main import steer

    kind = get_completion_class(shell)
    if kind is None:
        raise UserError(f"{shell} is a shell we do not know")
    made = kind(steer, {}, "steer", "_STEER_COMPLETE")
    # Its own `source()` starts a bash to look at the version, which a start of bash cannot afford.
    click.echo(made.source_template % made.source_vars())
