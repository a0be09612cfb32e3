"""`steer schedule` against a real server."""

from __future__ import annotations

from tests.cli.remote.conftest import Stage, Steer


def test_a_schedule_is_added_looked_at_paused_started_and_removed(
    steer: Steer, stage: Stage
) -> None:
    added = steer("schedule", "add", "shop", "night", "build", "0 3 1 1 *", "--set", "attempts=2")
    assert added.code == 0, added.err
    assert added.out.startswith("added night, next at ")
    assert "it runs right on the hour, as most others do [on-the-hour]" in added.out
    assert steer("schedule", "list", "shop", "-o", "name").out == "night\n"
    window = ("--since", "2036-01-01", "--until", "2036-01-02")
    coming = steer("schedule", "forecast", "shop", *window).out.splitlines()
    assert coming[0].startswith("1 starts of 1 schedules from ")
    assert coming[1] == "2036-01-01T03:00:00.000Z  1"
    shown = steer("schedule", "show", "shop", "night").out
    assert "starts:    build" in shown
    assert "when:      0 3 1 1 *" in shown
    assert steer("schedule", "next", "shop", "night", "-n", "3", "-o", "name").out.count("\n") == 3
    assert steer("schedule", "pause", "shop", "night", "--reason", "ice").out == "night is paused\n"
    assert "by admin: ice" in steer("schedule", "show", "shop", "night").out
    assert steer("schedule", "resume", "shop", "night").out.startswith("night goes on, next at ")
    started = steer("schedule", "trigger", "shop", "night", "--reason", "why not")
    assert started.out.startswith("night is started as ")
    assert "why not" in steer("schedule", "show", "shop", "night", "--state", "planned").out
    dry = steer("schedule", "backfill", "shop", "night", "2024-01-01", "2026-06-01", "--dry-run")
    assert dry.out.endswith("3 of 3 instants would be started\n")
    told = steer("schedule", "explain", "shop", "night", "2024-01-01T04:00:00Z").out
    assert told.startswith("not planned: no expression of the schedule names this instant")
    assert steer("schedule", "rm", "shop", "night") == (0, "removed night of shop\n", "")
    gone = steer("schedule", "show", "shop", "night")
    assert (gone.code, gone.err) == (
        2,
        "error: the project has no schedule night\n\nhint: `steer schedule list shop` names them\n",
    )


def test_a_mistake_in_an_expression_is_told(steer: Steer) -> None:
    ended = steer("schedule", "add", "shop", "bad", "build", "0 99 * * *")
    assert ended.code == 2
    assert "99 is no hour" in ended.err
