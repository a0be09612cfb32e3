"""Whether a step's manifest is fit to be published: stricter than what running it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from steersman.core import manifests, versions
from steersman.core.manifests import Property
from steersman.core.pipelines.findings import did_you_mean, nearest
from steersman.core.problems import Severity

TYPES = ("string", "integer", "number", "boolean")
_KEYS = (
    "name", "version", "summary", "description", "tags", "properties", "keywords", "license",
    "author", "homepage", "image",
)  # fmt: skip
_PROPERTY_KEYS = ("name", "type", "required", "default", "summary", "description")
_MAY_HOLD = f"it may hold {', '.join(_KEYS)}"
_IS_ONE_OF = f"write one of {', '.join(TYPES)}"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_PROPERTY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_BOOLEANS = ("true", "false", "yes", "no", "on", "off", "y", "n")


class Remark(NamedTuple):
    """Something to be said of a manifest; an error keeps it from being published."""

    severity: Severity
    message: str
    hint: str = ""


def check(data: object) -> Iterator[Remark]:
    """Look through the plain data of a manifest, all scalars being texts."""
    if not isinstance(data, Mapping):
        yield _error("it is no map of keys", "begin with `name: ...`")
        return
    yield from _identity(data)
    for key in data:
        if key not in _KEYS:
            hint = did_you_mean(nearest(str(key), _KEYS), _MAY_HOLD) or ""
            yield Remark(Severity.WARNING, f"the key {key!r} means nothing", hint)
    yield from _properties(data.get("properties"))


def _identity(data: Mapping[object, object]) -> Iterator[Remark]:
    name, version = data.get("name"), data.get("version")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        said = f"{name!r} is no name of a step" if name else "it has no name"
        yield _error(said, "a name holds letters, digits, `-`, `_` and `.`")
    if not isinstance(version, str) or versions.parse(version) is None:
        said = f"{version!r} is no version" if version else "it has no version"
        yield _error(said, "number it as 1.2.3, or 1.2.3-rc.1 before it is ready")
    if not (data.get("summary") or data.get("description")):
        hint = "say in a sentence what the step does; lists show it"
        yield Remark(Severity.WARNING, "it has no summary", hint)


def _properties(data: object) -> Iterator[Remark]:
    if data in (None, ""):
        return
    if isinstance(data, Mapping):
        yield Remark(
            Severity.WARNING,
            "properties are written as a map, the older form",
            "write a list: `- name: ...`, with `type`, `required` and `default` below it",
        )
        data = [{"name": name, **_map(item)} for name, item in data.items()]
    if not isinstance(data, list):
        yield _error("properties are no list", "write `- name: ...` for each")
        return
    seen: dict[str, str] = {}
    for place, item in enumerate(data, 1):
        yield from _property(place, item, seen)


def _map(item: object) -> dict[object, object]:
    return dict(item) if isinstance(item, Mapping) else {}


def _property(place: int, item: object, seen: dict[str, str]) -> Iterator[Remark]:
    keys = _map(item)
    name = keys.get("name")
    if not isinstance(name, str) or not _PROPERTY.fullmatch(name):
        said = "has no name" if not name else f"cannot be called {name!r}"
        yield _error(f"property {place} {said}", "a name holds letters, digits, `-` and `_`")
        return
    if name in manifests.READ_BY_US:
        yield _error(f"the property {name} never reaches a step", "every step has it; rename it")
    variable = manifests.key(name)
    if variable in seen:
        yield _error(f"the properties {seen[variable]} and {name} make the same variable")
    seen[variable] = name
    for key in keys:
        if key not in _PROPERTY_KEYS:
            hint = did_you_mean(nearest(str(key), _PROPERTY_KEYS)) or ""
            yield Remark(Severity.WARNING, f"the key {key!r} of {name} means nothing", hint)
    yield from _values(name, keys)


def _values(name: str, keys: dict[object, object]) -> Iterator[Remark]:
    kind, required, default = keys.get("type"), keys.get("required"), keys.get("default")
    if kind and str(kind).lower() not in TYPES:
        hint = did_you_mean(nearest(str(kind), TYPES), _IS_ONE_OF) or ""
        yield _error(f"the type {kind!r} of {name} is not known", hint)
    if required and str(required).lower() not in _BOOLEANS:
        yield _error(f"`required` of {name} is {required!r}", "write true or false")
    if not isinstance(default, str):
        if default is not None:
            yield _error(f"the default of {name} is no text")
        return
    known = Property(name, str(kind or "string").lower(), default)
    if default and "$" not in default and not manifests.fits(known.type, default):
        yield _error(f"the default {default!r} of {name} does not fit its type {kind}")
    if default and str(required).lower() in ("true", "yes", "on", "y"):
        message = f"{name} is required and has a default, so it need not be given"
        yield Remark(Severity.WARNING, message, "take out one of the two")


def _error(message: str, hint: str = "") -> Remark:
    return Remark(Severity.ERROR, message, hint)
