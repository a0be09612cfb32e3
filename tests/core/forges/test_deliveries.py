"""What tells one delivery from another, and how old it is."""

from __future__ import annotations

import hashlib

import pytest

from steersman.core.forges import Delivery, Forge, dialect

BODY = b"{}"
DIGEST = f"sha256:{hashlib.sha256(BODY).hexdigest()}"


@pytest.mark.parametrize(
    ("forge", "headers", "wanted"),
    [
        (
            Forge.GITHUB,
            {"x-github-delivery": "72d3162e-cc78", "x-github-event": "push"},
            Delivery("72d3162e-cc78", "push"),
        ),
        (
            Forge.GITLAB,
            {"x-gitlab-event-uuid": "13792a34", "x-gitlab-event": "Push Hook"},
            Delivery("13792a34", "Push Hook"),
        ),
        # What is signed, and stays the same when a delivery is repeated, goes first.
        (
            Forge.GITLAB,
            {"x-gitlab-event-uuid": "a", "idempotency-key": "b", "webhook-id": "c"},
            Delivery("c", ""),
        ),
        (
            Forge.GITLAB,
            {"x-gitlab-event-uuid": "a", "idempotency-key": "b", "webhook-id": ""},
            Delivery("b", ""),
        ),
        (
            Forge.GITEA,
            {"x-gitea-delivery": "f6266f16", "x-gitea-event": "push"},
            Delivery("f6266f16", "push"),
        ),
        (
            Forge.GITEA,
            {"x-forgejo-delivery": "0b1", "x-forgejo-event": "create"},
            Delivery("0b1", "create"),
        ),
        (
            Forge.BITBUCKET,
            {"x-request-uuid": "be5e", "x-event-key": "repo:push"},
            Delivery("be5e", "repo:push"),
        ),
    ],
)
def test_a_delivery_is_known_by_the_id_of_its_forge(
    forge: Forge, headers: dict[str, str], wanted: Delivery
) -> None:
    assert dialect(forge).delivery(headers, BODY) == wanted


@pytest.mark.parametrize("forge", Forge)
@pytest.mark.parametrize("given", [None, "", "two words", "é", "x" * 201, "a\nb"])
def test_without_a_good_id_the_body_is_the_id(forge: Forge, given: str | None) -> None:
    names = ("x-github-delivery", "webhook-id", "x-gitea-delivery", "x-request-uuid")
    headers = {} if given is None else dict.fromkeys(names, given)
    assert dialect(forge).delivery(headers, BODY).id == DIGEST
    assert dialect(forge).delivery(headers, b"[]").id != DIGEST


def test_the_name_of_an_event_can_be_printed() -> None:
    event = dialect(Forge.GITHUB).delivery({"x-github-event": "\x1b[2J" + "é" * 200}, BODY).event
    assert event.startswith("?[2J?")
    assert len(event) == 100


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("1741083753", 1741083753.0),
        ("", None),
        ("now", None),
        ("-5", None),
        ("1e400", None),
        ("nan", None),
        ("٣", None),
        ("9" * 400, None),
    ],
)
def test_only_gitlab_says_when_it_sent(given: str, wanted: float | None) -> None:
    headers = {"webhook-timestamp": given}
    assert dialect(Forge.GITLAB).timestamp(headers) == wanted
    for forge in (Forge.GITHUB, Forge.GITEA, Forge.BITBUCKET):
        assert dialect(forge).timestamp(headers) is None
