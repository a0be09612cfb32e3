"""What a shell may complete besides commands and flags: the names that the file here has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

    from steersman.core.pipelines.model import Config

_KEY = re.compile(r"""^(["']?)([^\s#"'{}\[\]&*-][^:#"']*)\1\s*:""", re.MULTILINE)


def pipelines(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the pipelines of the file that the command would read."""
    config, text = _read(context)
    names = list(config.pipelines) if config else _keys(text)
    return [name for name in names if name.startswith(incomplete)]


def workflows(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the workflows of the file that the command would read."""
    config, _ = _read(context)
    names = [workflow.name for workflow in config.workflows] if config else []
    return [name for name in names if name.startswith(incomplete)]


def both(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return workflows and pipelines, each name once."""
    found = workflows(context, parameter, incomplete) + pipelines(context, parameter, incomplete)
    return list(dict.fromkeys(found))


def _read(context: click.Context) -> tuple[Config | None, str]:
    """Read the file; whatever is wrong, a shell that completes is not to be told."""
    from steersman import pipeline_file
    from steersman.core.errors import SteersmanError

    try:
        named = context.params.get("wercker_yml")
        parsed = pipeline_file.read(Path(named) if named else pipeline_file.find(Path()))
    except (SteersmanError, OSError):
        return None, ""
    return parsed.config, parsed.source


def _keys(text: str) -> list[str]:
    """Return the keys at the top of a file with mistakes in it, which is when they are wanted."""
    from steersman.core.pipelines.fields import FILE

    ours = {field.name for field in FILE}
    names = (match[1].strip() for match in _KEY.findall(text))
    return list(dict.fromkeys(name for name in names if name not in ours))
