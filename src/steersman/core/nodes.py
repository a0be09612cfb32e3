"""A pipeline file as a tree in which everything knows its place, before anything is understood.

Named tuples, since a file makes thousands of them. Aliases share one node, so the tree is really
a graph without cycles; who walks it meets a shared node once for each alias.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias


class Scalar(NamedTuple):
    """A text. *plain* says that it was written without quotes, so that `5` or `yes` have a type."""

    text: str
    plain: bool
    tag: str | None
    line: int
    column: int


class Sequence(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    line: int
    column: int


class Mapping(NamedTuple):
    """A map, in the order of the file; merge keys are resolved and no key occurs twice."""

    items: tuple[tuple[Scalar, Node], ...]
    line: int
    column: int


Node: TypeAlias = Scalar | Sequence | Mapping
Pair: TypeAlias = tuple[Scalar, Node]


class Flaw(NamedTuple):
    """A mistake in the tree itself: where it is, and what to say."""

    code: str
    at: Node
    message: str
    hint: str | None


def mapping(children: list[Node], line: int, column: int) -> tuple[Mapping, list[Flaw]]:
    """Make a map of keys and values that alternate, with merge keys resolved."""
    keys, values = children[::2], children[1::2]
    texts = {key.text for key in keys if type(key) is Scalar}
    if len(texts) == len(keys) and "<<" not in texts:
        return Mapping(tuple(zip(keys, values, strict=True)), line, column), []  # type: ignore[arg-type]
    flaws: list[Flaw] = []
    pairs = _without_duplicates(keys, values, flaws)
    return Mapping(_merged(pairs, flaws), line, column), flaws


def _without_duplicates(keys: list[Node], values: list[Node], flaws: list[Flaw]) -> list[Pair]:
    first: dict[str, Scalar] = {}
    pairs: list[Pair] = []
    for key, value in zip(keys, values, strict=True):
        if type(key) is not Scalar:
            flaws.append(
                Flaw("key-not-text", key, "a key must be a text, not a list or a map", None)
            )
        elif (earlier := first.get(key.text)) is not None:
            flaws.append(_duplicate(key, earlier))
        else:
            first[key.text] = key
            pairs.append((key, value))
    return pairs


def _duplicate(key: Scalar, earlier: Scalar) -> Flaw:
    return Flaw(
        "duplicate-key",
        key,
        f"{key.text!r} occurs twice in this map, and only one of them can count",
        f"the first one is in line {earlier.line}, column {earlier.column}; rename or remove one",
    )


def _merged(pairs: list[Pair], flaws: list[Flaw]) -> tuple[Pair, ...]:
    """Put the pairs of `<<` where it stands; keys written out win, then the first map of a list."""
    taken = {key.text for key, _ in pairs}
    merged: list[Pair] = []
    for key, value in pairs:
        if key.text != "<<" or not key.plain:
            merged.append((key, value))
            continue
        for source in value.items if type(value) is Sequence else (value,):
            if type(source) is not Mapping:
                flaws.append(_not_mergeable(source))
                continue
            for pair in source.items:
                if pair[0].text not in taken:
                    taken.add(pair[0].text)
                    merged.append(pair)
    return tuple(merged)


def _not_mergeable(node: Node) -> Flaw:
    message = f"'<<' merges maps only, and this is {describe(node)}"
    return Flaw("not-mergeable", node, message, "write an alias of a map: `<<: *name`")


def told(node: Node) -> list[Any]:
    """Return a tree as lists that JSON can hold, for `heard`."""
    if isinstance(node, Scalar):
        return list(node)
    if isinstance(node, Sequence):
        return ["-", [told(each) for each in node.items], node.line, node.column]
    pairs = [[list(key), told(value)] for key, value in node.items]
    return [":", pairs, node.line, node.column]


def heard(said: list[Any]) -> Node:
    """Return the tree of which *said* tells."""
    match said:
        case ["-", items, line, column]:
            return Sequence(tuple(heard(each) for each in items), line, column)
        case [":", pairs, line, column]:
            taken = tuple((Scalar(*key), heard(value)) for key, value in pairs)
            return Mapping(taken, line, column)
    return Scalar(*said)


def describe(node: Node) -> str:
    """Say what kind of thing a node is, for a sentence: `a list`, `a map`, `nothing`."""
    if type(node) is Scalar:
        if node.plain and node.text in ("", "~", "null", "Null", "NULL"):
            return "nothing"
        return "a text"
    return "a list" if type(node) is Sequence else "a map"
