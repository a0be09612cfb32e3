"""Finding and reading a pipeline file: the only place that knows YAML.

The parser's events are read one by one and without recursion, so that no file, however deep, can
exhaust the stack; the limits hold while reading, not afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from steersman.core import nodes
from steersman.core.errors import InvalidFile, UserError
from steersman.core.nodes import Scalar
from steersman.core.pipelines.composition import Composition, TooMuch
from steersman.core.pipelines.config import build
from steersman.core.pipelines.findings import Findings
from steersman.core.pipelines.model import Config
from steersman.core.pipelines.report import split_lines
from steersman.core.pipelines.syntax import Complaint, complaint
from steersman.core.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from yaml import MarkedYAMLError

    from steersman.core.nodes import Node

NAMES = ("steersman.yml", "ewok.yml", "wercker.yml", ".wercker.yml")
MAX_BYTES = 1024 * 1024


class Parsed(NamedTuple):
    """A file that was read. *config* is None if and only if one of *problems* is an error."""

    config: Config | None
    problems: tuple[Problem, ...]
    source: str

    def checked(self) -> Config:
        """Return the config; `InvalidFile` holds all problems if there is none."""
        if self.config is None:
            raise InvalidFile(self.problems)
        return self.config


def find(directory: Path) -> Path:
    """Return the pipeline file of *directory*: the first of `NAMES` that is a file."""
    skipped: list[str] = []
    for name in NAMES:
        path = directory / name
        if path.is_file():
            return path
        if path.is_dir():
            skipped.append(name)
    hint = f"create {NAMES[2]} there, or name another file"
    if skipped:
        hint = f"{' and '.join(skipped)} is a folder, and a file is needed; {hint}"
    looked_for = f"{', '.join(NAMES[:-1])} or {NAMES[-1]}"
    raise UserError(f"no pipeline file in {directory}: looked for {looked_for}", hint=hint)


def read(path: Path, name: str | None = None) -> Parsed:
    """Read the file *path*; in messages it is called *name*."""
    shown = name or str(path)
    if path.is_dir():
        raise UserError(f"cannot read {shown}: it is a folder", hint="name the file in it")
    if path.exists() and not path.is_file():
        raise UserError(f"cannot read {shown}: it is not a regular file")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"cannot read {shown}: {error.strerror or error}") from None
    return parse(content, shown)


def tree(text: str, name: str) -> list[Any] | None:
    """Return what saves who parses *text* next the reading of it; None where that is no shorter."""
    # What aliases stand for would be told each time.
    if "&" in text:
        return None
    root = _compose(text, Findings(name))
    return None if root is None or root is _BROKEN else nodes.told(root)


def parse(text: str | bytes, name: str, told: list[Any] | None = None) -> Parsed:
    """Read the text of a file called *name*; never fails, all mistakes are in the answer.

    With its tree, *told* by who has read it, the text is not read, and YAML not imported.
    """
    findings = Findings(name)
    if told is not None:
        return Parsed(build(nodes.heard(told), findings), findings.sorted(), str(text))
    source = _decoded(text, findings)
    if findings.failed:
        return Parsed(None, findings.sorted(), source)
    config = None
    try:
        root = _compose(source, findings)
    except TooMuch:
        return Parsed(None, findings.sorted(), source)
    if root is not _BROKEN:
        config = build(root, findings)
    return Parsed(config, findings.sorted(), source)


# What takes the place of a tree that could not be built.
_BROKEN = Scalar("", True, None, 0, 0)  # noqa: FBT003


def _decoded(text: str | bytes, findings: Findings) -> str:
    size = len(text)
    if size > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024} KiB"
        findings.error("too-large", _at(1, 1), message, "keep long scripts in files of their own")
        return ""
    try:
        if isinstance(text, str):
            text.encode()
            return text.removeprefix("\ufeff")
        if text.startswith((b"\xff\xfe", b"\xfe\xff")):
            message = "the file is in UTF-16, and must be in UTF-8"
            findings.error("encoding", _at(1, 1), message, "save it as UTF-8")
            return ""
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"the byte 0x{error.object[error.start]:02x} here is not valid UTF-8"
        before = error.object[: error.start].decode(errors="replace")
        shown = error.object.decode(errors="replace")
    except UnicodeEncodeError as error:
        found = "a character here is one half of a surrogate pair"
        before = error.object[: error.start]
        shown = error.object.encode(errors="replace").decode()
    findings.error("encoding", _end_of(before), found, "save the file as UTF-8")
    return shown


def _end_of(before: str) -> Scalar:
    """Return the place right after a text that begins the file."""
    lines = split_lines(before)
    return _at(len(lines), len(lines[-1]) + 1)


def _compose(source: str, findings: Findings) -> Node | None:
    """Build the tree of the first document; None if there is no document."""
    import yaml
    from yaml._yaml import CParser

    try:
        parser = CParser(source)
        composition = Composition(findings)
        _read_document(parser, composition)
        _check_end(parser, findings)
    except yaml.MarkedYAMLError as error:
        _note_syntax(error, source, findings)
        return _BROKEN
    except yaml.reader.ReaderError as error:
        _note_character(error, source, findings)
        return _BROKEN
    return composition.root


def _read_document(parser: Any, composition: Composition) -> None:
    from yaml.events import (
        AliasEvent,
        DocumentEndEvent,
        MappingEndEvent,
        MappingStartEvent,
        ScalarEvent,
        SequenceEndEvent,
        SequenceStartEvent,
        StreamEndEvent,
    )

    next_event = parser.get_event
    while True:
        event = next_event()
        kind = type(event)
        mark = event.start_mark
        if kind is ScalarEvent:
            node = Scalar(event.value, not event.style, event.tag, mark.line + 1, mark.column + 1)
            composition.scalar(node, event.anchor)
        elif kind is MappingStartEvent:
            composition.open_map(mark.line + 1, mark.column + 1, event.anchor, event.tag)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            composition.close()
        elif kind is SequenceStartEvent:
            composition.open(mark.line + 1, mark.column + 1, event.anchor, event.tag)
        elif kind is AliasEvent:
            composition.alias(event.anchor, mark.line + 1, mark.column + 1)
        elif kind is DocumentEndEvent or kind is StreamEndEvent:
            return


def _check_end(parser: Any, findings: Findings) -> None:
    from yaml.events import DocumentStartEvent

    if not parser.check_event(DocumentStartEvent):
        return
    mark = parser.peek_event().start_mark
    message = "a second document begins here, and only the first one is read"
    findings.warn("second-document", _at(mark.line + 1, mark.column + 1), message, "remove `---`")


def _note_syntax(error: MarkedYAMLError, source: str, findings: Findings) -> None:
    mark = error.problem_mark or error.context_mark
    found = complaint(error.problem or "", _character(mark, source))
    if found.at_start and error.context_mark is not None:
        mark = error.context_mark
    _note(found, mark, findings)


def _note(found: Complaint, mark: Any, findings: Findings) -> None:
    at = _at(mark.line + 1, mark.column + 1) if mark is not None else _at(1, 1)
    findings.error(found.code, at, found.message, found.hint)


def _note_character(error: object, source: str, findings: Findings) -> None:
    """Note a character that YAML does not allow; the parser counts bytes up to it."""
    position = int(getattr(error, "position", 0))
    before = source.encode()[:position].decode(errors="ignore")
    found = complaint(str(getattr(error, "reason", "")), "")
    findings.error(found.code, _end_of(before), found.message, found.hint)


def _character(mark: Any, source: str) -> str:
    return source[mark.index : mark.index + 1] if mark is not None else ""


def _at(line: int, column: int) -> Scalar:
    return Scalar("", True, None, line, column)  # noqa: FBT003
