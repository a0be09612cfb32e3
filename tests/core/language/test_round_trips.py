"""Any meaning, written in any accepted shape, is read back as it was meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from steersman.core import scalars
from steersman.core.nodes import Scalar
from steersman.core.pipelines import fields
from tests.core.language.reading import parsed


class Meant(NamedTuple):
    """A step as it is meant, and the shape in which it is written."""

    id: str
    name: str | None
    cwd: str | None
    properties: Mapping[str, str]
    flat: bool


def quoted(text: str) -> str:
    """Write a text in double quotes, everything unusual as an escape."""
    usual = ((char.isalnum() and char.isascii()) or char in " .,:-_$/" for char in text)
    pairs = zip(text, usual, strict=True)
    return '"' + "".join(char if plain else f"\\U{ord(char):08x}" for char, plain in pairs) + '"'


TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
FILLED = TEXTS.filter(str.strip)
# Keys of the language and `x-` mean something of their own.
OWN = {field.name for field in (*fields.FILE, *fields.STEP)} | {"script", "code"}
WORDS = st.from_regex(r"[a-wyz][a-z0-9]{0,8}(-[a-z0-9]{1,5})?", fullmatch=True).filter(
    lambda word: word not in OWN
)
PROPERTIES = st.dictionaries(WORDS, TEXTS, max_size=4)
STEPS = st.builds(
    Meant,
    id=WORDS,
    name=st.none() | FILLED,
    cwd=st.none() | FILLED,
    properties=PROPERTIES,
    flat=st.booleans(),
).filter(lambda step: not (step.flat and step.id in step.properties)) | st.builds(
    Meant,
    id=st.just("script"),
    name=st.none() | FILLED,
    cwd=st.none() | FILLED,
    properties=st.fixed_dictionaries({"code": FILLED}),
    flat=st.booleans(),
)
FILES = st.dictionaries(WORDS, st.lists(STEPS, max_size=4), min_size=1, max_size=3)


def written(step: Meant) -> list[str]:
    pairs = dict(step.properties)
    pairs |= {"name": step.name} if step.name is not None else {}
    pairs |= {"cwd": step.cwd} if step.cwd is not None else {}
    if not pairs:
        return [f"    - {quoted(step.id)}"]
    depth = " " * (6 if step.flat else 8)
    lines = [f"{depth}{key}: {quoted(value)}" for key, value in pairs.items()]
    return [f"    - {step.id}:", *lines]


@given(FILES)
def test_steps_in_either_shape_are_read_as_they_were_meant(
    file: dict[str, list[Meant]],
) -> None:
    lines = ["box: busybox"]
    for name, steps in file.items():
        lines += [f"{quoted(name)}:", "  steps:" if steps else "  steps: []"]
        for step in steps:
            lines += written(step)
    result = parsed("\n".join(lines) + "\n")
    assert result.config is not None, result.problems
    read = {
        name: [
            (
                step.id,
                step.display_name if step.display_name != step.name else None,
                step.cwd,
                dict(step.properties),
            )
            for step in pipeline.steps
        ]
        for name, pipeline in result.config.pipelines.items()
    }
    assert read == {
        name: [(s.id, s.name if s.name != s.id else None, s.cwd, dict(s.properties)) for s in steps]
        for name, steps in file.items()
    }


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1), st.sampled_from(["d", "x", "b", "_"]))
def test_an_integer_is_read_in_each_of_its_spellings(value: int, spelling: str) -> None:
    sign = "-" if value < 0 else ""
    forms = {
        "d": str(value),
        "x": f"{sign}0x{abs(value):x}",
        "b": f"{sign}0b{abs(value):b}",
        "_": f"{value:_}",
    }
    node = Scalar(forms[spelling], True, None, 1, 1)
    assert scalars.typed_text(node) == str(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_its_source_text(value: float) -> None:
    text = repr(value)
    assert scalars.typed_text(Scalar(text, True, None, 1, 1)) == text


@given(TEXTS)
def test_a_quoted_text_is_never_typed(text: str) -> None:
    assert scalars.typed_text(Scalar(text, False, None, 1, 1)) == text
