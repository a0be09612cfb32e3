"""What was told the outside is listed, and told again when somebody asks."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from steersman.cli import server_parts
from steersman.core.errors import UserError
from steersman.server.outgoing import mail
from steersman.server.platform import Platform
from steersman.store.tables import outbox
from tests.server.conftest import Repository, site


async def _resent(parts: Platform, repository: Repository) -> None:
    repository.commit({"wercker.yml": "build:\n  steps: {}\n"})
    hook = {"id": "ops", "kind": "webhook", "url": "https://ops.example/in", "secret": "s"}
    body = {"name": "shop", "repository": str(repository.folder), "settings": {"notify": [hook]}}
    async with site(parts) as here:
        assert (await here.call("POST", "/api/v1/projects", body)).status_code == 201
        await here.call("POST", "/api/v1/projects/shop/triggers", {"branch": "main"})
        await here.plan()
        listed = (await here.call("GET", "/api/v1/projects/shop/outbox")).json()["items"]
        assert [(each["kind"], each["state"]) for each in listed] == [("webhook", "waiting")]
        again = f"/api/v1/projects/shop/outbox/{listed[0]['id']}/resend"
        assert (await here.call("POST", again)).status_code == 202
        missing = f"/api/v1/projects/shop/outbox/{parts.clock.new_id()}/resend"
        assert (await here.call("POST", missing)).status_code == 404
    rows = await parts.store.read(lambda tx: tx.all(select(outbox)))
    assert [row["state"] for row in rows] == ["waiting"]


def test_a_message_is_listed_and_sent_again(platform: Platform, repository: Repository) -> None:
    asyncio.run(_resent(platform, repository))


def test_the_mail_server_is_read_from_the_environment() -> None:
    assert server_parts.mailer({}) is None
    said = {"STEERSMAN_SMTP_HOST": "mail.example", "STEERSMAN_SMTP_TLS": "tls"}
    found = server_parts.mailer({**said, "STEERSMAN_SMTP_PORT": "465"})
    assert found is not None
    assert (found.host, found.port, found.tls) == ("mail.example", 465, mail.Tls.TLS)
    for wrong in ({"STEERSMAN_SMTP_PORT": "x"}, {"STEERSMAN_SMTP_TLS": "maybe"}):
        with pytest.raises(UserError, match="mail server cannot be understood"):
            server_parts.mailer(said | wrong)
