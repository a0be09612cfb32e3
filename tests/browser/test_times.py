"""What the pages' pure modules decide, in the browser that runs them."""

from __future__ import annotations

from typing import Any

from tests.browser.conftest import Seen, on_page

ASKED = """async ([module, calls]) => {
  const source = document.querySelector("script[src]").src.replace("app.js", module);
  const found = await import(source);
  return calls.map(([name, ...given]) => found[name](...given));
}"""
NOW = 1795824000000  # 2026-11-28T00:00:00Z
DAY = 86_400_000


def decide(seen: Seen, module: str, *calls: list[Any]) -> Any:
    return seen.page.evaluate(ASKED, [module, calls])


@on_page
def test_times_are_said_in_the_zone_that_is_meant(seen: Seen) -> None:
    seen.go("/sign-in")
    berlin = "Europe/Berlin"
    assert decide(
        seen, "times.js",
        ["clock", NOW, berlin], ["clock", NOW + 30_000, berlin], ["date", NOW, "America/New_York"],
        ["day", NOW, berlin, NOW], ["day", NOW + DAY, berlin, NOW], ["day", NOW - DAY, berlin, NOW],
        ["day", NOW + 2 * DAY, berlin, NOW], ["day", NOW + 90 * DAY, berlin, NOW],
        ["relative", NOW + 11_100_000, NOW], ["relative", NOW - 42_000, NOW],
        ["relative", NOW, NOW], ["span", 60], ["span", 86_400 * 2 + 3600], ["span", 86_400 * 9],
    ) == [
        "01:00", "01:00:30", "2026-11-27", "today", "tomorrow", "yesterday", "Mon 30 Nov",
        "Fri 26 Feb 2027", "in 3 h 5 min", "42 s ago", "now", "1 min", "2 days 1 h", "9 days",
    ]  # fmt: skip


@on_page
def test_what_a_form_gives_is_meant_in_the_zone_of_the_schedule(seen: Seen) -> None:
    seen.go("/sign-in")
    berlin = "Europe/Berlin"
    asked = {
        ("2026-07-01T12:00", berlin): "2026-07-01T10:00:00.000Z",
        ("2026-12-01T12:00:30", berlin): "2026-12-01T11:00:30.000Z",
        # The first of two equal times; one that does not exist moves on.
        ("2026-10-25T02:30", berlin): "2026-10-25T00:30:00.000Z",
        ("2026-03-29T02:30", berlin): "2026-03-29T01:30:00.000Z",
        ("2026-01-01T00:00", "Asia/Kolkata"): "2025-12-31T18:30:00.000Z",
        ("2026-01-01T00:00", "Pacific/Kiritimati"): "2025-12-31T10:00:00.000Z",
        ("nonsense", berlin): "nonsense",
    }
    found = decide(seen, "times.js", *(["stamp", *each] for each in asked))
    assert dict(zip(asked, found, strict=True)) == asked


@on_page
def test_a_schedule_stands_as_its_newest_instants_say(seen: Seen) -> None:
    seen.go("/sign-in")
    plain: dict[str, Any] = {
        "alarms": [],
        "pause": None,
        "failures": 0,
        "next": "2026-11-29T00:00:00Z",
        "recent": [],
    }
    ran = {"kind": "scheduled", "state": "fired", "outcome": "succeeded", "covers": 1}
    lost = {**ran, "state": "missed", "outcome": None, "covers": 4}
    words = {
        "new": plain,
        "on time": {**plain, "recent": [ran, lost]},
        "missed": {**plain, "recent": [lost, ran]},
        "failed": {**plain, "failures": 1},
        "failed 3 times": {**plain, "failures": 3, "recent": [ran]},
        "no success": {**plain, "alarms": [{"what": "no-success"}], "recent": [ran]},
        "paused": {**plain, "pause": {"by": "ada"}},
        "stopped": {**plain, "pause": {"by": "steersman"}, "failures": 5},
        "over": {**plain, "next": None, "recent": [ran]},
    }
    found = decide(seen, "wording.js", *(["standing", each] for each in words.values()))
    assert [each["word"] for each in found] == list(words)
    care = [word for word, each in zip(words, found, strict=True) if each["care"]]
    assert care == ["missed", "failed", "failed 3 times", "no success", "stopped"]
