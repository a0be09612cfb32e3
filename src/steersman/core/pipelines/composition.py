"""Building the tree of a file out of a parser's events, within limits.

Nothing here recurses: the depth of a file costs memory only, and little of that.
"""

from __future__ import annotations

from steersman.core.nodes import Flaw, Node, Scalar, Sequence, mapping
from steersman.core.pipelines.findings import Findings, shown
from steersman.core.scalars import KNOWN_TAGS

MAX_DEPTH = 100
# Nodes of the tree, with what aliases stand for counted each time.
MAX_NODES = 100_000


class TooMuch(Exception):
    """The file is beyond a limit; what was found is noted, and reading on would be dangerous."""


class _Frame:
    """A list or map that is still open. *before* is the number of nodes when it began."""

    __slots__ = ("anchor", "before", "children", "column", "height", "is_map", "line")

    def __init__(self, line: int, column: int, anchor: str | None, before: int) -> None:
        self.line = line
        self.column = column
        self.anchor = anchor
        self.before = before
        self.children: list[Node] = []
        self.height = 1
        self.is_map = False


class Composition:
    """A tree under construction; *root* is it once the last list or map is closed."""

    __slots__ = ("_anchors", "_count", "_findings", "_open", "root")

    def __init__(self, findings: Findings) -> None:
        self.root: Node | None = None
        self._findings = findings
        self._open: list[_Frame] = []
        self._count = 0
        # Each anchor's node, its number of nodes and its height; None while it is still open.
        self._anchors: dict[str, tuple[Node, int, int] | None] = {}

    def scalar(self, node: Scalar, anchor: str | None) -> None:
        """Add a text."""
        if node.tag is not None and node.tag not in KNOWN_TAGS:
            self._refuse_tag(node, node.tag)
        self._count += 1
        if self._count > MAX_NODES:
            self._refuse_size(node)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        if anchor is not None:
            self._anchors[anchor] = (node, 1, 0)

    def open(self, line: int, column: int, anchor: str | None, tag: str | None) -> None:
        """Begin a list; `close` makes it one, or a map if `open_map` began it."""
        at = Scalar("", False, None, line, column)  # noqa: FBT003
        self._grow(1, at)
        if tag is not None and tag not in _COLLECTION_TAGS:
            self._refuse_tag(at, tag)
        if len(self._open) >= MAX_DEPTH:
            self._refuse_depth(at)
        self._open.append(_Frame(line, column, anchor, self._count - 1))
        if anchor is not None:
            self._anchors[anchor] = None

    def open_map(self, line: int, column: int, anchor: str | None, tag: str | None) -> None:
        """Begin a map."""
        self.open(line, column, anchor, tag)
        self._open[-1].is_map = True

    def close(self) -> None:
        """End the innermost list or map."""
        frame = self._open.pop()
        node: Node
        if frame.is_map:
            node, flaws = mapping(frame.children, frame.line, frame.column)
            for flaw in flaws:
                self._note(flaw)
        else:
            node = Sequence(tuple(frame.children), frame.line, frame.column)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (node, self._count - frame.before, frame.height)
        self._add(node, frame.height)

    def alias(self, name: str, line: int, column: int) -> None:
        """Add what stands behind an anchor once more."""
        at = Scalar("", True, None, line, column)  # noqa: FBT003
        known = self._anchors.get(name)
        if known is None:
            self._note(_unknown_alias(name, at, is_open=name in self._anchors))
            known = (at, 1, 0)
        node, size, height = known
        self._grow(size, at)
        if len(self._open) + height > MAX_DEPTH:
            self._refuse_depth(at)
        self._add(node, height)

    def _add(self, node: Node, height: int) -> None:
        if self._open:
            frame = self._open[-1]
            frame.children.append(node)
            if height >= frame.height:
                frame.height = height + 1
        else:
            self.root = node

    def _grow(self, size: int, at: Node) -> None:
        self._count += size
        if self._count > MAX_NODES:
            self._refuse_size(at)

    def _refuse_size(self, at: Node) -> None:
        message = f"the file stands for more than {MAX_NODES:,} values"
        hint = "an alias counts as all that it stands for"
        self._findings.error("too-large", at, message, hint)
        raise TooMuch

    def _refuse_depth(self, at: Node) -> None:
        message = f"lists and maps are nested more than {MAX_DEPTH} deep here"
        self._findings.error("too-deep", at, message, "no pipeline file needs that")
        raise TooMuch

    def _refuse_tag(self, at: Node, tag: str) -> None:
        name = tag.replace("tag:yaml.org,2002:", "!!")
        hint = "remove it, or put the text in quotes if it should begin with '!'"
        self._findings.error("unknown-tag", at, f"the tag {shown(name)} is not known here", hint)

    def _note(self, flaw: Flaw) -> None:
        self._findings.error(flaw.code, flaw.at, flaw.message, flaw.hint)


_COLLECTION_TAGS = frozenset({
    "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:omap",
})  # fmt: skip


def _unknown_alias(name: str, at: Node, *, is_open: bool) -> Flaw:
    if is_open:
        return Flaw("bad-alias", at, f"the alias *{name} stands inside of what it names", None)
    hint = f"write &{name} before the value it should repeat, above this line; "
    hint += "a text that begins with '*' needs quotes"
    return Flaw("bad-alias", at, f"there is no anchor &{name} for this alias", hint)
