"""Writes docs/builtin-steps.md from the manifests: `python -m tests.builtin_steps.page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from steersman.core.builtin_steps import ALIASES, GONE
from steersman.step_store import BUILT_IN, built_in_names

PAGE = Path(__file__).parents[2] / "docs" / "builtin-steps.md"

HEAD = """\
# Built-in steps

This page is written from the manifests of the steps and from `core/builtin_steps.py`; a test fails
when it is stale.

These steps come with Steersman and need no registry. They are our own, under the names and
properties of the steps that public files use. They run in any POSIX shell; what else one needs must
be in the box, and is named when it is not.

## When one is used

`npm-install` and `wercker/npm-install` are the built-in step, and so are the names of others in the
list below. It comes after a folder of yours (`.wercker/steps/wercker-npm-install`) and after an
address (`npm-install "https://..."`), and before any registry. With a version
(`wercker/npm-install@1.1.4`) a registry comes first, if there is one: whoever names a version means
what somebody published. The versions of old are nowhere any more: where no registry has it either,
the built-in step is used, and the log says so.

Secrets go to programs by variables, by their input or by files that only the user can read and that
go with the step, never among the words of a command, which every process of the machine can see.
Since each step works in a shell of its own, nothing of it stays but what is told here.
"""


def page() -> str:
    """Return the text of the page."""
    names = built_in_names()
    return "\n".join([HEAD, *_list(names), *(line for name in names for line in _step(name))]) + (
        "\n".join(["", *_gone()]) + "\n"
    )


def manifest(name: str) -> dict[str, Any]:
    """Return the manifest of a built-in step as plain data."""
    data = yaml.load((BUILT_IN / name / "step.yml").read_bytes(), yaml.BaseLoader)  # noqa: S506
    assert isinstance(data, dict)
    return data


def _also(name: str) -> str:
    return ", ".join(f"`{alias}`" for alias, target in ALIASES.items() if target == name)


def _list(names: list[str]) -> Iterator[str]:
    yield from ("## All of them", "", "| step | also known as | what it does |", "|---|---|---|")
    for name in names:
        yield f"| [`{name}`](#{name}) | {_also(name)} | {_cell(manifest(name)['summary'])} |"
    yield ""


def _step(name: str) -> Iterator[str]:
    data = manifest(name)
    yield from (f"## {name}", "", data["summary"].strip(), "")
    if "description" in data:
        yield from (data["description"].strip(), "")
    properties = data.get("properties") or []
    if not properties:
        yield from ("It takes no properties.", "")
        return
    yield from ("| property | | meaning |", "|---|---|---|")
    for each in properties:
        yield f"| `{each['name']}` | {_kind(each)} | {_cell(each.get('description', ''))} |"
    yield ""


def _kind(each: dict[str, str]) -> str:
    if each.get("required") == "true":
        return "**needed**"
    default = each.get("default", "")
    words = [] if each["type"] == "string" else [each["type"]]
    words += [f"`{default}`"] if default.strip() else []
    return ", ".join(words)


def _cell(text: str) -> str:
    return text.strip().replace("|", "\\|")


def _gone() -> Iterator[str]:
    yield from (
        "## Steps that can be no more",
        "",
        "A step is refused before anything starts, an after-step fails at its turn,",
        "both in these words.",
        "",
        "| step | why | instead |",
        "|---|---|---|",
    )
    for name, gone in GONE.items():
        yield f"| `{name}` | {gone.why} | {gone.instead} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
