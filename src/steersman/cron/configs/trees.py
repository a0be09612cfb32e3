"""From YAML to a tree that knows its places, and from there to plain data."""

from __future__ import annotations

from typing import Any

from steersman.core import scalars
from steersman.core.nodes import Mapping, Node, Scalar, Sequence, mapping
from steersman.core.pipelines.findings import Findings
from steersman.core.pipelines.syntax import complaint

MOST_BYTES = 64 * 1024 * 1024
_DEEPEST = 60
# Below these keys Kubernetes wants texts, whatever a value looks like.
_MAPS_OF_TEXTS = frozenset(
    {"labels", "annotations", "nodeSelector", "matchLabels", "data", "stringData", "limits",
     "requests"}
)  # fmt: skip
_LISTS_OF_TEXTS = frozenset({"args", "command"})
_TEXTS = frozenset({"name", "image", "namespace", "serviceAccountName", "key", "nodeName"})


class _Unreadable(Exception):
    """Noted already."""


def read(text: str, findings: Findings) -> Node | None:
    """Return the tree of *text*; None, with the mistake noted, where it is no YAML."""
    import yaml

    if len(text) > MOST_BYTES:
        findings.error("too-large", _at(1, 1), "the configuration is larger than 64 MiB")
        return None
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        return None if root is None else _node(root, findings, 0)
    except _Unreadable:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        character = text[mark.index : mark.index + 1] if mark else ""
        said = complaint(error.problem or "", character)
        findings.error(said.code, _at(line, column), said.message, said.hint)
    except yaml.YAMLError as error:
        findings.error("syntax", _at(1, 1), f"this is not valid YAML: {error}")
    except RecursionError:
        findings.error("too-deep", _at(1, 1), "lists and maps are nested too deep")
    return None


def _node(node: Any, findings: Findings, depth: int) -> Node:
    import yaml

    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if depth > _DEEPEST:
        message = f"lists and maps are nested more than {_DEEPEST} deep here"
        findings.error("too-deep", _at(line, column), message)
        raise _Unreadable
    if isinstance(node, yaml.ScalarNode):
        # Whoever wrote `!!str 5` wants a text as much as whoever wrote quotes.
        plain_one = not node.style and node.tag != "tag:yaml.org,2002:str"
        # The tag `!` says that there are quotes: what is in them begins one character later.
        tag = "!" if node.style in ("'", '"') else None
        return Scalar(node.value, plain_one, tag, line, column)
    children: list[Node] = []
    if isinstance(node, yaml.SequenceNode):
        children = [_node(each, findings, depth + 1) for each in node.value]
        return Sequence(tuple(children), line, column)
    for key, value in node.value:
        children += [_node(key, findings, depth + 1), _node(value, findings, depth + 1)]
    found, flaws = mapping(children, line, column)
    for flaw in flaws:
        findings.error(flaw.code, flaw.at, flaw.message, flaw.hint)
    return found


def plain(node: Node, key: str = "", *, texts: bool = False) -> Any:
    """Return a tree as JSON would hold it; where Kubernetes wants texts they stay as written."""
    if type(node) is Scalar:
        return _scalar(node, texts=texts or key in _TEXTS)
    if type(node) is Sequence:
        return [plain(each, "", texts=key in _LISTS_OF_TEXTS) for each in node.items]
    if type(node) is not Mapping:
        return None
    names = {name.text for name, _ in node.items}
    # An entry of `env` has a value that is a text; the port of a probe and its like stay numbers.
    is_variable = "name" in names and "value" in names
    found = {}
    for name, value in node.items:
        wants_text = key in _MAPS_OF_TEXTS or (is_variable and name.text == "value")
        found[name.text] = plain(value, name.text, texts=wants_text)
    return found


def _scalar(node: Scalar, *, texts: bool) -> Any:
    if scalars.is_null(node):
        return None
    if not node.plain:
        return node.text
    if texts:
        # As Cronetes' reader did: what looks like a number or a boolean becomes its text.
        return scalars.typed_text(node)
    if node.text in scalars.TRUE or node.text in scalars.FALSE:
        return node.text in scalars.TRUE
    whole = scalars.integer(node.text)
    if whole is not None:
        return whole
    number = scalars.number(node)
    return node.text if number is None else number


def _at(line: int, column: int) -> Scalar:
    return Scalar("", True, None, line, column)  # noqa: FBT003
