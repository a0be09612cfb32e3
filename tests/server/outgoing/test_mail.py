"""E-mail: handed over whole, or said why not; no text of a stranger becomes a header."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core.notifications import Change, Kind, Target
from steersman.server.outgoing import mail
from steersman.server.outgoing.mail import Settings, Tls
from steersman.server.outgoing.webhooks import Envelope
from tests.server.outgoing.neighbours import Post, post
from tests.server.outgoing.stages import NOW, Stage

TARGET = {"id": "m", "kind": "email", "to": ["ada@example.com", "bob@example.com"]}
ENVELOPE = Envelope("id1", NOW, "", "https://ci.example")
SETTINGS = Settings("127.0.0.1", "Steersman <ci@example.com>", tls=Tls.NONE)


async def deliver(stage: Stage, there: Post, **more: Any) -> Any:
    await stage.project(TARGET)
    await stage.change(await stage.run(), "failed")
    await stage.send(mail=SETTINGS._replace(port=there.port, **more))
    return await stage.only()


def test_a_mail_arrives_with_the_same_words(stage: Stage) -> None:
    async def scenario() -> None:
        async with post() as there:
            row = await deliver(stage, there)
        assert (row["state"], row["answer"]) == ("sent", "accepted")
        mail_ = message_from_bytes(there.mails[0], policy=policy.default)
        assert isinstance(mail_, EmailMessage)
        assert mail_["Subject"] == "build #1 of shop/api failed on main"
        assert mail_["Message-ID"] == f"<{row['id']}@example.com>"
        assert f"https://ci.example/runs/{row['run_id']}" in mail_.get_content()
        assert there.recipients == ["<ada@example.com>", "<bob@example.com>"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("codes", "more", "state"),
    [
        ({"RCPT": "550 nobody here"}, {}, "failed"),
        ({"RCPT": "451 not now"}, {}, "waiting"),
        ({"MAIL": "452 full"}, {}, "waiting"),
        ({"DATA": "554 no"}, {}, "failed"),
        ({"greeting": "421 busy"}, {}, "waiting"),
        ({"greeting": "garbage"}, {}, "waiting"),
        ({}, {"tls": Tls.STARTTLS}, "waiting"),
        ({}, {"user": "ada", "password": "hush"}, "waiting"),
        ({"EHLO": "250 AUTH PLAIN", "AUTH": "535 no"}, {"user": "a", "password": "b"}, "waiting"),
    ],
)
def test_every_answer_of_the_mail_server_is_understood(
    stage: Stage, codes: dict[str, str], more: dict[str, Any], state: str
) -> None:
    async def scenario() -> None:
        async with post(**codes) as there:
            row = await deliver(stage, there, **more)
        assert (row["state"], there.mails) == (state, [])
        assert "mail server" in row["answer"]
        assert "hush" not in row["answer"]

    asyncio.run(scenario())


def test_a_server_without_a_mail_server_says_so(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.project(TARGET)
        await stage.change(await stage.run(), "failed")
        await stage.send()
        assert "sends no e-mail" in (await stage.only())["answer"]

    asyncio.run(scenario())


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_name_and_no_reason_becomes_a_header(name: str, why: str) -> None:
    change = Change("r", 1, "failed", NOW, "shop/api", 1, f"{name}\r\nBcc: eve@x", why=why)
    target = Target("m", Kind.EMAIL, to=("ada@example.com",))
    made = mail.message(SETTINGS, target, change, ENVELOPE)
    read = message_from_bytes(made.as_bytes(policy=policy.SMTP), policy=policy.default)
    assert read.keys() == made.keys()
    assert "Bcc" not in read


def test_a_password_does_not_show() -> None:
    assert "hush" not in repr(SETTINGS._replace(password="hush"))
