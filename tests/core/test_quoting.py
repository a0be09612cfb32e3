"""Nothing a value holds gets out of its place: asked of real shells."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.core import quoting

SHELLS = [shell for shell in ("sh", "bash", "dash") if shutil.which(shell)]
NASTY = [
    "",
    "plain",
    'it\'s "both"',
    "`id` $(id) ${HOME:-$(id)} $((1+1))",
    "two\nlines\n",
    "tab\t bell\a escape\x1b[31m del\x7f",
    "back\\slash \\\\ \\n \\$HOME \\",
    "ünïcödé 漢字 🎉",
    "a;b&c|d>e<f(g)h{i}j*k?l[m]n#o!p~q=r%s",
    "-n",
    "\r\n",
]


def says(shell: str, script: str) -> str:
    done = subprocess.run(
        [shell], input=script.encode(), capture_output=True, timeout=20, check=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.stderr == b""
    return done.stdout.decode()


@pytest.mark.parametrize("shell", SHELLS)
def test_single_keeps_every_value(shell: str) -> None:
    script = "".join(f"printf '%s|' {quoting.single(value)}\n" for value in NASTY)
    assert says(shell, script) == "".join(f"{value}|" for value in NASTY)


@pytest.mark.parametrize("shell", SHELLS)
def test_double_keeps_what_is_no_reference(shell: str) -> None:
    kept = [value.replace("${HOME:-$(id)}", "").replace("$HOME", "") for value in NASTY]
    script = "".join(f"printf '%s|' {quoting.double(value)}\n" for value in kept)
    assert says(shell, script) == "".join(f"{value}|" for value in kept)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$WHO", 'it\'s "me" `id` $(id)'),
        ("'$WHO'", "'it's \"me\" `id` $(id)'"),
        ("<${WHO}s>", '<it\'s "me" `id` $(id)s>'),
        ("$WHOM|", "|"),
        ("${NONE-else} ${NONE:-}", "else "),
        ("\\$WHO", '\\it\'s "me" `id` $(id)'),
        ("$(echo ran) `echo ran`", "$(echo ran) `echo ran`"),
        ("$((1+1)) $$ $1 $ $? ${{ x }}", "$((1+1)) $$ $1 $ $? ${{ x }}"),
        ("${region-code} p$$word", "code p$$word"),
        ("${not a name} ${", "${not a name} ${"),
        ("${NONE-$(echo ran)}", "${NONE-$(echo ran)}"),
    ],
)
def test_double_expands_references_and_runs_nothing(shell: str, value: str, expected: str) -> None:
    who = quoting.single('it\'s "me" `id` $(id)')
    assert says(shell, f"WHO={who}\nprintf %s {quoting.double(value)}\n") == expected


values = st.text(
    st.one_of(st.sampled_from("$`\"'\\{}()-: \n!"), st.characters(exclude_characters="\0")),
    max_size=30,
)


@settings(max_examples=20)
@given(st.lists(values.filter(lambda text: not quoting.refers(text)), min_size=20, max_size=40))
def test_any_value_without_a_reference_survives_both_quotings(texts: list[str]) -> None:
    try:
        expected = "".join(f"{text}|{text}|" for text in texts).encode()
    except UnicodeEncodeError:
        return
    script = "".join(
        f"printf '%s|' {quoting.single(text)} {quoting.double(text)}\n" for text in texts
    )
    done = subprocess.run(["sh"], input=script.encode(), capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (expected, b"")


def test_a_nul_is_refused() -> None:
    for quote in (quoting.single, quoting.double):
        with pytest.raises(ValueError, match="NUL"):
            quote("a\0b")


def test_names_are_what_a_shell_takes() -> None:
    texts = ["A", "_a1", "a-b", "1a", "", "é", "a b", "A\n"]
    assert list(filter(quoting.is_name, texts)) == ["A", "_a1"]


def test_an_export_of_a_bad_name_is_refused() -> None:
    with pytest.raises(ValueError, match="A-B"):
        quoting.export("A-B", "", expand=False)


def test_an_export_expands_only_where_asked() -> None:
    assert quoting.export("A", "$B", expand=True) == 'export A="$B"'
    assert quoting.export("A", "$B", expand=False) == "export A='$B'"


def test_a_reference_is_seen() -> None:
    values = ["$A", "x${A}", "${A:-b}", "$", "$1", "a$$b", "$(A)", "${1A}", "plain"]
    assert list(filter(quoting.refers, values)) == ["$A", "x${A}", "${A:-b}"]
