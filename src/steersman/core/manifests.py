"""What a step says of itself in its step.yml, and whether it is used as it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from steersman.core.pipelines.findings import did_you_mean, nearest
from steersman.core.pipelines.model import Step
from steersman.core.problems import Problem, Severity

_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


# Properties of every step: they never reach a step, whatever its manifest says.
READ_BY_US = ("name", "cwd", "checkpoint")


class Property(NamedTuple):
    """A property a step takes. *type* is `string` unless the manifest names another."""

    name: str
    type: str = "string"
    default: str = ""
    required: bool = False


class Manifest(NamedTuple):
    """A step.yml (or wercker-step.yml) that was read."""

    name: str = ""
    version: str = ""
    summary: str = ""
    properties: tuple[Property, ...] = ()


def read(data: object) -> Manifest:
    """Read the plain data of a manifest, all scalars being texts; what makes no sense is left out.

    Properties are a list of maps with `name`, or (in the older form) a map by name.
    """
    if not isinstance(data, Mapping):
        return Manifest()
    return Manifest(
        name=_text(data.get("name")),
        version=_text(data.get("version")),
        summary=_text(data.get("summary") or data.get("description")),
        properties=tuple(_properties(data.get("properties"))),
    )


def _properties(data: object) -> Iterator[Property]:
    if isinstance(data, Mapping):
        data = [
            {"name": name, **(item if isinstance(item, Mapping) else {})}
            for name, item in data.items()
        ]
    for item in data if isinstance(data, list) else ():
        if isinstance(item, Mapping) and (name := _text(item.get("name"))):
            yield Property(
                name=name,
                type=_text(item.get("type")).lower() or "string",
                default=_text(item.get("default")),
                required=_text(item.get("required")).lower() in ("true", "yes", "on", "y"),
            )


def _text(value: object) -> str:
    # A shell can hold no NUL, which YAML can write as `"\0"`.
    return value.replace("\0", "") if isinstance(value, str) else ""


def check(step: Step, manifest: Manifest) -> Iterator[Problem]:
    """Return what is wrong with the way *step* is used: nothing may start then."""
    known = {key(item.name): item for item in manifest.properties}
    given = {key(name): text for name, text in step.properties.items()}
    for variable, item in known.items():
        if item.name not in READ_BY_US:
            yield from _check_value(step, item, given.get(variable))
    for name in step.properties:
        if known and key(name) not in known and name not in ("code", "name"):
            yield _unknown(step, name, [item.name for item in manifest.properties])


def key(name: str) -> str:
    """Return what two spellings of one property share: both make the same variable."""
    return name.replace("-", "_").upper()


def _check_value(step: Step, item: Property, text: str | None) -> Iterator[Problem]:
    if not text and item.required and not item.default:
        yield _error(
            step,
            "missing-property",
            f"the step {step.id} needs the property {item.name}",
            f"write `{item.name}: ...` below it",
        )
    elif text and "$" not in text and not fits(item.type, text):
        yield _error(
            step,
            "wrong-type",
            f"the property {item.name} of the step {step.id} must be {_TYPES[item.type]}, "
            f"not {text!r}",
            None,
        )


def fits(kind: str, text: str) -> bool:
    """Tell whether *text* is a value of the type *kind*; what is no type of ours takes any."""
    match kind:
        case "integer":
            return _is_digits(text.strip().lstrip("+-"))
        case "number":
            return _is_digits(text.strip().lstrip("+-").replace(".", "", 1))
        case "boolean":
            return text.strip().lower() in ("true", "false", "yes", "no", "on", "off", "0", "1")
    return True


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _unknown(step: Step, name: str, known: list[str]) -> Problem:
    hint = did_you_mean(nearest(name, known), f"it takes {', '.join(known)}")
    return Problem(
        Severity.WARNING, "unknown-property", step.place,
        f"the step {step.id} does not know the property {name}", hint,
    )  # fmt: skip


def _error(step: Step, code: str, message: str, hint: str | None) -> Problem:
    return Problem(Severity.ERROR, code, step.place, message, hint)
