"""How long a step may run, and how it is killed then."""

from __future__ import annotations

from steersman.sessions.base import End, Kill
from steersman.sessions.deadlines import Deadlines


def test_without_limits_nothing_is_due() -> None:
    limits = Deadlines(0, timeout=None, silence=None, grace=5)
    assert limits.due() is None
    assert limits.next_kill(1e9) is None


def test_past_its_timeout_a_step_is_killed_harder_and_harder() -> None:
    limits = Deadlines(100, timeout=60, silence=None, grace=5)
    assert limits.due() == 160
    assert limits.next_kill(159) is None
    assert limits.next_kill(160) is Kill.TERM
    assert limits.next_kill(164) is None
    assert limits.due() == 165
    assert limits.next_kill(165) is Kill.SPARE_SHELL
    assert limits.next_kill(170) is Kill.ALL
    assert not limits.given_up(174)
    assert limits.given_up(175)
    assert limits.next_kill(176) is None
    assert limits.cause is End.TIMED_OUT


def test_the_grace_of_a_kill_begins_when_it_has_been_sent() -> None:
    limits = Deadlines(0, timeout=60, silence=None, grace=0.2)
    for kill, asked, sent in ((Kill.TERM, 60, 63), (Kill.SPARE_SHELL, 64, 67), (Kill.ALL, 68, 71)):
        assert limits.next_kill(asked) is kill
        limits.killed(sent)
        assert limits.next_kill(sent + 0.1) is None
    # Of the last one nothing is to be heard but that it is done, which a busy machine says late.
    assert not limits.given_up(72.9)
    assert limits.given_up(73)


def test_output_puts_off_the_silence_but_not_the_timeout() -> None:
    limits = Deadlines(0, timeout=60, silence=10, grace=5)
    limits.heard(9)
    assert limits.due() == 19
    limits.heard(55)
    assert limits.due() == 60
    assert limits.next_kill(60) is Kill.TERM
    assert limits.cause is End.TIMED_OUT


def test_silence_is_named() -> None:
    limits = Deadlines(0, timeout=60, silence=10, grace=5)
    assert limits.next_kill(10) is Kill.TERM
    assert limits.cause is End.SILENT


def test_a_cancellation_kills_at_once_and_only_the_first_cause_counts() -> None:
    limits = Deadlines(0, timeout=60, silence=10, grace=5)
    limits.cancel(3)
    assert limits.due() == 3
    assert limits.next_kill(3) is Kill.TERM
    assert limits.next_kill(100) is Kill.SPARE_SHELL
    assert limits.cause is End.CANCELLED
