"""The language as a JSON Schema (draft 2020-12), made from the same tables as the reader.

A schema cannot say everything (graphs, names of images, which pipeline exists); an editor that
follows it still knows every key, its words and its kind of value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from steersman.core.pipelines import fields
from steersman.core.pipelines.fields import Field

Schema: TypeAlias = dict[str, Any]

_ANCHORS = {"^x-": True}
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_TEXTS: Schema = {"oneOf": [_TEXT, {"type": "array", "items": _TEXT}, {"type": "null"}]}
_BOOLEAN: Schema = {"enum": [True, False, "true", "false", "yes", "no", "on", "off"]}
_NUMBER_TEXT: Schema = {"type": "string", "pattern": r"^[0-9]*\.?[0-9]+$"}
_VARIABLES: Schema = {
    "type": ["object", "null"],
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}
_STEPS: Schema = {"$ref": "#/$defs/steps"}
_BOX: Schema = {"$ref": "#/$defs/box"}


def schema() -> Schema:
    """Return the JSON Schema of a pipeline file."""
    top = _keys(fields.FILE)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A pipeline file of Steersman",
        "type": "object",
        "properties": top["properties"],
        "patternProperties": _ANCHORS,
        "additionalProperties": {"$ref": "#/$defs/pipeline"},
        "$defs": {
            "box": {"oneOf": [_TEXT, _keys(fields.BOX)]},
            "steps": {"type": ["array", "null"], "items": _step()},
            "pipeline": {**_keys(fields.PIPELINE), "additionalProperties": _STEPS},
        },
    }


def _keys(known: Sequence[Field]) -> Schema:
    """Return the schema of a map with *known* keys."""
    made: Schema = {
        "type": "object",
        "properties": {field.name: _described(field) for field in known},
        "patternProperties": _ANCHORS,
    }
    required = [field.name for field in known if field.required]
    return {**made, "required": required} if required else made


def _described(field: Field) -> Schema:
    return {"description": field.about, **_SHAPES[field.shape](field)}


def _choices(field: Field) -> Schema:
    words = {"enum": list(field.choices)}
    return {"oneOf": [words, {"type": "array", "items": words}]}


def _step() -> Schema:
    """Return the schema of a step: an id, or a map that begins with an id."""
    common = {field.name: {"description": field.about} for field in fields.STEP}
    internal = {
        name: {"description": step.about, "oneOf": [{"type": "null"}, _internal(step)]}
        for name, step in fields.INTERNAL.items()
    }
    script = {
        "description": "run shell code in the box",
        "oneOf": [
            {"type": "null"},
            {"type": "object", "required": ["code"], "properties": {"code": _TEXTS, **common}},
        ],
    }
    properties = {"script": script, **internal, **common}
    return {"oneOf": [_TEXT, {"type": "object", "minProperties": 1, "properties": properties}]}


def _internal(step: fields.InternalStep) -> Schema:
    return {
        "type": "object",
        "properties": dict.fromkeys(step.fields, _TEXTS),
        "required": list(step.required),
    }


def _list_of(field: Field) -> Schema:
    return {"type": "array", "items": _keys(field.fields)}


def _workflows(field: Field) -> Schema:
    return {"type": "array", "items": _keys(fields.WORKFLOW)}


def _schedules(field: Field) -> Schema:
    one = {"oneOf": [{"type": "string"}, _keys(field.fields)]}
    return {"oneOf": [*one["oneOf"], {"type": "array", "items": one}]}


def _on(field: Field) -> Schema:
    return {"oneOf": [*_choices(field.fields[-1])["oneOf"], _keys(field.fields)]}


def _concurrency(field: Field) -> Schema:
    return {"oneOf": [_TEXT, _keys(field.fields)]}


def _cache(field: Field) -> Schema:
    texts = {"type": "array", "items": _TEXT}
    return {"oneOf": [_TEXT, texts, _keys(field.fields)]}


def _matrix(field: Field) -> Schema:
    combinations = {"type": "array", "items": _VARIABLES}
    return {
        "type": "object",
        "properties": {"include": combinations, "exclude": combinations},
        "patternProperties": _ANCHORS,
        "additionalProperties": _TEXTS,
    }


def _fixed(made: Schema) -> Callable[[Field], Schema]:
    return lambda _: made


_SHAPES: dict[str, Callable[[Field], Schema]] = {
    "text": _fixed(_TEXT),
    "texts": _fixed(_TEXTS),
    "joined": _fixed(_TEXTS),
    "ports": _fixed(_TEXTS),
    "words": _fixed(_TEXTS),
    "boolean": _fixed(_BOOLEAN),
    "env": _fixed(_VARIABLES),
    "minutes": _fixed({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _NUMBER_TEXT]}),
    **dict.fromkeys(("cron", "timezone", "moment", "schedule-name"), _fixed({"type": "string"})),
    "duration": _fixed({"type": ["string", "integer"]}),
    "count": _fixed({"type": "integer", "minimum": 1}),
    "bounded": lambda field: {"oneOf": [{"enum": list(field.choices)}, _keys(field.fields)]},
    "cpu": _fixed(_TEXT),
    "bytes": _fixed(_TEXT),
    "approve": _fixed({"oneOf": [_TEXT, {"type": "array", "items": _TEXT}]}),
    "priority": _fixed({"type": "integer", "minimum": -100, "maximum": 100}),
    "retries": _fixed({"type": "integer", "minimum": 0, "maximum": 10}),
    "box": _fixed(_BOX),
    "boxes": _fixed({"oneOf": [_BOX, {"type": "array", "items": _BOX}, {"type": "null"}]}),
    "steps": _fixed(_STEPS),
    "choice": lambda field: {"enum": list(field.choices)},
    "choices": _choices,
    "fields": lambda field: _keys(field.fields),
    "on": _on,
    "schedules": _schedules,
    "concurrency": _concurrency,
    "cache": _cache,
    "matrix": _matrix,
    "workflows": _workflows,
    "workflow-pipelines": _list_of,
}
