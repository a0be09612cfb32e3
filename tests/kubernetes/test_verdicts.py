"""Every way a pod can end or not begin, in one sentence: mostly pods that a cluster really had."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from steersman.cluster.kubernetes import parts, pulls, verdicts
from steersman.cluster.kubernetes.facts import IGNORED, OF_USE, Event, Events, Facts, Node
from steersman.core.reports import Reason
from steersman.core.runners import Note, Seen, Stage, State

RECORDED = Path(__file__).with_name("recorded")
Object = dict[str, Any]


def recorded(name: str) -> tuple[Object, Facts]:
    said = json.loads((RECORDED / f"{name}.json").read_text())
    events = Events()
    for each in said["events"]:
        events.note(each)
    return said["pod"], Facts(events.of(said["pod"]["metadata"]["uid"]))


def look(name: str) -> Seen:
    return verdicts.look(*recorded(name))


ENDED = {
    "runner-well": ("", None),
    "runner-out-of-memory": ("the runner was killed for want of memory: it may have 64Mi", None),
    "runner-bug": (
        "the runner failed by a fault of ours (exit code 70): Traceback of ours", None,
    ),
    "runner-killed": ("the runner ended by SIGKILL (exit code 137)", None),
    "preparation-failed": (
        "the runner could not prepare the job (exit code 3): the source cannot be fetched", None,
    ),
    "deadline": (
        "its pod ran longer than it may: Pod was active on the node*deadline", Reason.TIMED_OUT,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDED)
def test_a_runner_that_ended_says_why(name: str) -> None:
    seen = look(name)
    text, reason = ENDED[name]
    assert (seen.state, seen.reason) == (State.ENDED, reason)
    assert matches(text, seen.note), seen.note


def test_a_pod_closes_by_itself_when_its_runner_ended_unless_it_has_services() -> None:
    pod, facts = recorded("runner-well")
    open_, ended = copy.deepcopy(pod), copy.deepcopy(pod)
    open_["metadata"].pop("deletionTimestamp", None)
    open_["status"]["phase"], ended["status"]["phase"] = "Running", "Succeeded"
    served = copy.deepcopy(open_)
    served["spec"]["containers"].append({"name": "svc-0"})
    seen = [verdicts.look(each, facts) for each in (open_, served, ended)]
    assert [(each.state, each.closing) for each in seen] == [
        (State.ENDED, True),
        (State.ENDED, False),
        (State.ENDED, False),
    ]


NOTED = {
    "box-gone": Note("box-ended", "box", "the box ended with exit code 4", Reason.BOX_LOST),
    "box-out-of-memory": Note(
        "box-ended", "box", "the box was killed for want of memory: it may have 64Mi",
        Reason.OUT_OF_MEMORY,
    ),
    "box-without-shell": Note(
        "stuck", "box", "the box cannot be started: *no such file or directory*",
        Reason.REJECTED, permanent=True,
    ),
    "root-in-a-restricted-pool": Note(
        "stuck", "box", "the box cannot be started: *image will run as root*",
        Reason.REJECTED, permanent=True,
    ),
    "box-image-missing": Note(
        "pulling", "box", "the image registry.invalid/no/such:1 cannot be fetched: *again",
    ),
    "box-image-never": Note(
        "stuck", "box", "the image no-such-image:1 cannot be fetched: it is not on the node*",
        Reason.IMAGE_UNAVAILABLE, permanent=True,
    ),
    "box-image-misspelt": Note(
        "stuck", "box", "the image Not/A/Name::: cannot be fetched: *must be lowercase",
        Reason.IMAGE_UNAVAILABLE, permanent=True,
    ),
    "service-ended": Note(
        "service-ended", "redis",
        "the service redis ended with exit code 1; its last words: no space left",
        Reason.SERVICE_ENDED,
    ),
    "deleted": Note("pod-ending", "", "somebody deleted its pod", Reason.RUNNER_GONE),
}  # fmt: skip


def matches(pattern: str, text: str) -> bool:
    """Compare with a text of which * leaves out what differs from place to place."""
    parts = pattern.split("*")
    return text.startswith(parts[0]) and text.endswith(parts[-1]) and all(p in text for p in parts)


@pytest.mark.parametrize("name", NOTED)
def test_a_runner_that_goes_on_is_told_what_became_of_the_rest(name: str) -> None:
    seen = look(name)
    expected = NOTED[name]
    (note,) = seen.notes
    assert matches(expected.text, note.text), note.text
    assert note._replace(text=expected.text) == expected
    assert (seen.state, seen.stage) == (State.RUNNING, Stage.RUNNING)
    assert seen.started is not None
    assert seen.node in ("node-1", "node-2")


def test_a_pod_that_no_node_has_a_place_for_waits_and_says_what_is_missing() -> None:
    seen = look("unschedulable")
    assert (seen.state, seen.stage, seen.placed) == (State.PENDING, Stage.WAITING, False)
    assert "0/2 nodes are available: 2 node(s) didn't match" in seen.note
    assert seen.reason is None


def test_our_own_image_is_waited_for_while_the_registry_is_away() -> None:
    seen = look("our-image-missing")
    assert (seen.stage, seen.reason) == (Stage.PULLING, None)
    assert "registry.invalid/ours:1 cannot be fetched" in seen.note


def test_without_the_right_to_read_events_a_slow_node_is_given_time_to_fetch() -> None:
    pod, facts = recorded("unschedulable")
    pod["spec"]["nodeName"] = "node-1"
    assert verdicts.look(pod, facts).stage is Stage.PLACED
    assert verdicts.look(pod, facts._replace(events_known=False)).stage is Stage.PULLING


def test_a_node_that_is_not_ready_is_named_while_nothing_begins_there() -> None:
    pod, facts = recorded("unschedulable")
    pod["spec"]["nodeName"] = "node-1"
    sick = Node("node-1", ready=False, why="PLEG is not healthy")
    seen = verdicts.look(pod, facts._replace(node=sick))
    assert seen.note == "node node-1 is not ready: PLEG is not healthy"


def test_a_sick_node_takes_nothing_from_a_runner_that_runs() -> None:
    pod, facts = recorded("box-gone")
    sick = Node("node-1", ready=False, why="Kubelet stopped posting node status.")
    before, after = verdicts.look(pod, facts), verdicts.look(pod, facts._replace(node=sick))
    assert before == after


@pytest.mark.parametrize(
    ("ended", "status", "metadata", "expected"),
    [
        ({"exitCode": 0}, {}, {}, Reason.SERVICE_ENDED),
        ({"exitCode": 137, "reason": "OOMKilled"}, {}, {}, Reason.OUT_OF_MEMORY),
        ({"exitCode": 137}, {}, {}, Reason.INTERRUPTED),
        ({"exitCode": 137, "reason": "ContainerStatusUnknown"}, {}, {}, Reason.INTERRUPTED),
        ({"exitCode": 1}, {"reason": "Evicted"}, {}, Reason.INTERRUPTED),
        ({"exitCode": 0}, {}, {"deletionTimestamp": "2026-01-01T00:00:00Z"}, Reason.INTERRUPTED),
    ],
)
def test_whose_it_is_that_a_service_ended_is_read_off_the_whole_pod(
    ended: Object, status: Object, metadata: Object, expected: Reason
) -> None:
    pod, facts = recorded("service-ended")
    pod["status"]["containerStatuses"][2]["state"] = {"terminated": ended}
    pod["status"] |= status
    pod["metadata"] |= metadata
    notes = [each for each in verdicts.look(pod, facts).notes if each.kind == "service-ended"]
    assert [each.reason for each in notes] == [expected]


def disrupted(reason: str) -> Object:
    pod, _ = recorded("deleted")
    pod = copy.deepcopy(pod)
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "m"}
    pod["status"]["conditions"].append(condition)
    return pod


@pytest.mark.parametrize(
    ("reason", "text", "expected"),
    [
        ("PreemptionByScheduler", "a more important pod needed its place: m", Reason.EVICTED),
        ("EvictionByEvictionAPI", "evicted, as in a drain", Reason.EVICTED),
        ("DeletionByPodGC", "its node is no more: m", Reason.NODE_LOST),
        ("DeletionByTaintManager", "tainted", Reason.EVICTED),
    ],
)
def test_newer_clusters_say_why_they_remove_a_pod(reason: str, text: str, expected: Reason) -> None:
    (note,) = verdicts.look(disrupted(reason)).notes
    assert text in note.text
    assert note.reason is expected


def test_on_older_ones_it_is_read_off_events_and_the_node() -> None:
    pod, facts = recorded("deleted")
    preempted = Facts((Event("Preempted", "", "by a/b on node-1", 9),))
    assert "more important pod" in verdicts.look(pod, preempted).notes[0].text
    drained = facts._replace(node=Node("node-1", cordoned=True))
    assert verdicts.look(pod, drained).notes[0].text == "its node node-1 is being drained"


@pytest.mark.parametrize(
    ("reason", "said", "expected"),
    [
        ("Evicted", 'Usage of EmptyDir volume "work" exceeds the limit "4Gi".', Reason.EVICTED),
        ("OutOfmemory", "Node didn't have enough resource", Reason.NEVER_STARTED),
        ("NodeAffinity", "Predicate NodeAffinity failed", Reason.NEVER_STARTED),
        ("NodeLost", "Node node-1 which was running pod is unresponsive", Reason.NODE_LOST),
        ("Shutdown", "Node is shutting, evicting pods", Reason.NODE_LOST),
        ("Preempting", "Preempted in order to admit critical pod", Reason.EVICTED),
    ],
)
def test_what_a_kubelet_says_of_a_pod_it_gave_up_is_passed_on(
    reason: str, said: str, expected: Reason
) -> None:
    pod, facts = recorded("unschedulable")
    pod["status"] = {"phase": "Failed", "reason": reason, "message": said}
    seen = verdicts.look(pod, facts)
    assert (seen.state, seen.reason) == (State.ENDED, expected)
    assert said in seen.note


def test_a_runner_that_ended_well_stays_well_whatever_becomes_of_its_pod() -> None:
    pod, facts = recorded("runner-well")
    pod["status"] |= {"phase": "Failed", "reason": "Evicted", "message": "low on disk"}
    assert verdicts.look(pod, facts).note == ""


@pytest.mark.parametrize(
    ("message", "permanent"),
    [
        ("manifest for redis:99 not found: manifest unknown", True),
        ("pull access denied for x, repository does not exist or may require login", True),
        ("unauthorized: authentication required", True),
        ("toomanyrequests: You have reached your pull rate limit", False),
        ("received unexpected HTTP status: 503 Service Unavailable", False),
        ("dial tcp: lookup registry.example.com: no such host", False),
        ("net/http: TLS handshake timeout", False),
        ("read tcp: connection reset by peer", False),
        ("write /var/lib/docker/tmp: no space left on device", False),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(message: str, permanent: bool) -> None:
    words = f"rpc error: code = Unknown desc = Error response from daemon: {message}"
    assert pulls.failure("ErrImagePull", words) == pulls.Failure(message, permanent)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("a\n\n  b\x1b[0m\n", "a | b[0m"),
        ("fatal: no newline", "fatal: no newline"),
        (f"{'cut ' * 512}\nwhole\n", "whole"),
        (f"whole\n{'cut ' * 512}", ""),
        (f"{'long ' * 290}\n{'x' * 90}\nend\n", f"{'x' * 90} | end"),
        ("y" * 3000, ""),
        ("", None),
    ],
)
def test_of_a_log_no_line_is_quoted_that_may_have_been_cut(log: str, words: str | None) -> None:
    """Half a secret would not be known for one, and so not masked."""
    shown = {None: "", "": "(a line too long to be shown)"}.get(words, words)
    assert parts.last_words(log) == shown


def test_a_scheduler_that_repeats_itself_wakes_nobody() -> None:
    said = json.loads((RECORDED / "unschedulable.json").read_text())
    repeated = [each for each in said["events"] if each["reason"] == "FailedScheduling"]
    assert repeated
    events = Events()
    assert [events.note(each) for each in repeated] == [None] * len(repeated)
    assert {each["reason"] for each in repeated} <= set(IGNORED)


def test_what_sentences_are_made_of_is_asked_for() -> None:
    assert OF_USE.isdisjoint(IGNORED)


def test_a_pod_of_which_nothing_is_known_yet_only_waits() -> None:
    pod, _ = recorded("unschedulable")
    pod["status"] = {}
    seen = verdicts.look(pod)
    assert (seen.state, seen.stage, seen.note) == (State.PENDING, Stage.WAITING, "")
