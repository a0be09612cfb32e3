"""The ignore file: what each kind of pattern leaves out."""

from __future__ import annotations

import time

import pytest

from steersman.core.ignores import parse


@pytest.mark.parametrize(
    ("patterns", "skipped", "kept"),
    [
        ("node_modules", ["node_modules", "a/node_modules"], ["node_modules2", "a/modules"]),
        ("*.log", ["a.log", "x/y/b.log"], ["a.log.gz", "log"]),
        ("/a", ["a"], ["b/a"]),
        ("/a/*.txt", ["a/x.txt"], ["a/b/x.txt", "b/a/x.txt"]),
        ("dir/a.txt", ["dir/a.txt", "x/dir/a.txt"], ["a.txt", "dir/b/a.txt"]),
        ("a?c", ["abc"], ["ac", "abbc"]),
        ("[ab].c", ["a.c", "b.c"], ["c.c"]),
        ("[^ab].c", ["c.c"], ["a.c"]),
        ("[!ab].c", ["c.c"], ["a.c"]),
        ("\\*.c", ["*.c"], ["a.c"]),
        ("**", ["a", "a/b"], []),
        ("x/**/y", ["x/z/y"], ["x/y", "x/z/z/y"]),
        ("*\n!keep", ["a"], ["keep", "a/keep"]),
        ("!keep\n*", ["a"], ["keep"]),
        ("*.txt\n!/vendor", ["a.txt"], ["vendor/a.txt"]),
        ("# comment\n\n   spaced  \n", ["spaced"], ["# comment", ""]),
        ("/\n!\n", [], ["a"]),
        ("[", ["["], ["a"]),
        ("[z-a]", ["[z-a]"], ["z"]),
        ("a.b\r\nc\r\n", ["a.b", "c"], ["aXb"]),
        ("", [], ["a"]),
    ],
)
def test_names_are_left_out(patterns: str, skipped: list[str], kept: list[str]) -> None:
    rules = parse(patterns)
    assert [name for name in skipped + kept if rules.skips(name, False)] == skipped


def test_a_pattern_with_a_slash_at_its_end_matches_folders_only() -> None:
    rules = parse("build/\n")
    assert rules.skips("build", True)
    assert rules.skips("a/build", True)
    assert not rules.skips("build", False)


def test_twenty_thousand_names_take_a_blink() -> None:
    rules = parse("node_modules\n*.log\n/target\n*.py[co]\n!keep.log\nsrc/*/gen\n.git/\n")
    names = [f"folder-{n % 100}/sub-{n % 7}/file-{n}.txt" for n in range(20_000)]
    started = time.process_time()
    assert not any(rules.skips(name, False) for name in names)
    assert time.process_time() - started < 1
