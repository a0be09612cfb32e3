"""Reading variables back out of a shell, whatever they hold."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.core import scripts

SHELLS = [
    shell.split()
    for shell in ("dash", "bash", "bash --posix", "busybox sh")
    if shutil.which(shell.split()[0])
]


def told(shell: list[str], values: dict[str, bytes], *names: str) -> dict[str, str]:
    """Ask as a session does: in a command substitution, which drops newlines at the end."""
    env = {os.fsencode("PATH"): os.fsencode(os.environ["PATH"])}
    env |= {os.fsencode(name): value for name, value in values.items()}
    script = scripts.tell_variables(names)
    text = f"set +aCefuvx\nsaid=$(\n{script})\nprintf '%s' \"$said\"\n"
    done = subprocess.run(shell, input=text.encode(), env=env, capture_output=True, check=True)
    assert all(len(line) < 700 for line in done.stdout.split(b"\n"))
    return scripts.told_variables(names, done.stdout)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@settings(max_examples=40, deadline=None)
@given(value=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=1500))
def test_a_value_comes_back_as_it_is(shell: list[str], value: str) -> None:
    assert told(shell, {"A": value.encode()}, "A") == {"A": value}


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_awkward_values_come_back_too(shell: list[str]) -> None:
    values = {
        "LONG": "ü".encode() * 2000, "LINES": b"\n+a\n=B\n.c\n\n", "BYTES": b"\xff\xfe\\n$(id)`id`",
        "EMPTY": b"", "B": b"*  ~ %s",
    }  # fmt: skip
    wanted = {name: value.decode("utf-8", "surrogateescape") for name, value in values.items()}
    assert told(shell, values, *values, "UNSET") == wanted
