"""What webhooks say, forge by forge."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from steersman.core.forges import Forge, Ignored, Malformed, Push, dialect, trigger
from steersman.core.triggers import Kind, Trigger
from tests.core.forges.samples import (
    AFTER,
    BEFORE,
    EARLIER,
    EVENTS,
    ZEROS,
    changed,
    forge,
    ignored,
    payload,
    push,
    pushes,
    read,
)

PATHS = ("docs/depth.md", "src/candle.c", "src/lamp.c", "src/sonar.c")


def test_a_push_to_github() -> None:
    assert push("github_push") == Push(
        Kind.PUSH,
        branch="feature/lamp",
        commit=AFTER,
        before=BEFORE,
        message="Light the lamp\n\nIt was dark.",
        paths=PATHS,
        author="Mara Okafor",
        sender="mara",
        repository_url="https://github.com/lighthouse/harbour.git",
        url=f"https://github.com/lighthouse/harbour/commit/{AFTER}",
    )


def test_a_pull_request_from_a_fork_at_github() -> None:
    assert push("github_pull_request") == Push(
        Kind.PULL_REQUEST,
        branch="main",
        commit=AFTER,
        before=EARLIER,
        message="Paint the buoys",
        author="tomas",
        sender="tomas",
        repository_url="https://github.com/lighthouse/harbour.git",
        number=17,
        fork=True,
        source_branch="buoys",
        head_repository_url="https://github.com/tomas/harbour.git",
        title="Paint the buoys",
        url="https://github.com/lighthouse/harbour/pull/17",
    )


def test_a_push_to_gitlab() -> None:
    assert push("gitlab_push") == Push(
        Kind.PUSH,
        branch="main",
        commit=AFTER,
        before=BEFORE,
        message="Light the lamp\n",
        paths=PATHS,
        author="Mara Okafor",
        sender="mara",
        repository_url="https://gitlab.lighthouse.example/lighthouse/coast/harbour.git",
        url=f"https://gitlab.lighthouse.example/lighthouse/coast/harbour/-/commit/{AFTER}",
    )


def test_a_merge_request_from_a_fork_at_gitlab() -> None:
    assert push("gitlab_merge_request") == Push(
        Kind.PULL_REQUEST,
        branch="main",
        commit=AFTER,
        before=EARLIER,
        message="Red to port\n",
        author="Tomas Reyes",
        sender="tomas",
        repository_url="https://gitlab.lighthouse.example/lighthouse/coast/harbour.git",
        number=17,
        fork=True,
        source_branch="buoys",
        head_repository_url="https://gitlab.lighthouse.example/tomas/harbour.git",
        title="Paint the buoys",
        url="https://gitlab.lighthouse.example/lighthouse/coast/harbour/-/merge_requests/17",
    )


def test_a_push_to_gitea() -> None:
    assert push("gitea_push") == Push(
        Kind.PUSH,
        branch="main",
        commit=AFTER,
        before=BEFORE,
        message="Light the lamp\n\nIt was dark.",
        paths=PATHS,
        author="Mara Okafor",
        sender="mara",
        repository_url="https://git.lighthouse.example/lighthouse/harbour.git",
        url=f"https://git.lighthouse.example/lighthouse/harbour/commit/{AFTER}",
    )


def test_a_pull_request_of_the_repository_itself_at_gitea() -> None:
    asked = push("gitea_pull_request")
    assert (asked.kind, asked.fork, asked.number) == (Kind.PULL_REQUEST, False, 17)
    assert asked.head_repository_url == asked.repository_url
    assert (asked.branch, asked.source_branch, asked.before) == ("main", "buoys", "")


def test_one_push_to_bitbucket_may_change_several_names() -> None:
    branch, tag, deleted = pushes("bitbucket_push")
    page = "https://bitbucket.org/lighthouse/harbour"
    assert branch == Push(
        Kind.PUSH,
        branch="main",
        commit=AFTER,
        before=BEFORE,
        message="Light the lamp\n",
        author="Mara Okafor",
        sender="mara",
        repository_url=f"{page}.git",
        url=f"{page}/commits/{AFTER}",
    )
    assert tag == branch._replace(kind=Kind.TAG, branch="", tag="v1.4.0", before="")
    assert deleted == Push(
        Kind.PUSH,
        branch="feature/lamp",
        before=EARLIER,
        sender="mara",
        repository_url=f"{page}.git",
        deleted=True,
        url=page,
    )


def test_a_pull_request_from_a_fork_at_bitbucket() -> None:
    assert push("bitbucket_pull_request") == Push(
        Kind.PULL_REQUEST,
        branch="main",
        commit=AFTER[:12],
        message="Paint the buoys",
        author="tomas",
        sender="tomas",
        repository_url="https://bitbucket.org/lighthouse/harbour.git",
        number=17,
        fork=True,
        source_branch="buoys",
        head_repository_url="https://bitbucket.org/tomas/harbour.git",
        title="Paint the buoys",
        url="https://bitbucket.org/lighthouse/harbour/pull-requests/17",
    )


@pytest.mark.parametrize("name", ["github_tag", "gitlab_tag"])
def test_an_annotated_tag_stands_for_the_commit_it_names(name: str) -> None:
    tag = push(name)
    assert (tag.kind, tag.tag, tag.branch) == (Kind.TAG, "v1.4.0", "")
    assert (tag.commit, tag.before, tag.paths) == (AFTER, "", None)


def test_a_tag_at_gitea_comes_as_a_push() -> None:
    tag = push("gitea_push", ("ref", "refs/tags/v1.4.0"), ("before", ZEROS))
    assert (tag.kind, tag.tag, tag.branch, tag.commit) == (Kind.TAG, "v1.4.0", "", AFTER)


@pytest.mark.parametrize("name", ["github_push", "gitea_push", "gitlab_push"])
def test_a_deleted_branch_has_no_commit(name: str) -> None:
    empty = [("commits", []), ("after", ZEROS)]
    gone = [("checkout_sha", None)] if name == "gitlab_push" else [("head_commit", None)]
    deleted = push(name, *empty, *gone)
    assert (deleted.deleted, deleted.commit, deleted.before) == (True, "", BEFORE)
    assert (deleted.kind, deleted.paths, deleted.message) == (Kind.PUSH, None, "")
    assert deleted.branch == push(name).branch


def test_gitea_tells_of_deletions_in_its_own_way() -> None:
    branch = push("gitea_delete")
    assert (branch.kind, branch.branch, branch.deleted) == (Kind.PUSH, "feature/lamp", True)
    tag = push("gitea_delete", ("ref_type", "tag"))
    assert (tag.kind, tag.tag, tag.branch, tag.deleted) == (Kind.TAG, "feature/lamp", "", True)
    assert "deleted" in ignored("gitea_delete", ("ref_type", "wiki"))


@pytest.mark.parametrize("name", ["github_push", "gitea_push", "gitlab_push"])
def test_what_changed_on_a_new_branch_is_not_known(name: str) -> None:
    made = push(name, ("before", ZEROS))
    assert (made.before, made.paths, made.commit) == ("", None, AFTER)


def test_what_a_forced_push_undid_is_not_known() -> None:
    assert push("github_push", ("forced", True)).paths is None


@pytest.mark.parametrize(
    ("count", "is_known"), [(19, True), (20, False), (21, True), (2047, True), (2048, False)]
)
def test_a_list_of_commits_that_github_may_have_cut_tells_nothing(
    count: int, is_known: bool
) -> None:
    last = payload("github_push")["commits"][-1]
    found = push("github_push", ("commits", [last] * count))
    assert (found.paths is not None) is is_known


@pytest.mark.parametrize(
    ("name", "key"), [("gitea_push", "total_commits"), ("gitlab_push", "total_commits_count")]
)
@pytest.mark.parametrize("total", [3, None, ...])
def test_a_list_of_commits_that_is_not_whole_tells_nothing(
    name: str, key: str, total: object
) -> None:
    assert push(name, (key, total)).paths is None


@pytest.mark.parametrize("name", ["github_push", "gitea_push", "gitlab_push"])
@pytest.mark.parametrize(
    "change", [("commits", []), ("commits.0.added", ...), ("commits.0.modified", None)]
)
def test_a_list_without_the_head_or_its_files_tells_nothing(
    name: str, change: tuple[str, object]
) -> None:
    assert push(name, change).paths is None


@pytest.mark.parametrize(
    ("name", "place", "wanted"),
    [
        ("github_pull_request", "action", ["opened", "synchronize", "reopened"]),
        ("gitea_pull_request", "action", ["opened", "synchronized", "reopened"]),
        ("gitlab_merge_request", "object_attributes.action", ["open", "reopen", "update"]),
    ],
)
def test_new_commits_of_pull_requests_trigger_and_all_else_is_ignored(
    name: str, place: str, wanted: list[str]
) -> None:
    assert [push(name, (place, action)).number for action in wanted] == [17, 17, 17]
    others = ["closed", "edited", "labeled", "close", "merge", "approved", "\x1b"]
    assert all(ignored(name, (place, action)) for action in others)


def test_a_merge_request_whose_title_was_changed_is_ignored() -> None:
    assert "not its commits" in ignored("gitlab_merge_request", ("object_attributes.oldrev", ...))


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("gitlab_merge_request", "object_attributes.state", "merged"),
        ("bitbucket_pull_request", "pullrequest.state", "DECLINED"),
    ],
)
def test_a_pull_request_that_is_over_is_ignored(name: str, place: str, value: str) -> None:
    assert value in ignored(name, (place, value))


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("github_pull_request", "pull_request.head.repo", None),
        ("gitea_pull_request", "pull_request.head.repo", None),
        ("gitlab_merge_request", "object_attributes.source_project_id", None),
        ("bitbucket_pull_request", "pullrequest.source.repository", None),
    ],
)
def test_a_fork_that_is_gone_is_still_a_fork(name: str, place: str, value: object) -> None:
    assert push(name, (place, value)).fork


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("github_pull_request", "pull_request.head.repo.full_name", "Lighthouse/harbour"),
        ("gitlab_merge_request", "object_attributes.source_project_id", 15),
        (
            "bitbucket_pull_request",
            "pullrequest.source.repository.full_name",
            "lighthouse/harbour",
        ),
    ],
)
def test_a_branch_of_the_repository_itself_is_no_fork(name: str, place: str, value: object) -> None:
    assert not push(name, (place, value)).fork


@pytest.mark.parametrize("name", ["github_push", "gitea_push", "gitlab_push"])
def test_only_branches_and_tags_trigger(name: str) -> None:
    assert "neither" in ignored(name, ("ref", "refs/notes/commits"))


def test_a_push_that_changes_nothing_is_ignored() -> None:
    assert ignored("bitbucket_push", ("push.changes", []))


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        (Forge.GITHUB, {"x-github-event": "ping"}),
        (Forge.GITHUB, {"x-github-event": "star"}),
        (Forge.GITEA, {"x-gitea-event": "create"}),
        (Forge.BITBUCKET, {"x-event-key": "repo:fork"}),
        (Forge.BITBUCKET, {"x-event-key": "repo:refs_changed"}),
    ],
)
def test_other_events_are_ignored_whatever_is_in_them(kind: Forge, headers: dict[str, str]) -> None:
    outcome = dialect(kind).read(headers, b"\xff")
    assert isinstance(outcome, Ignored)
    assert outcome.why


def test_other_events_of_gitlab_are_ignored() -> None:
    assert ignored("gitlab_push", ("object_kind", "note")) == "the event note triggers nothing"


@pytest.mark.parametrize("kind", [Forge.GITHUB, Forge.GITEA, Forge.BITBUCKET])
def test_an_event_without_a_name_comes_from_elsewhere(kind: Forge) -> None:
    with pytest.raises(Malformed, match="is missing"):
        dialect(kind).read({}, b"{}")


def test_a_forgejo_is_heard_by_its_own_headers() -> None:
    body = json.dumps(payload("gitea_push")).encode()
    outcome = dialect(Forge.GITEA).read({"x-forgejo-event": "push"}, body)
    assert outcome == pushes("gitea_push")


@pytest.mark.parametrize("name", ["github_push", "gitea_push"])
def test_a_form_with_json_in_it_is_read_too(name: str) -> None:
    header, event = EVENTS[name]
    form = "application/x-www-form-urlencoded"
    body = urlencode({"payload": json.dumps(payload(name))}).encode()
    outcome = dialect(forge(name)).read({header: event, "content-type": form}, body)
    assert outcome == pushes(name)


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("github_push", "after", "main; rm -rf /"),
        ("github_push", "after", AFTER[:12]),
        ("github_push", "ref", "refs/heads/--upload-pack=evil"),
        ("github_push", "ref", "refs/heads/a..b"),
        ("github_push", "ref", "refs/heads/new\nline"),
        ("github_push", "repository.clone_url", "ext::sh -c evil"),
        ("github_push", "repository.clone_url", "file:///etc"),
        ("github_push", "repository", ...),
        ("github_push", "commits", {"not": "a list"}),
        ("github_pull_request", "pull_request.number", True),
        ("github_pull_request", "pull_request.number", 2**63),
        ("github_pull_request", "pull_request.head.sha", ZEROS),
        ("github_pull_request", "pull_request.head.repo.clone_url", "ssh://-oProxyCommand=evil/"),
        ("gitlab_merge_request", "object_attributes.iid", "17"),
        ("gitlab_merge_request", "object_attributes.target_project_id", None),
        ("gitlab_push", "project.git_http_url", 5),
        ("gitea_delete", "ref", "-f"),
        ("bitbucket_push", "push.changes.0.new.target.hash", AFTER[:12]),
        ("bitbucket_push", "push.changes.0", None),
        ("bitbucket_push", "repository.links.html.href", "javascript:alert(1)"),
        ("bitbucket_pull_request", "pullrequest.source.branch", ...),
    ],
)
def test_what_no_forge_would_send_is_malformed_and_says_where(
    name: str, place: str, value: object
) -> None:
    with pytest.raises(Malformed) as caught:
        read(name, changed(name, (place, value)))
    last = [word for word in place.split(".") if not word.isdigit()][-1]
    assert last in str(caught.value)
    assert caught.value.hint


def test_halves_of_characters_and_nul_do_not_get_through() -> None:
    found = push("github_push", ("head_commit.message", "a\ud800b\0c"))
    assert found.message == "a?bc"


def test_a_link_that_a_browser_should_not_follow_is_left_out() -> None:
    page = "https://github.com/lighthouse/harbour"
    assert push("github_push", ("head_commit.url", "javascript:alert(1)")).url == page


def test_a_push_becomes_a_trigger() -> None:
    assert trigger(push("github_push")) == Trigger(
        Kind.PUSH, branch="feature/lamp", message="Light the lamp\n\nIt was dark.", paths=PATHS
    )
    asked = trigger(push("github_pull_request"))
    assert (asked.kind, asked.branch, asked.fork) == (Kind.PULL_REQUEST, "main", True)
    assert trigger(push("github_tag")).tag == "v1.4.0"
    assert trigger(push("gitea_delete")).deleted
