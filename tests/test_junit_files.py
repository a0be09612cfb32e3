"""Reports of tests are read as they are written, and hostile ones do no harm."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman import junit_files
from steersman.core.errors import UserError
from steersman.core.junit import Case, Report, State, Totals
from steersman.junit_files import Limits

USUAL = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites>
  <testsuite name="outer" tests="99">
    <properties><property name="error" value="1"/></properties>
    <testcase classname="shop.Cart" name="adds" time="0.25"/>
    <testcase classname="shop.Cart" name="removes" time="1,000.5">
      <failure message="expected 1" type="AssertionError">expected 1
  at cart.py:3 &lt;&amp;</failure>
      <system-out>noise</system-out>
    </testcase>
    <testsuite name="inner">
      <testcase name="crashes"><error message="boom"/></testcase>
      <testcase name="waits"><skipped>not today</skipped></testcase>
    </testsuite>
    <testcase name="after"/>
    <system-err>noise</system-err>
  </testsuite>
</testsuites>
"""
CASES = (
    Case("shop.Cart", "adds", 0.25, State.PASSED),
    Case("shop.Cart", "removes", 1000.5, State.FAILED, "expected 1\n  at cart.py:3 <&"),
    Case("outer / inner", "crashes", 0.0, State.ERRORED, "boom"),
    Case("outer / inner", "waits", 0.0, State.SKIPPED, "not today"),
    Case("outer", "after", 0.0, State.PASSED),
)


def read(text: bytes, limits: Limits = junit_files.LIMITS) -> Report:
    return junit_files.read([text], "report.xml", limits)


def case(body: bytes) -> Case:
    (found,) = read(b"<testsuite><testcase name='t'>" + body + b"</testcase></testsuite>").cases
    return found


def test_a_usual_report_is_read() -> None:
    assert read(USUAL) == Report(CASES, Totals(2, 1, 1, 1, 1000.75))


@given(st.lists(st.integers(0, len(USUAL)), max_size=8))
def test_it_does_not_matter_where_the_pieces_end(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(USUAL)]
    pieces = [USUAL[a:b] for a, b in itertools.pairwise(edges)]
    assert junit_files.read(pieces, "report.xml").cases == CASES


def test_one_suite_alone_is_a_report() -> None:
    assert read(b"<testsuite name='s'><testcase name='t'/></testsuite>").cases == (
        Case("s", "t", 0.0, State.PASSED),
    )


def test_names_with_a_prefix_are_understood() -> None:
    text = b"<j:testsuite xmlns:j='x'><j:testcase name='t'><j:error/></j:testcase></j:testsuite>"
    assert read(text).cases[0].state is State.ERRORED


@pytest.mark.parametrize(
    ("body", "state", "message"),
    [
        (b"<skipped message='a'/><failure message='b'/>", State.FAILED, "b"),
        (b"<failure message='a'/><error message='b'/>", State.ERRORED, "b"),
        (b"<error message='a'/><failure message='b'>c</failure>", State.ERRORED, "a"),
        (b"<failure message='a'/><failure message='b'/>", State.FAILED, "a"),
        (b"<system-out><error/></system-out>", State.PASSED, ""),
        (b"<flakyFailure message='a'/>", State.PASSED, ""),
        (b"<failure><![CDATA[a <b>]]></failure>", State.FAILED, "a <b>"),
        (b"<failure>a <b>b</b></failure>", State.FAILED, "a b"),
    ],
)
def test_a_test_ended_as_the_worst_that_is_said_of_it(
    body: bytes, state: State, message: str
) -> None:
    assert case(body)[3:] == (state, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", r"report\.xml:1: this is no XML: no element found"),
        (b"tests passed\n", r"report\.xml:1: this is no XML"),
        (USUAL[:400], r"report\.xml:\d+: this is no XML: unclosed token|no element"),
        (b"<testsuite>\n\n</testsuites>", r"report\.xml:3: this is no XML: mismatched tag"),
        (b"<testsuite>\n&nbsp;</testsuite>", r"report\.xml:2: this is no XML: undefined entity"),
        (b"<html>\n</html>", "this is no report of tests: it begins with <html>"),
        (b"<?xml version='1.0' encoding='klingon'?><testsuite/>", "encoding is not known"),
        (b"<?xml version='1.0' encoding='gb2312'?><testsuite/>", "encoding is not known"),
    ],
)
def test_what_is_no_report_says_where_and_why(text: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read(text)
    assert caught.value.hint


def test_other_encodings_are_read() -> None:
    text = "<?xml version='1.0' encoding='{}'?><testsuite><testcase name='é'/></testsuite>"
    for encoding in ("utf-8", "latin-1", "cp1252", "utf-16"):
        assert read(text.format(encoding).encode(encoding)).cases[0].name == "é"


@pytest.mark.parametrize(
    "doctype",
    [
        b"<!DOCTYPE testsuite>",
        b"<!DOCTYPE testsuite SYSTEM 'file:///etc/passwd'>",
        b"<!DOCTYPE testsuite [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>",
        b"<!DOCTYPE testsuite [<!ENTITY % a SYSTEM 'http://x'>%a;]>",
    ],
)
def test_a_doctype_is_refused(doctype: bytes) -> None:
    with pytest.raises(UserError, match=r"report\.xml:2: a report may have no DOCTYPE"):
        read(b"<?xml version='1.0'?>\n" + doctype + b"<testsuite/>")


def test_past_a_limit_a_report_is_refused() -> None:
    cases = b"<testsuite>" + b"<testcase/>" * 5 + b"</testsuite>"
    assert len(read(cases, Limits(cases=5, size=len(cases), depth=2)).cases) == 5
    with pytest.raises(UserError, match="more than 4 tests"):
        read(cases, Limits(cases=4))
    with pytest.raises(UserError, match="more than 10 bytes"):
        read(cases, Limits(size=10))
    with pytest.raises(UserError, match="more than 1 elements in each other"):
        read(cases, Limits(depth=1))


def test_an_endless_report_is_left_when_the_limit_is_reached() -> None:
    def endless() -> object:
        yield b"<testsuite>"
        while True:
            yield b"<testcase/>" * 100

    with pytest.raises(UserError, match="more than 1000000 bytes"):
        junit_files.read(endless(), "report.xml", Limits(size=1_000_000))  # type: ignore[arg-type]


def test_long_messages_and_names_are_cut() -> None:
    text = (
        b"<testsuite><testcase name='%s'><failure message='%s'>%s</failure></testcase></testsuite>"
    )
    (found,) = read(text % (b"n" * 50, b"m" * 50, b"t\n" * 50), Limits(message=20, name=10)).cases
    assert found.name == "n" * 9 + "…"
    assert found.message == "m" * 19 + "…"


@given(st.binary(max_size=200) | st.text("<>/testcaseui &;'=\"", max_size=60).map(str.encode))
def test_any_bytes_at_all_are_a_report_or_an_error_for_people(text: bytes) -> None:
    try:
        told = str(read(text))
    except UserError as error:
        told = str(error)
    assert told.startswith(("Report(cases=", "report.xml:"))


def test_a_file_is_read_and_a_link_is_not(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_bytes(USUAL)
    (tmp_path / "link.xml").symlink_to(tmp_path / "report.xml")
    assert junit_files.read_file(tmp_path / "report.xml").cases == CASES
    with pytest.raises(UserError, match=r"link\.xml: cannot read reports: it is a link"):
        junit_files.read_file(tmp_path / "link.xml")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xml")
    with pytest.raises(UserError, match="this is no file"):
        junit_files.read_file(tmp_path / "pipe.xml")
    with pytest.raises(UserError, match="this is no file"):
        junit_files.read_file(tmp_path)
    with pytest.raises(UserError, match="No such file"):
        junit_files.read_file(tmp_path / "missing.xml")


def suite(name: str) -> bytes:
    return f"<testsuite name='{name}'><testcase name='t'/></testsuite>".encode()


def folder(root: Path) -> Path:
    """Make a folder of reports with all that should not be read beside them."""
    for name in ("a/one.xml", "a/b/two.xml", "top.xml", "a/notes.txt", "a/draft/no.xml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(suite(name))
    return root


def test_the_reports_of_a_folder_are_found_by_patterns(tmp_path: Path) -> None:
    found = junit_files.read_folder(folder(tmp_path), ["**/*.xml", "!a/draft/**"])
    assert found.files == ("a/b/two.xml", "a/one.xml", "top.xml")
    assert [each.suite for each in found.report.cases] == list(found.files)
    assert found.problems == ()


def test_one_bad_report_does_not_spoil_the_others(tmp_path: Path) -> None:
    (folder(tmp_path) / "a" / "b" / "two.xml").write_bytes(suite("two")[:-3])
    found = junit_files.read_folder(tmp_path, ["**/*.xml"])
    assert found.files == ("a/draft/no.xml", "a/one.xml", "top.xml")
    assert [str(each).partition(":")[0] for each in found.problems] == ["a/b/two.xml"]


def test_links_and_pipes_in_a_folder_lead_nowhere(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    folder(outside)
    inside.mkdir()
    (inside / "folder").symlink_to(outside)
    (inside / "link.xml").symlink_to(outside / "top.xml")
    (inside / "round").symlink_to(inside)
    os.mkfifo(inside / "pipe.xml")
    found = junit_files.read_folder(inside, ["**/*.xml"])
    assert found.files == ()
    assert [str(each).partition(":")[0] for each in found.problems] == ["link.xml", "pipe.xml"]


def test_the_limits_are_for_all_reports_of_a_folder(tmp_path: Path) -> None:
    folder(tmp_path)
    for limits, most in ((Limits(cases=2), 2), (Limits(files=3), 3), (Limits(size=150), 2)):
        found = junit_files.read_folder(tmp_path, ["**/*.xml"], limits)
        assert len(found.files) == most
        assert len(found.problems) == 1


def test_a_name_that_would_play_tricks_on_a_terminal_is_spelled(tmp_path: Path) -> None:
    (tmp_path / "\x1b[2J.xml").write_bytes(suite("s"))
    assert junit_files.read_folder(tmp_path, ["*.xml"]).files == ("'\\x1b[2J.xml'",)


def test_a_folder_that_is_not_there_has_no_reports(tmp_path: Path) -> None:
    assert junit_files.read_folder(tmp_path / "missing", ["**"]) == junit_files.Found()


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder(tmp_path / "reports"))
    found = junit_files.read_folder(tmp_path / "link", ["**"])
    assert found.files == ()
    assert len(found.problems) == 1
