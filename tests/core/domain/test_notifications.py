"""Who hears what of a run, in which words, in which order, and when again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import announcements, notifications
from steersman.core.errors import UserError
from steersman.core.forges.base import Forge
from steersman.core.forges.statuses import Status
from steersman.core.notifications import Change, Kind, News, Stand, Target, Turn
from steersman.core.runs import State

NOW = 1_700_000_000.0
FAILED = Change(
    "r1", 3, "failed", NOW, "shop/api", 12, "build", "", "push", "main", commit="c0ffee",
    why="step test: exit code 1",
)  # fmt: skip
ALL = frozenset(News)
SPOKEN = st.text(max_size=40)


@pytest.mark.parametrize(
    ("change", "news"),
    [
        *((FAILED._replace(state=state), set()) for state in ("queued", "waiting", "approval")),
        *((FAILED._replace(state=state), set()) for state in ("cancelling", "skipped")),
        (FAILED._replace(state="running"), {"started"}),
        (FAILED._replace(state="succeeded"), {"succeeded"}),
        (FAILED._replace(state="succeeded", fixed=True), {"succeeded", "fixed"}),
        *((FAILED._replace(state=state), {state}) for state in ("failed", "errored", "cancelled")),
        (FAILED._replace(state="approval", job="deploy"), {"approval"}),
        (FAILED._replace(state="failed", job="deploy"), set()),
    ],
)
def test_a_change_is_news_of_its_kind(change: Change, news: set[str]) -> None:
    assert notifications.news(change) == news


def wants(change: Change, **fields: Any) -> bool:
    target = Target("t", fields.pop("kind", Kind.SLACK), **fields)
    return notifications.wanted([target], change) == (target,)


def test_whoever_says_nothing_hears_of_failures_and_of_their_end() -> None:
    succeeded = FAILED._replace(state="succeeded")
    assert wants(FAILED)
    assert wants(succeeded._replace(fixed=True))
    assert not wants(succeeded)
    assert not wants(FAILED._replace(state="errored"))


def test_branches_choose_who_hears() -> None:
    assert wants(FAILED, branches=("main", "release/*"))
    assert not wants(FAILED, branches=("!main",))
    assert not wants(FAILED, kind=Kind.STATUS, branches=("release/*",))


@pytest.mark.parametrize("state", State)
def test_a_forge_hears_every_state_but_that_something_is_being_cancelled(state: State) -> None:
    told = wants(FAILED._replace(state=state), kind=Kind.STATUS, on=frozenset())
    assert told is (state is not State.CANCELLING)


def test_a_forge_hears_nothing_of_jobs_or_without_a_commit() -> None:
    assert not wants(FAILED._replace(job="deploy"), kind=Kind.STATUS)
    assert not wants(FAILED._replace(commit=""), kind=Kind.STATUS)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("slack", "is an object"),
        ({"kind": "slack"}, "the id 'None'"),
        ({"id": "a/b", "kind": "slack"}, "the id 'a/b'"),
        ({"id": "a"}, "the kind 'None'"),
        ({"id": "a", "kind": ["slack"]}, "the kind"),
        ({"id": "a", "kind": "slack", "on": ["sometimes"]}, "the on 'sometimes'"),
        ({"id": "a", "kind": "slack", "on": {"failed": 1}}, "the on"),
        ({"id": "a", "kind": "slack", "branches": [1]}, "the branches"),
        ({"id": "a", "kind": "webhook"}, "the url ''"),
        ({"id": "a", "kind": "webhook", "url": "file:///etc/passwd"}, "the url"),
        ({"id": "a", "kind": "webhook", "url": "http://a/\r\nx"}, "the url"),
        ({"id": "a", "kind": "email"}, "the to '[]'"),
        ({"id": "a", "kind": "email", "to": "ada@x\r\nBcc: eve@x"}, "the to"),
        ({"id": "a", "kind": "email", "to": ["ada@x", "Eve <eve@x>"]}, "the to"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused_and_passed_over(fields: Any, said: str) -> None:
    with pytest.raises(UserError) as caught:
        notifications.target(fields)
    assert said in str(caught.value)
    good = {"id": "b", "kind": "email", "to": "ada@example.com"}
    assert [each.id for each in notifications.targets({"notify": [fields, good]})] == ["b"]


@pytest.mark.parametrize("settings", [None, {}, {"notify": None}])
def test_a_project_may_tell_nobody(settings: dict[str, Any] | None) -> None:
    assert notifications.targets(settings) == ()


def test_a_change_comes_back_also_from_another_version() -> None:
    stored = json.loads(json.dumps(FAILED._asdict()))
    assert notifications.change({**stored, "moon": "full"}) == FAILED


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "build #12 of shop/api failed on main: step test: exit code 1"),
        ({"why": ""}, "build #12 of shop/api failed on main"),
        ({"state": "succeeded"}, "build #12 of shop/api succeeded on main"),
        ({"state": "succeeded", "fixed": True}, "build #12 of shop/api is fixed on main"),
        ({"state": "running", "why": ""}, "build #12 of shop/api has started on main"),
        ({"state": "errored", "why": "node lost"},
         "build #12 of shop/api could not be finished on main: node lost"),
        ({"state": "cancelled", "why": "cancelled by ada"},
         "build #12 of shop/api was cancelled on main: cancelled by ada"),
        ({"state": "approval", "job": "deploy"},
         "deploy of build #12 of shop/api waits for approval on main"),
        ({"why": "", "pull": 7}, "build #12 of shop/api failed in pull request 7"),
        ({"why": "", "branch": "", "tag": "v1"}, "build #12 of shop/api failed at v1"),
        ({"why": "", "branch": ""}, "build #12 of shop/api failed at c0ffee"),
        ({"why": "a\r\nb\x00\x1b\u2028c"}, "build #12 of shop/api failed on main: a b c"),
    ],
)  # fmt: skip
def test_a_subject_says_it_all(more: dict[str, Any], words: str) -> None:
    assert announcements.subject(FAILED._replace(**more)) == words


def test_a_body_says_where_to_look() -> None:
    assert announcements.body(FAILED._replace(author="Ada"), "https://ci/runs/r1") == (
        "build #12 of shop/api failed on main: step test: exit code 1\n\n"
        "Commit: c0ffee\nAuthor: Ada\nTrigger: push\n\nhttps://ci/runs/r1\n"
    )


@given(SPOKEN, SPOKEN, st.text(max_size=900))
def test_a_subject_is_one_short_line_whatever_strangers_write(a: str, b: str, why: str) -> None:
    subject = announcements.subject(FAILED._replace(name=a, branch=b, why=why))
    assert len(subject.splitlines()) == 1
    assert len(subject) <= 300
    subject.encode()


def test_a_channel_is_not_woken_by_a_branch() -> None:
    change = FAILED._replace(branch="<!channel>&@here", why="")
    [text] = announcements.slack(change, "https://ci/runs/r1").values()
    assert text == (
        "build #12 of shop/api failed on &lt;!channel&gt;&amp;@\u200bhere"
        " (<https://ci/runs/r1|details>)"
    )


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"state": "running"}, "run.started"),
        ({"state": "failed"}, "run.finished"),
        ({"state": "succeeded", "fixed": True}, "run.finished"),
        ({"state": "approval", "job": "deploy"}, "approval.requested"),
    ],
)
def test_a_program_hears_an_event_of_the_cloud(more: dict[str, Any], kind: str) -> None:
    change = FAILED._replace(**more)
    event = announcements.cloud_event(change, "id1", "https://ci")
    assert event.pop("data") == {
        **change._asdict(),
        "summary": announcements.subject(change),
        "url": "https://ci/runs/r1",
    }
    assert event == {
        "specversion": "1.0",
        "id": "id1",
        "source": "https://ci",
        "type": f"dev.steersman.{kind}",
        "subject": "runs/r1",
        "time": "2023-11-14T22:13:20Z",
        "datacontenttype": "application/json",
    }


def test_a_signature_is_that_of_the_standard() -> None:
    # Worked out beforehand with another program: openssl dgst -sha256 -hmac.
    body = b'{"test": 2432232314}'
    headers = announcements.signed("msg_1", 1614265330.9, body, "whsec_aHVzaA==")
    assert headers == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,+YPPaY07/dyiFf9LrP+CYAen5BByzlrSLlRvCF+1JOg=",
    }
    assert announcements.signed("msg_1", 1614265330.9, body, "hush") == headers
    assert "webhook-signature" not in announcements.signed("msg_1", NOW, body, "")
    with pytest.raises(UserError, match="base64"):
        announcements.signed("msg_1", NOW, body, "whsec_?")


def test_ten_tries_take_about_a_day() -> None:
    now, tries = NOW, 1
    while (at := notifications.next_try(tries, now, "k")) is not None:
        assert at > now
        now, tries = at, tries + 1
    assert tries == 10
    assert 20 * 3600 < now - NOW < 28 * 3600


@given(st.integers(0, 9), st.text(max_size=20))
def test_a_key_always_has_the_same_chance(tries: int, key: str) -> None:
    at = notifications.next_try(tries, NOW, key)
    assert at == notifications.next_try(tries, NOW, key)
    assert at is not None
    pause = notifications.PAUSES[max(tries, 1) - 1]
    assert 0.89 * pause < at - NOW < 1.11 * pause


def test_keys_differ_in_when_they_come_back() -> None:
    assert len({notifications.next_try(1, NOW, str(number)) for number in range(20)}) > 10


PENDING = Stand(1, Status.PENDING, "sent")
RUNNING = Stand(2, Status.RUNNING, "waiting")


@pytest.mark.parametrize(
    ("mine", "others", "turn"),
    [
        (RUNNING, [], Turn.SEND),
        (RUNNING, [PENDING], Turn.SEND),
        (RUNNING, [PENDING._replace(state="failed")], Turn.SEND),
        (RUNNING, [PENDING._replace(state="waiting")], Turn.SEND),
        (RUNNING, [PENDING._replace(state="waiting", in_flight=True)], Turn.WAIT),
        (RUNNING, [Stand(3, Status.FAILED, "waiting")], Turn.SUPERSEDED),
        (RUNNING, [Stand(3, Status.FAILED, "waiting", in_flight=True)], Turn.SUPERSEDED),
        (RUNNING, [Stand(3, Status.FAILED, "sent")], Turn.SUPERSEDED),
        (RUNNING, [Stand(3, Status.PENDING, "superseded")], Turn.SEND),
        (RUNNING, [Stand(1, Status.FAILED, "sent")], Turn.SUPERSEDED),
        (Stand(3, Status.PENDING, "waiting"), [RUNNING._replace(state="sent")], Turn.SUPERSEDED),
        (Stand(3, Status.SUCCEEDED, "waiting"), [Stand(1, Status.FAILED, "sent")], Turn.SEND),
        (Stand(3, Status.FAILED, "waiting"), [Stand(1, Status.FAILED, "sent")], Turn.SUPERSEDED),
    ],
)
def test_a_status_goes_in_its_turn(mine: Stand, others: list[Stand], turn: Turn) -> None:
    assert notifications.turn(Forge.GITHUB, mine, others) is turn


def test_messages_about_different_things_have_different_keys() -> None:
    slack, status = Target("a", Kind.SLACK), Target("b", Kind.STATUS)
    changes = [
        FAILED,
        FAILED._replace(seq=4),
        FAILED._replace(run="r2"),
        FAILED._replace(state="running"),
        FAILED._replace(state="approval", job="deploy"),
        FAILED._replace(state="approval", job="publish"),
    ]
    keys = [notifications.key(slack, change) for change in changes]
    keys += [notifications.key(status, change) for change in changes[:3]]
    assert len(set(keys)) == len(keys)
