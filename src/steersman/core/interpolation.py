"""`$NAME` and `${NAME}` in what we read ourselves: image names, logins, volumes, service variables.

The rules are those of the original: the value is not expanded again, an unknown name is empty, and
there is no way to escape a `$` (a `$` before anything but a name stays).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z_]\w*|[0-9*#$@!?-]))", re.ASCII)


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Replace each reference in *text* by the value of its variable."""
    if "$" not in text:
        return text
    return _pattern().sub(lambda found: variables.get(found[1] or found[2] or "", ""), text)


def interpolate_known(text: str, variables: Mapping[str, str]) -> str:
    """Replace each reference to a variable that is there, and leave the others as they are."""
    return _pattern().sub(lambda found: variables.get(found[1] or found[2] or "", found[0]), text)


def names(text: str) -> Iterator[str]:
    """Return the names *text* refers to, in order."""
    for found in _pattern().finditer(text):
        yield found[1] or found[2] or ""
