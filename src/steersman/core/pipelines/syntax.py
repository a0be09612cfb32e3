"""What a YAML parser complains about, in the words of somebody who has to mend it."""

from __future__ import annotations

from typing import NamedTuple


class Complaint(NamedTuple):
    """A syntax error in words. *at_start* says that its place is where the broken thing began."""

    code: str
    message: str
    hint: str | None = None
    at_start: bool = False


_TAB = Complaint(
    "tab",
    "a tab stands where the line is indented, and YAML allows spaces only",
    "replace the tab by spaces",
)
_UNCLOSED = Complaint(
    "unclosed-quote",
    "the quote that opens here is never closed",
    "close it; within single quotes a single quote is written twice",
    at_start=True,
)
_INDENTATION = Complaint(
    "indentation",
    "this line does not fit what stands above it",
    "check its indentation: keys of one map, and the `-` of one list, begin in the same column",
)
_COMPLAINTS = {
    "mapping values are not allowed in this context": Complaint(
        "unexpected-colon",
        "a colon here cannot make a key",
        "check the indentation of this line and of the one above; "
        "a text with `: ` in it needs quotes",
    ),
    "block sequence entries are not allowed in this context": Complaint(
        "indentation",
        "a list cannot begin here",
        "begin the `- ` on a line of its own, below its key",
    ),
    "could not find expected ':'": Complaint(
        "missing-colon",
        "this line is no key, since it has no colon",
        "write `key: value`, begin a list with `- `, or indent the text below its `|`",
        at_start=True,
    ),
    "did not find expected key": _INDENTATION,
    "did not find expected '-' indicator": _INDENTATION,
    "did not find expected ',' or ']'": Complaint(
        "unclosed-list", "the list that opens with `[` here is not closed", "add `]`", at_start=True
    ),
    "did not find expected ',' or '}'": Complaint(
        "unclosed-map", "the map that opens with `{` here is not closed", "add `}`", at_start=True
    ),
    "did not find expected <document start>": Complaint(
        "indentation",
        "the file ended before this line, which belongs to nothing",
        "check the indentation of this line",
    ),
    "did not find expected node content": Complaint(
        "syntax", "a value is missing here", "a text that begins with one of `,[]{}` needs quotes"
    ),
    "did not find expected alphabetic or numeric character": Complaint(
        "bad-alias",
        "`*` and `&` begin an alias or an anchor, and no name follows",
        "put the text in quotes if it should begin so",
        at_start=True,
    ),
    "found unexpected end of stream": _UNCLOSED,
    "found unexpected document indicator": _UNCLOSED,
    "found unknown escape character": Complaint(
        "bad-escape",
        "a text in double quotes has an escape that YAML does not know",
        "use single quotes, or write the backslash twice",
    ),
    "did not find expected hexdecimal number": Complaint(
        "bad-escape",
        "a text in double quotes has an escape without its digits",
        "use single quotes, or write the backslash twice",
    ),
    "found a tab character where an indentation space is expected": _TAB,
    "found a tab character that violates indentation": _TAB,
    "did not find expected comment or line break": Complaint(
        "syntax",
        "nothing may follow `|` or `>` on its line",
        "begin the text on the next line, deeper",
    ),
    "control characters are not allowed": Complaint(
        "control-character",
        "a control character stands here, which YAML does not allow",
        "remove it",
    ),
}
_STARTS = {
    "\t": _TAB,
    "@": Complaint("syntax", "a text cannot begin with '@'", "put it in quotes"),
    "`": Complaint("syntax", "a text cannot begin with a back quote", "put it in quotes"),
    "%": Complaint("syntax", "a text cannot begin with '%'", "put it in quotes"),
}


def complaint(problem: str, character: str) -> Complaint:
    """Say in words what the parser's *problem* means; *character* is what stands at its place."""
    if problem == "found character that cannot start any token" and character in _STARTS:
        return _STARTS[character]
    known = _COMPLAINTS.get(problem)
    if known is not None:
        return _TAB if character == "\t" and not known.at_start else known
    return Complaint("syntax", f"this is not valid YAML: {problem}", "check quotes and indentation")
