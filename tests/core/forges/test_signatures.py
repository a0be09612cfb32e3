"""Who sent a webhook: only somebody who knows the secret."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core.forges import Forge, dialect

SECRET = "flotsam-jetsam-é"
BODY = b'{"ref": "refs/heads/main"}'
KEY = bytes(range(32))
SIGNING = f"whsec_{base64.b64encode(KEY).decode()}"


def hexadecimal(secret: str = SECRET, body: bytes = BODY) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(key: bytes = KEY, sent: str = "1741083753", body: bytes = BODY) -> dict[str, str]:
    message = f"msg_1.{sent}.".encode() + body
    mark = base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": sent, "webhook-signature": f"v1,{mark}"}


# Every way to sign: the forge, the header, and what goes before the digits.
WAYS = [
    (Forge.GITHUB, "x-hub-signature-256", "sha256="),
    (Forge.GITEA, "x-gitea-signature", ""),
    (Forge.GITEA, "x-forgejo-signature", ""),
    (Forge.GITEA, "x-hub-signature-256", "sha256="),
    (Forge.BITBUCKET, "x-hub-signature", "sha256="),
]


@pytest.mark.parametrize(("forge", "header", "prefix"), WAYS)
def test_what_was_signed_with_the_secret_is_verified(
    forge: Forge, header: str, prefix: str
) -> None:
    assert dialect(forge).verify({header: prefix + hexadecimal()}, BODY, SECRET)


@pytest.mark.parametrize(("forge", "header", "prefix"), WAYS)
@pytest.mark.parametrize(
    "digits",
    [
        "",
        hexadecimal("another secret"),
        hexadecimal(body=BODY + b" "),
        hexadecimal()[:-1],
        hexadecimal() + "0",
        hashlib.sha256(BODY).hexdigest(),
        hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest(),
        "é" * 64,
        "\ud800",
        SECRET,
    ],
)
def test_any_other_signature_is_refused(
    forge: Forge, header: str, prefix: str, digits: str
) -> None:
    assert not dialect(forge).verify({header: prefix + digits}, BODY, SECRET)


@pytest.mark.parametrize(("forge", "header", "prefix"), WAYS)
def test_a_signature_in_another_header_counts_for_nothing(
    forge: Forge, header: str, prefix: str
) -> None:
    others = {"x-gitlab-token", "authorization", "x-signature"}
    assert not dialect(forge).verify(dict.fromkeys(others, prefix + hexadecimal()), BODY, SECRET)


@pytest.mark.parametrize("forge", Forge)
def test_an_empty_secret_verifies_nothing(forge: Forge) -> None:
    headers = {header: prefix + hexadecimal("") for _, header, prefix in WAYS}
    assert not dialect(forge).verify({**headers, "x-gitlab-token": ""}, BODY, "")
    assert not dialect(forge).verify(signed(b""), BODY, "whsec_")


@pytest.mark.parametrize("forge", Forge)
def test_without_a_signature_nothing_is_verified(forge: Forge) -> None:
    assert not dialect(forge).verify({}, BODY, SECRET)
    assert not dialect(forge).verify({}, BODY, SIGNING)


def test_gitlab_sends_its_token_along() -> None:
    gitlab = dialect(Forge.GITLAB)
    assert gitlab.verify({"x-gitlab-token": SECRET}, BODY, SECRET)
    for wrong in ("", SECRET + " ", SECRET[:-1], "\ud800", hexadecimal()):
        assert not gitlab.verify({"x-gitlab-token": wrong}, BODY, SECRET)


def test_gitlab_signs_with_a_signing_token() -> None:
    assert dialect(Forge.GITLAB).verify(signed(), BODY, SIGNING)


def test_one_right_signature_of_several_is_enough() -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1,AAAA {headers['webhook-signature']} v2,BBBB"
    assert dialect(Forge.GITLAB).verify(headers, BODY, SIGNING)


@pytest.mark.parametrize(
    "wrong",
    [
        signed(bytes(32)),
        signed(body=BODY + b" "),
        {**signed(), "webhook-timestamp": "1741083754"},
        {**signed(), "webhook-timestamp": ""},
        {**signed(), "webhook-id": "msg_2"},
        {**signed(), "webhook-id": "\ud800"},
        {**signed(), "webhook-signature": signed()["webhook-signature"].replace("v1,", "v2,")},
        {**signed(), "webhook-signature": signed()["webhook-signature"].removeprefix("v1,")},
        {**signed(), "webhook-signature": ""},
        {"x-gitlab-token": SIGNING},
    ],
)
def test_a_signing_token_accepts_nothing_but_its_signature(wrong: dict[str, str]) -> None:
    assert not dialect(Forge.GITLAB).verify(wrong, BODY, SIGNING)


@pytest.mark.parametrize("token", ["whsec_", "whsec_%%%", "whsec_é", "whsec_abc"])
def test_a_signing_token_that_is_none_verifies_nothing(token: str) -> None:
    assert not dialect(Forge.GITLAB).verify(signed(), BODY, token)


NAMES = st.sampled_from(
    [header for _, header, _ in WAYS]
    + ["x-gitlab-token", "webhook-id", "webhook-timestamp", "webhook-signature"]
)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=80)


@given(st.dictionaries(NAMES, ANYTHING), st.binary(max_size=40), ANYTHING)
def test_no_header_whatever_raises(headers: dict[str, str], body: bytes, secret: str) -> None:
    for forge in Forge:
        spoken = dialect(forge)
        proven = headers.get("x-gitlab-token") == secret != "" and forge is Forge.GITLAB
        assert spoken.verify(headers, body, secret) is proven
        assert spoken.delivery(headers, body).id
        assert spoken.timestamp(headers) is None or forge is Forge.GITLAB
