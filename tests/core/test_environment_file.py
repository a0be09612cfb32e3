"""The ENVIRONMENT file, line by line."""

from __future__ import annotations

import pytest

from steersman.core.environment_file import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB = 2 \n", {"A": "1", "B": "2"}),
        ("# A=1\nno equals sign\n\n", {}),
        ("A='one'\nB=\"two\"\nC='three\"\n", {"A": "one", "B": "two", "C": "'three\""}),
        ('A="line\\nline"\nB=plain\\n\n', {"A": "line\nline", "B": "plain\\n"}),
        ('A="say \\"hi\\""\n', {"A": 'say "hi"'}),
        ("A=$HOME=x\n", {"A": "$HOME=x"}),
        ("A=first\nA=second\n", {"A": "first"}),
        ("A=\nA=second\n", {"A": "second"}),
        ("export A=1\n", {"A": "1"}),
        ("\ufeffA=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=form\x0cfeed\u2028end\n", {"A": "form\x0cfeed\u2028end"}),
        ("A='\n", {"A": "'"}),
    ],
)
def test_the_file_is_read_as_the_original_did(text: str, expected: dict[str, str]) -> None:
    assert parse(text, {}) == expected


def test_what_is_set_already_wins_unless_it_is_empty() -> None:
    assert parse("A=file\nB=file\n", {"A": "process", "B": ""}) == {"B": "file"}


def test_the_order_of_the_file_is_kept() -> None:
    assert list(parse("Z=1\nA=2\nM=3\n", {})) == ["Z", "A", "M"]
