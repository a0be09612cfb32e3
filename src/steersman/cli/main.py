"""`steer`: finds the command, runs it, and turns every ending into an exit code."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from steersman.core.errors import InvalidFile, SteersmanError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# name: (module below steersman.cli, with `:attribute` if that is not `command`; help). A module is
# imported when its command is called, so that `steer version` does not pay for `steer build`.
COMMANDS = {
    "build": ("build", "run a pipeline on a folder, in containers of the local engine"),
    "workflow": ("workflow", "run a workflow, several of its pipelines at once"),
    "run": ("run", "run a workflow or pipeline here, or a pipeline in a pod of a cluster"),
    "dev": ("dev", "run a pipeline on the project itself, to work on it"),
    "deploy": ("deploy", "run a deploy pipeline on the output of the last build"),
    "init": ("init", "write a wercker.yml for the repository here"),
    "detect": ("detect", "say what a repository is written in, and print a file for it"),
    "check": ("check", "say what a pipeline file holds and what is wrong with it"),
    "schema": ("schema", "print a JSON Schema of the pipeline file, for editors"),
    "prune": ("prune", "remove what killed runs left behind, and old runs"),
    "up": ("up", "bring the whole platform up on this machine"),
    "server": ("server", "run a server; workers run elsewhere"),
    "install": ("install", "put server and workers into a Kubernetes cluster"),
    "backup": ("backup", "keep all of a server's data in one file"),
    "restore": ("backup:restore", "bring a server's data back from such a file"),
    "rekey": ("rekey", "seal a server's secrets with a new key"),
    "login": ("remote.logins:login", "log in to a server"),
    "logout": ("remote.logins:logout", "forget a login"),
    "project": ("remote.projects", "add, look at and remove projects"),
    "trigger": ("remote.triggers", "run a project on the server"),
    "schedule": ("remote.schedules", "look at what runs by itself, pause it, start it by hand"),
    "runs": ("remote.runs:runs", "list runs"),
    "show": ("remote.runs:show", "show a run with its jobs"),
    "logs": ("remote.logs", "print the log of a job"),
    "watch": ("remote.watching:watch", "show a run until it ends"),
    "wait": ("remote.watching:wait", "wait until a run ends"),
    "cancel": ("remote.runs:cancel", "end a run"),
    "retry": ("remote.runs:retry", "try jobs of a run again"),
    "rerun": ("remote.runs:rerun", "run the same commit once more"),
    "approve": ("remote.runs:approve", "let a job go on that waits for a person"),
    "decline": ("remote.runs:decline", "cancel a job that waits for a person"),
    "shell": ("remote.shell", "open a shell in a box that is left standing, or is held"),
    "replay": ("remote.replay", "run a job of the server on this machine"),
    "secret": ("remote.secrets", "set, list and remove secrets"),
    "token": ("remote.tokens", "make, list and take back tokens"),
    "artifact": ("remote.artifacts", "list and fetch what runs left"),
    "pull": ("remote.artifacts:pull", "fetch all artifacts of a run"),
    "cache": ("remote.caches", "list and remove caches"),
    "step": ("step", "write, check and publish steps, and list those of a server"),
    "queue": ("remote.workers:queue", "list what waits for a worker"),
    "worker": ("remote.workers", "run a worker here; look at workers of a server"),
    "cron": ("cron", "launch Jobs of a cluster by schedules, once each"),
    "reap": ("reap", "remove ended Jobs of cron"),
    "cronetes": ("cronetes", "the same by the command line of Cronetes"),
    "doctor": ("doctor", "say whether pipelines can run here, and how to mend what is wrong"),
    "completion": ("completion", "print what makes a shell complete all this"),
    "help": ("help", "explain a topic, or a command"),
    "version": ("version", "print the version"),
}
ALIASES = {
    "b": "build",
    "d": "deploy",
    "check-config": "check",
    "de": "detect",
    "v": "version",
    "w": "workflow",
}
BUG = 70
INTERRUPTED = 130


class _NobodyReads(Exception):
    """The reader of our output has gone, as in `steer schema | head`."""


class Steer(click.Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        found = getattr(import_module(f"steersman.cli.{module}"), attribute or "command")
        command: click.Command = found
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"there is no command {args[0]!r}{_nearest(args[0])}")
        name, command, rest = super().resolve_command(ctx, args)
        return name, command, long_flags(rest, command) if command else rest

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _NobodyReads from None  # click would make it exit code 1

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        # click would import each command to ask for its help.
        found = [
            CompletionItem(name, help=text)
            for name, (_, text) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, [*COMMANDS, *ALIASES], 1)
    return f"; did you mean {near[0]}?" if near else ""


def long_flags(args: Sequence[str], command: click.Command) -> list[str]:
    """Accept the flags the way Wercker's own command line did.

    There `-flag` and `--flag` were one, and switches took `=true` or `=false`.
    """
    options = {
        name: parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
        if name.startswith("--")
    }
    result: list[str] = []
    for place, word in enumerate(args):
        if word == "--":
            return result + list(args[place:])
        name, equals, value = word.partition("=")
        if name.startswith("-") and f"-{name}" in options:
            name = f"-{name}"
        option = options.get(name)
        if option is None:
            result.append(word)
        elif option.is_flag and equals and value.lower() in ("true", "1", "t"):
            result.append(name)
        elif option.is_flag and equals and value.lower() in ("false", "0", "f"):
            result += option.secondary_opts[:1]
        else:
            result.append(f"{name}{equals}{value}")
    return result


@click.group(cls=Steer, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="steersman", message="steer %(version)s")
def steer() -> None:
    """Run the pipelines of a wercker.yml."""


def main(args: Sequence[str] | None = None) -> None:
    """Run `steer` and leave with its exit code."""
    _open_closed_streams()
    # Nearly all that importing makes stays: looking through it for garbage finds none.
    gc.set_threshold(100_000)
    code = run(args)
    _drop_unwritten()
    sys.stderr.flush()
    # All of ours is closed by now, and Python would need 20 ms more to take itself apart.
    os._exit(code)


def _open_closed_streams() -> None:
    """Give the numbers of streams we were started without to nothing else, as `>&-` does."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - until the end


def run(args: Sequence[str] | None = None) -> int:
    """Run `steer` and return its exit code; docs/build.md says what each means."""
    try:
        code = steer.main(args, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("steer: interrupted", err=True)
        return INTERRUPTED
    except SteersmanError as error:
        show(error)
        return error.exit_code
    except (_NobodyReads, BrokenPipeError):
        return _nobody_reads()
    except OSError as error:
        return _fault(error)
    except Exception:  # noqa: BLE001 - the one place where a bug becomes an exit code
        return _bug()
    return code if isinstance(code, int) else 0


def show(error: SteersmanError) -> None:
    """Print an error for a person: what, and what to do."""
    if isinstance(error, InvalidFile):
        return  # the command has shown the problems themselves
    click.echo(f"error: {error}", err=True)
    if error.hint:
        click.echo(f"\nhint: {error.hint}", err=True)


def _nobody_reads() -> int:
    """End quietly: what is still to be written goes nowhere. A run is removed by now."""
    with contextlib.suppress(OSError, ValueError):
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return INTERRUPTED


def _fault(error: OSError) -> int:
    """Tell a full disk and its like from a bug."""
    from steersman.executor.faults import explained

    known = explained(error)
    if known is None:
        return _bug()
    show(known)
    return known.exit_code


def _drop_unwritten() -> None:
    """Forget what stdout does not take, or Python complains again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _bug() -> int:
    import traceback

    traceback.print_exc()
    click.echo(
        "\nerror: this is a bug in steersman, not in your pipeline"
        "\n\nhint: please report it with the lines above",
        err=True,
    )
    return BUG
