"""Coming in and going out, as people do it in a browser."""

from __future__ import annotations

from tests.browser.conftest import Seen, on_page
from tests.browser.seeding import PASSWORD


@on_page
def test_who_comes_without_a_session_signs_in_and_goes_where_they_wanted(seen: Seen) -> None:
    page = seen.page
    seen.go("/projects/shop/schedules/nightly")
    page.wait_for_url("**/sign-in?next=*")
    page.get_by_label("Name").fill("vera")
    page.get_by_label("Password").fill("wrong password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("alert").get_by_text("The name or the password is wrong").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="nightly").wait_for()
    assert page.url.endswith("/projects/shop/schedules/nightly")
    assert page.evaluate("document.cookie + localStorage.length + sessionStorage.length") == "00"
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    seen.go("/schedules")
    page.wait_for_url("**/sign-in?next=%2Fschedules")


@on_page
def test_a_token_opens_a_session_and_a_wrong_one_says_so(seen: Seen) -> None:
    page = seen.page
    seen.go("/sign-in?next=//elsewhere.example/")
    page.get_by_text("Sign in with a token instead").click()
    page.get_by_label("Token").fill("steer_pat_wrong")
    page.get_by_role("button", name="Sign in with the token").click()
    page.get_by_role("alert").get_by_text("The token was mistyped").wait_for()
    page.get_by_label("Token").fill(seen.machine.admin)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Schedules", exact=True).wait_for()
    assert page.url == f"{seen.machine.url}/schedules"


@on_page
def test_a_session_that_is_over_leads_to_signing_in_again(seen: Seen) -> None:
    seen.enter()
    seen.go("/schedules")
    seen.page.get_by_role("link", name="nightly").wait_for()
    seen.page.context.clear_cookies()
    seen.page.get_by_role("link", name="nightly").click()
    seen.page.get_by_text("Your session is over").wait_for()
    seen.page.get_by_role("heading", name="Sign in").wait_for()
