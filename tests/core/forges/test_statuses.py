"""What we tell the forges of a commit, and what their answers mean."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core.forges import Forge, statuses
from steersman.core.forges.statuses import (
    Again,
    GaveUp,
    Report,
    Repository,
    Request,
    Sent,
    Status,
    answered,
    context,
    legal,
    repository,
    request,
)
from tests.core.forges.samples import AFTER

WORDS = {
    Forge.GITHUB: "pending pending success failure error error success",
    Forge.GITLAB: "pending running success failed failed canceled success",
    Forge.GITEA: "pending pending success failure error error success",
    Forge.BITBUCKET: "INPROGRESS INPROGRESS SUCCESSFUL FAILED FAILED STOPPED SUCCESSFUL",
}
BASE = {
    Forge.GITHUB: "https://github.com",
    Forge.GITLAB: "https://gitlab.com",
    Forge.GITEA: "https://git.example",
    Forge.BITBUCKET: "https://bitbucket.org",
}
REPORT = Report(Status.FAILED, "ci/steersman/push/build", "2 of 3 jobs failed", "https://ci/r/1")


def sent(forge: Forge, report: Report = REPORT, token: str = "") -> Request:
    return request(forge, Repository(BASE[forge], "sea", "harbour"), AFTER, report, token)


def body(forge: Forge, report: Report = REPORT) -> dict[str, Any]:
    found = json.loads(sent(forge, report).body)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("forge", Forge)
def test_each_status_is_told_in_the_words_of_the_forge(forge: Forge) -> None:
    told = [body(forge, REPORT._replace(status=status))["state"] for status in Status]
    assert told == WORDS[forge].split()


@pytest.mark.parametrize(
    ("forge", "wanted"),
    [
        (Forge.GITHUB, f"https://api.github.com/repos/sea/harbour/statuses/{AFTER}"),
        (Forge.GITLAB, f"https://gitlab.com/api/v4/projects/sea%2Fharbour/statuses/{AFTER}"),
        (Forge.GITEA, f"https://git.example/api/v1/repos/sea/harbour/statuses/{AFTER}"),
        (
            Forge.BITBUCKET,
            f"https://api.bitbucket.org/2.0/repositories/sea/harbour/commit/{AFTER}/statuses/build",
        ),
    ],
)
def test_a_status_goes_to_the_commit_at_its_forge(forge: Forge, wanted: str) -> None:
    assert (sent(forge).method, sent(forge).url) == ("POST", wanted)


@pytest.mark.parametrize(
    ("base", "wanted"),
    [
        ("https://github.example:8443", "https://github.example:8443/api/v3"),
        ("https://sea.ghe.com", "https://api.sea.ghe.com"),
    ],
)
def test_a_github_of_ones_own_has_its_api_elsewhere(base: str, wanted: str) -> None:
    made = request(Forge.GITHUB, Repository(base, "sea", "harbour"), AFTER, REPORT, "t")
    assert made.url == f"{wanted}/repos/sea/harbour/statuses/{AFTER}"


def test_a_project_in_a_subgroup_is_one_word_of_the_address() -> None:
    made = request(Forge.GITLAB, Repository("https://g", "a/b/c", "d"), AFTER, REPORT, "t")
    assert made.url == f"https://g/api/v4/projects/a%2Fb%2Fc%2Fd/statuses/{AFTER}"


def test_what_is_told_beside_the_state() -> None:
    plain = {
        "context": REPORT.context,
        "description": REPORT.description,
        "target_url": REPORT.url,
    }
    assert body(Forge.GITHUB) == {"state": "failure", **plain}
    assert body(Forge.GITEA) == {"state": "failure", **plain}
    plain["name"] = plain.pop("context")
    assert body(Forge.GITLAB) == {"state": "failed", **plain}
    assert body(Forge.BITBUCKET) == {
        "state": "FAILED",
        "key": REPORT.context,
        "name": REPORT.context,
        "description": REPORT.description,
        "url": REPORT.url,
    }


@pytest.mark.parametrize(
    ("forge", "token", "wanted"),
    [
        (Forge.GITHUB, "s3cret", "Bearer s3cret"),
        (Forge.GITLAB, "s3cret", "Bearer s3cret"),
        (Forge.GITEA, "s3cret", "token s3cret"),
        (Forge.BITBUCKET, "s3cret", "Bearer s3cret"),
        (Forge.BITBUCKET, "mara:s3cret", "Basic bWFyYTpzM2NyZXQ="),
    ],
)
def test_the_token_is_shown_as_the_forge_wants_it(forge: Forge, token: str, wanted: str) -> None:
    made = sent(forge, token=token)
    assert made.headers["authorization"] == wanted
    assert made.headers["content-type"] == "application/json"
    assert token not in made.url + made.body.decode()


@pytest.mark.parametrize("forge", Forge)
def test_a_skipped_run_keeps_no_merge_waiting(forge: Forge) -> None:
    told = body(forge, REPORT._replace(status=Status.SKIPPED, description="not for this branch"))
    assert told["state"] == statuses.value(forge, Status.SUCCEEDED)
    assert told["description"] == "skipped: not for this branch"


@pytest.mark.parametrize("forge", Forge)
def test_a_description_is_one_line_that_the_forge_takes(forge: Forge) -> None:
    most = 255 if forge is Forge.GITLAB else 140
    long = REPORT._replace(description="é\n" * 400, status=Status.SKIPPED)
    assert len(body(forge, long)["description"]) == most
    assert body(forge, long)["description"].startswith("skipped: é é")
    assert body(forge, long)["description"].endswith("…")
    exact = REPORT._replace(description="x" * most)
    assert body(forge, exact)["description"] == "x" * most
    assert body(forge, REPORT._replace(description=" "))["description"] == "failed"


def test_a_context_names_event_and_workflow() -> None:
    assert context("push", "build") == "ci/steersman/push/build"


def test_long_contexts_are_cut_and_stay_different() -> None:
    one, two = (context("pull-request", "w" * 300 + end) for end in "ab")
    assert len(one) == len(two) == 255
    assert one != two
    keys = [body(Forge.BITBUCKET, REPORT._replace(context=each))["key"] for each in (one, two)]
    assert [len(key) for key in keys] == [40, 40]
    assert keys[0] != keys[1]


FINAL = [each for each in Status if each not in (Status.PENDING, Status.RUNNING)]


@pytest.mark.parametrize("forge", Forge)
def test_a_new_run_may_begin_with_any_status(forge: Forge) -> None:
    assert all(legal(forge, None, status) for status in Status)


@pytest.mark.parametrize("forge", Forge)
def test_a_run_never_goes_back(forge: Forge) -> None:
    assert legal(forge, Status.PENDING, Status.RUNNING)
    assert not legal(forge, Status.RUNNING, Status.PENDING)
    for end in FINAL:
        assert legal(forge, Status.PENDING, end)
        assert legal(forge, Status.RUNNING, end)
        assert not legal(forge, end, Status.PENDING)
        assert not legal(forge, end, Status.RUNNING)


@pytest.mark.parametrize("forge", Forge)
def test_nothing_is_told_twice(forge: Forge) -> None:
    assert not any(legal(forge, status, status) for status in Status)


@pytest.mark.parametrize("forge", Forge)
def test_one_end_may_replace_another_where_the_forge_sees_a_difference(forge: Forge) -> None:
    for before, after in itertools.permutations(FINAL, 2):
        alike = statuses.value(forge, before) == statuses.value(forge, after)
        assert legal(forge, before, after) is not (alike and forge is Forge.GITLAB)


@pytest.mark.parametrize("forge", Forge)
@pytest.mark.parametrize("code", [200, 201, 204])
def test_a_status_that_was_taken_is_sent(forge: Forge, code: int) -> None:
    assert answered(forge, code, b"{}") == Sent()


def test_a_status_that_gitlab_shows_already_is_sent() -> None:
    said = b'{"message":"Cannot transition status via :run from :running (Reason(s): no)"}'
    assert answered(Forge.GITLAB, 400, said) == Sent()
    assert isinstance(answered(Forge.GITHUB, 400, said), GaveUp)
    assert isinstance(answered(Forge.GITLAB, 400, b'{"message":"state is invalid"}'), GaveUp)


@pytest.mark.parametrize("forge", Forge)
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (301, "moved"),
        (400, "understand"),
        (401, "token"),
        (403, "permission"),
        (404, "no such"),
        (410, "gone"),
        (418, "refuses"),
        (422, "refuses"),
    ],
)
def test_what_will_not_go_through_is_given_up_with_a_reason(
    forge: Forge, code: int, words: str
) -> None:
    outcome = answered(forge, code, b"<html>")
    assert isinstance(outcome, GaveUp)
    assert words in outcome.why
    assert f"({code})" in outcome.why


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (b'{"message": "No commit found\\n for SHA"}', ": No commit found for SHA"),
        (b'{"error": {"message": "Bad url"}}', ": Bad url"),
        (b'{"error": "insufficient_scope"}', ": insufficient_scope"),
        (b'{"message": {"name": ["too long"]}}', "(422)"),
        (b"[" * 100_000, "(422)"),
        (b'{"message": "\\u001b[2J"}', ": ?[2J"),
    ],
)
def test_the_words_of_the_forge_are_passed_on(said: bytes, wanted: str) -> None:
    outcome = answered(Forge.GITHUB, 422, said)
    assert isinstance(outcome, GaveUp)
    assert outcome.why.endswith(wanted)


@pytest.mark.parametrize("code", [408, 409, 425, 429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({}, 30.0),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 1.0),
        ({"retry-after": "999999"}, 3600.0),
        ({"retry-after": "Tue, 04 Mar 2025 10:22:33 GMT"}, 30.0),
        ({"retry-after": "-1"}, 30.0),
    ],
)
def test_what_may_go_through_later_is_sent_again(
    code: int, headers: dict[str, str], after: float
) -> None:
    assert answered(Forge.GITHUB, code, b"", headers) == Again(after)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"retry-after": "60"}, b""),
        ({"x-ratelimit-remaining": "0"}, b""),
        ({}, b'{"message": "You have exceeded a secondary rate limit"}'),
    ],
)
def test_too_fast_is_not_forbidden(headers: dict[str, str], said: bytes) -> None:
    assert isinstance(answered(Forge.GITHUB, 403, said, headers), Again)


@given(st.sampled_from(Forge), st.integers(100, 599), st.binary(max_size=60))
def test_every_answer_means_something(forge: Forge, code: int, said: bytes) -> None:
    outcome = answered(forge, code, said)
    assert isinstance(outcome, Sent) is (200 <= code < 300)
    assert not isinstance(outcome, GaveUp) or outcome.why.isprintable()


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://github.com/sea/harbour", ("https://github.com", "sea", "harbour")),
        ("https://github.com/sea/harbour.git/", ("https://github.com", "sea", "harbour")),
        ("https://mara:t0k@GitHub.com/sea/har.bour.git", ("https://github.com", "sea", "har.bour")),
        ("http://github.com/sea/harbour", ("https://github.com", "sea", "harbour")),
        ("git@github.com:sea/harbour.git", ("https://github.com", "sea", "harbour")),
        ("github.com:sea/harbour.git", ("https://github.com", "sea", "harbour")),
        ("ssh://git@ssh.github.com:443/sea/harbour.git", ("https://github.com", "sea", "harbour")),
        ("git://github.com/sea/harbour.git", ("https://github.com", "sea", "harbour")),
        ("git@gitlab.example:a/b/c/d.git", ("https://gitlab.example", "a/b/c", "d")),
        ("ssh://git@gitlab.example:2222/a/b/c/d.git", ("https://gitlab.example", "a/b/c", "d")),
        ("http://git.local:3000/sea/harbour.git", ("http://git.local:3000", "sea", "harbour")),
        ("https://[::1]:3000/sea/harbour", ("https://[::1]:3000", "sea", "harbour")),
        ("git@[fe80::1]:sea/harbour", ("https://[fe80::1]", "sea", "harbour")),
        ("https://bitbucket.org/~mara/x_y-z", ("https://bitbucket.org", "~mara", "x_y-z")),
    ],
)
def test_every_address_of_a_repository_is_understood(
    url: str, wanted: tuple[str, str, str]
) -> None:
    assert repository(url) == Repository(*wanted)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "harbour",
        "sea/harbour",
        "/srv/git/harbour.git",
        "file:///srv/git/harbour.git",
        "ext::sh -c evil",
        "C:/sea/harbour",
        "https://github.com/",
        "https://github.com/sea",
        "https://github.com//harbour",
        "https://github.com/../harbour",
        "https://github.com/sea/.git",
        "https://gitlab.com/sea/harbour/-/tree",
        "https://github.com/sea/har bour",
        "https://github.com/sea/harbour?x=1",
        "https://github.com/sea/harbour\n",
        "https:///sea/harbour",
        "https://-evil/sea/harbour",
        "https://github.com:port/sea/harbour",
        "git@host:/srv/git/harbour",
        "https://github.com/" + "a/" * 2000 + "b",
    ],
)
def test_what_is_at_no_forge_is_no_repository(url: str) -> None:
    assert repository(url) is None


@given(st.text(max_size=60) | st.from_regex(r"(https?://|ssh://|git@)[a-z@:/.\[\]-]{0,30}"))
def test_no_address_raises_and_none_keeps_a_password(url: str) -> None:
    found = repository(url)
    assert found is None or ("@" not in "".join(found) and found.owner and found.name)
