"""The pages of schedules: the list, the page of one, and what people do there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.browser.conftest import Seen, on_page
from tests.browser.seeding import HOSTILE, HOSTILE_REASON, PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Request


@on_page
def test_the_list_says_how_each_schedule_stands(seen: Seen) -> None:
    seen.enter()
    seen.go("/schedules")
    page = seen.page
    rows = page.get_by_role("row")
    night = rows.filter(has_text="nightly")
    night.get_by_text("Every day at 03:30").wait_for()
    night.get_by_text("Europe/Berlin").wait_for()
    night.get_by_text("succeeded", exact=True).wait_for()
    night.get_by_text("3 missed").wait_for()
    assert night.get_by_title(re.compile("your time: .*(EST|EDT|GMT-[45])")).count() >= 1
    rows.filter(has_text="halted").get_by_text("paused").wait_for()
    rows.filter(has_text="fresh").get_by_text("never ran").wait_for()
    page.get_by_label("Find schedules").fill("halt")
    assert rows.count() == 2
    page.get_by_label("Find schedules").fill("")
    page.get_by_role("button", name="Paused").click()
    assert rows.count() == 2
    page.get_by_role("button", name="All").click()
    page.get_by_label("Find schedules").fill("Night")
    page.get_by_role("link", name="nightly").click()
    page.get_by_role("heading", name="nightly").wait_for()
    assert page.title() == "nightly · shop · Steersman"
    page.go_back()
    page.get_by_role("heading", name="Schedules", exact=True).wait_for()
    # What was looked for is still looked for.
    night.get_by_text("Every day at 03:30").wait_for()
    assert (page.get_by_label("Find schedules").input_value(), rows.count()) == ("Night", 2)


@on_page
def test_an_alarm_that_holds_is_said_in_the_list_and_on_the_page(seen: Seen) -> None:
    seen.enter()
    seen.go("/schedules?show=care")
    page = seen.page
    mute = page.get_by_role("row").filter(has_text="mute")
    mute.get_by_text("No success for 2d, and 1 more alarm").wait_for()
    assert mute.get_by_title(re.compile("^No success for too long since .*\nMissed since ")).count()
    page.get_by_role("link", name="mute").click()
    alarms = page.get_by_role("list", name="Alarms").get_by_role("listitem")
    alarms.nth(1).wait_for()
    silent, missed = alarms.all_inner_texts()
    assert re.fullmatch(r"No success for too long since .+\d\d:\d\d.*: no success for 2d", silent)
    assert "the instant of" in missed
    seen.go("/projects/shop/schedules/nightly")
    page.get_by_role("heading", name="nightly").wait_for()
    assert alarms.count() == 0


@on_page
def test_who_sees_no_project_is_told_how_a_schedule_is_made(seen: Seen) -> None:
    page = seen.page
    seen.go("/sign-in")
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Nothing runs by itself yet").wait_for()
    seen.go("/projects/shop/schedules/nightly")
    page.get_by_role("alert").get_by_text("There is no project shop").wait_for()


@on_page
def test_a_calendar_names_days_or_counts_hours(seen: Seen) -> None:
    seen.enter()
    seen.go("/projects/shop/schedules/nightly")
    page = seen.page
    month = page.get_by_role("table", name="The coming five weeks")
    assert month.get_by_text("03:30").count() in (34, 35)
    assert month.get_by_role("columnheader").all_inner_texts()[0] == "Mon"
    page.get_by_text("An instant is skipped while an earlier run goes on.").wait_for()
    page.get_by_text("More than 10m late it is missed.").wait_for()
    seen.go("/projects/shop/schedules/often")
    heat = page.get_by_role("table", name="The coming days")
    assert heat.get_by_role("row").count() == 11
    assert heat.get_by_text("12", exact=True).count() > 200
    seen.go("/projects/shop/schedules/halted")
    assert page.get_by_text("skipped: it is paused").count() >= 20


@on_page
def test_the_ledger_says_what_became_of_each_instant_and_why(seen: Seen) -> None:
    seen.enter()
    seen.go("/projects/shop/schedules/nightly")
    page = seen.page
    ledger = page.get_by_role("table", name="What happened")
    ledger.get_by_text("late").wait_for()
    assert ledger.get_by_role("row").count() == 13
    page.get_by_role("button", name="Missed", exact=True).click()
    ledger.get_by_text("missed", exact=True).wait_for()
    ledger.get_by_role("row").nth(2).wait_for(state="detached")
    ledger.get_by_role("button", name="Explain").click()
    ledger.get_by_text("Missed (not-caught-up): no server ran").wait_for()
    page.get_by_label("Instant").fill("2020-01-01T03:30:00")
    page.get_by_role("button", name="Explain").last.click()
    page.get_by_text("Not planned: the schedule is known since").wait_for()


@on_page
def test_a_schedule_is_triggered_paused_and_resumed_with_a_reason(seen: Seen) -> None:
    seen.enter()
    seen.go("/projects/shop/schedules/fresh")
    page = seen.page
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Trigger now").click()
    dialog.get_by_label("Reason").fill("the disk was full")
    page.keyboard.press("Enter")
    page.get_by_text("fresh starts now.").wait_for()
    dialog.wait_for(state="detached")
    assert page.evaluate("document.activeElement.textContent") == "Trigger now"
    row = page.get_by_role("row").filter(has_text="the disk was full")
    row.get_by_text("By hand, asked for by admin").wait_for()
    # The planner is another task of the server: what comes of it is shown without being asked for.
    row.get_by_role("link", name="#").wait_for()
    page.get_by_role("button", name="Pause").click()
    dialog.get_by_role("button", name="Pause").click()
    assert dialog.get_by_label("Reason").evaluate("each => each.validity.valueMissing")
    dialog.get_by_label("Reason").fill("holidays")
    dialog.get_by_label("Until").fill("2099-01-02T03:04")
    dialog.get_by_role("button", name="Pause").click()
    page.get_by_text("Paused by admin").wait_for()
    page.locator(".banner").get_by_text("2 Jan 2099 03:04").wait_for()
    page.get_by_role("button", name="Resume").click()
    dialog.get_by_role("button", name="Resume").click()
    page.get_by_text("fresh goes on.").wait_for()
    page.get_by_role("button", name="Pause").wait_for()


@on_page
def test_a_backfill_is_looked_at_before_it_is_done(seen: Seen) -> None:
    seen.enter()
    seen.go("/projects/shop/schedules/often")
    page = seen.page
    asked: list[Any] = []

    def note(request: Request) -> None:
        if request.url.endswith("/backfill"):
            asked.append(request.post_data_json)

    page.on("request", note)
    page.get_by_role("button", name="Backfill").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("From").fill("2026-01-01T10:00")
    dialog.get_by_label("To").fill("2026-01-01T10:10")
    dialog.get_by_role("button", name="See what it would launch").click()
    dialog.get_by_text("3 instants would be launched").wait_for()
    assert dialog.get_by_role("listitem").count() == 3
    # Another range is looked at anew.
    dialog.get_by_label("To").fill("2026-01-01T10:05")
    assert dialog.get_by_role("listitem").count() == 0
    dialog.get_by_role("button", name="See what it would launch").click()
    dialog.get_by_text("2 instants would be launched").wait_for()
    dialog.get_by_role("button", name="Launch 2 instants").click()
    page.get_by_text("2 instants of often will be launched.").wait_for()
    assert [each.get("dry_run", False) for each in asked] == [True, True, False]
    assert asked[2]["since"] == "2026-01-01T09:00:00.000Z"
    page.get_by_role("button", name="Backfill").click()
    dialog.get_by_label("From").fill("2026-01-01T10:00")
    dialog.get_by_label("To").fill("2026-01-01T10:05")
    page.keyboard.press("Enter")
    dialog.get_by_text("All of these instants were filled before.").wait_for()


@on_page
def test_markup_in_names_and_reasons_stays_text(seen: Seen) -> None:
    seen.enter()
    seen.go("/schedules")
    page = seen.page
    page.get_by_role("link", name=HOSTILE).click()
    page.get_by_role("heading", name=HOSTILE).wait_for()
    page.get_by_role("button", name="Trigger now").click()
    page.get_by_role("dialog").get_by_label("Reason").fill(HOSTILE_REASON)
    page.keyboard.press("Enter")
    page.get_by_role("table").get_by_text(HOSTILE_REASON).wait_for()
    assert page.locator("main img, main script, .notices img").count() == 0
    seen.go("/projects/shop/schedules/halted")
    page.get_by_text(HOSTILE_REASON).first.wait_for()
    assert page.title() == "halted · shop · Steersman"


@on_page
def test_who_may_only_look_cannot_press_what_they_may_not_do(seen: Seen) -> None:
    page = seen.page
    body = {"name": "vera", "password": PASSWORD}
    assert page.request.post(f"{seen.machine.url}/api/v1/login", data=body).ok
    seen.go("/projects/shop/schedules/nightly")
    for name in ("Trigger now", "Pause", "Backfill"):
        assert page.get_by_role("button", name=name).is_disabled()
    page.get_by_text("You may look at it.").wait_for()


@on_page
def test_no_page_runs_what_is_not_ours(seen: Seen) -> None:
    seen.enter()
    seen.go("/schedules")
    tried = """() => {
      const script = document.createElement("script");
      let refused = false;
      try { script.text = "window.owned = true"; document.head.append(script); }
      catch { refused = true; }
      try { document.body.innerHTML = "<b>x</b>"; } catch { refused = refused && true; }
      return [refused, window.owned === undefined, document.querySelector("body > b") === null];
    }"""
    assert seen.page.evaluate(tried) == [True, True, True]
    # The browser tells of what it refused; that was ours.
    assert any("TrustedScript" in each for each in seen.said)
    seen.said.clear()
