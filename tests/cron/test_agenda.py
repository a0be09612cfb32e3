"""When each schedule is looked at."""

from __future__ import annotations

from steersman.cron.agenda import Agenda


def test_who_is_put_off_is_looked_at_only_then() -> None:
    agenda = Agenda()
    agenda.put("one", 10)
    agenda.put("two", 10)
    agenda.put("one", 30)
    assert agenda.take(29.9) == ["two"]
    assert agenda.first() == 30
    assert agenda.take(30.0) == ["one"]
    assert agenda.first() is None


def test_who_has_no_instant_left_is_never_looked_at() -> None:
    agenda = Agenda()
    agenda.put("one", 10)
    agenda.put("one", None)
    agenda.put("two", 20)
    assert agenda.first() == 20
    assert agenda.take(100.0) == ["two"]


def test_what_comes_at_an_instant_is_known_before() -> None:
    agenda = Agenda()
    for name, instant in (("one", 10), ("two", 40), ("three", 10)):
        agenda.put(name, instant)
    assert list(agenda.at(10)) == ["one", "three"]
    assert agenda.take(10.0) == ["one", "three"]
