"""Messages arrive at least once and under one id, whatever the other side and we ourselves do."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import pytest

from steersman.core import notifications
from steersman.core.errors import Conflict, NotFound
from steersman.server.outgoing import noting
from steersman.server.outgoing.sending import CLAIM, Sender
from steersman.store import outboxes
from tests.server.outgoing.neighbours import OK, SILENCE, answer, web
from tests.server.outgoing.stages import NOW, PROJECT, RING, Stage, webhook


async def fail(stage: Stage, *targets: dict[str, Any]) -> None:
    """Let a run fail of which the targets want to hear."""
    await stage.project(*targets)
    await stage.change(await stage.run(), "failed")


def test_a_webhook_is_a_signed_event(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as there:
            await fail(stage, noting.seal_target(RING, PROJECT, webhook(f"{there.url}/ci"), "hush"))
            await stage.send()
        [heard], message = there.heard, await stage.only()
        assert (heard.path, message["state"], message["answer"]) == ("/ci", "sent", "200 ok")
        assert heard.headers["webhook-id"] == heard.json["id"] == message["id"]
        assert heard.json["type"] == "dev.steersman.run.finished"
        content = f"{message['id']}.{int(NOW)}.".encode() + heard.body
        digest = hmac.new(b"hush", content, hashlib.sha256).digest()
        assert heard.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"

    asyncio.run(scenario())


def test_the_address_of_a_channel_is_its_sealed_secret(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as there:
            target = {"id": "c", "kind": "slack"}
            await fail(stage, noting.seal_target(RING, PROJECT, target, f"{there.url}/T/B/x"))
            await stage.send()
        [heard] = there.heard
        assert heard.path == "/T/B/x"
        assert heard.json["text"].startswith("build #1 of shop/api failed on main (<https://ci")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("said", "state", "noted"),
    [
        (answer(204), "sent", "204"),
        (answer(500, body="oh\x1b[31m no"), "waiting", "500 oh?[31m no"),
        (answer(429, "retry-after: 900"), "waiting", "429"),
        (answer(404), "failed", "404"),
        (answer(410), "failed", "410"),
        (answer(302, "location: http://127.0.0.1:1/"), "failed", "redirection"),
        (b"garbage\r\n\r\n", "waiting", "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "waiting", "cannot be reached"),
        (SILENCE, "waiting", "no answer in time"),
    ],
)
def test_every_answer_is_understood(stage: Stage, said: bytes, state: str, noted: str) -> None:
    async def scenario() -> None:
        async with web(said) as there:
            await fail(stage, webhook(there.url))
            await stage.send(seconds=0.2)
        message = await stage.only()
        assert (len(there.heard), message["tries"], message["state"]) == (1, 1, state)
        assert noted in message["answer"]

    asyncio.run(scenario())


def test_an_answer_without_end_is_read_no_further_than_it_is_worth(stage: Stage) -> None:
    endless = b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n" + bytes(1024 * 1024)

    async def scenario() -> None:
        async with web(endless) as there:
            await fail(stage, webhook(there.url))
            await stage.send()
        assert await stage.states() == ["sent"]

    asyncio.run(scenario())


def test_whoever_asks_for_a_pause_gets_it(stage: Stage) -> None:
    async def scenario() -> None:
        async with web(answer(429, "retry-after: 900"), OK) as there:
            await fail(stage, webhook(there.url))
            for moment, tries in ((0, 1), (899, 1), (900, 2)):
                stage.clock.time = NOW + moment
                await stage.send()
                assert len(there.heard) == tries
        assert await stage.states() == ["sent"]

    asyncio.run(scenario())


def test_ten_tries_are_enough(stage: Stage) -> None:
    async def scenario() -> None:
        async with web(answer(503)) as there:
            await fail(stage, webhook(there.url))
            while (message := await stage.only())["state"] == "waiting":
                stage.clock.time = message["next_try"]
                await stage.send()
        assert len(there.heard) == len(notifications.PAUSES) + 1
        assert {heard.headers["webhook-id"] for heard in there.heard} == {message["id"]}
        assert "given up after 10 tries" in message["answer"]

    asyncio.run(scenario())


def test_a_server_killed_before_it_noted_the_answer_sends_twice_under_one_id(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as there:
            await fail(stage, webhook(there.url))
            there.may_answer.clear()
            killed = asyncio.create_task(stage.send())
            await there.arrived.wait()
            killed.cancel()
            await asyncio.gather(killed, return_exceptions=True)
            there.may_answer.set()
            await stage.send()
            assert len(there.heard) == 1
            stage.clock.time += CLAIM
            await stage.send()
        first, second = (heard.headers["webhook-id"] for heard in there.heard)
        assert first == second
        assert await stage.states() == ["sent"]

    asyncio.run(scenario())


def test_several_servers_send_a_message_once(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as there:
            await stage.project(webhook(there.url))
            for _ in range(5):
                await stage.change(await stage.run(), "failed")
            await asyncio.gather(*(stage.send() for _ in range(3)))
        ids = [heard.headers["webhook-id"] for heard in there.heard]
        assert sorted(ids) == sorted(row["id"] for row in await stage.messages())

    asyncio.run(scenario())


def test_a_slow_target_keeps_nobody_else_waiting(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as slow, web() as quick:
            slow.may_answer.clear()
            await fail(stage, webhook(slow.url), webhook(quick.url, id="q"))
            sender = Sender(stage.parts())
            running = asyncio.create_task(sender.run())
            await asyncio.gather(slow.arrived.wait(), quick.arrived.wait())
            quick.arrived.clear()
            await stage.change(await stage.run(), "failed")
            await quick.arrived.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await sender.close()
            slow.may_answer.set()
        assert len(quick.heard) == 2

    asyncio.run(scenario())


def test_a_message_is_sent_again_under_its_id_when_somebody_asks(stage: Stage) -> None:
    async def scenario() -> None:
        async with web(answer(404), OK) as there:
            await fail(stage, webhook(there.url))
            await stage.send()
            identity = (await stage.only())["id"]
            sender = Sender(stage.parts())
            await sender.resend(identity)
            await sender.send_due()
            await sender.close()
        assert [heard.headers["webhook-id"] for heard in there.heard] == [identity] * 2
        assert await stage.states() == ["sent"]

    asyncio.run(scenario())


def test_what_is_unknown_or_on_its_way_is_not_sent_again(stage: Stage) -> None:
    async def scenario() -> None:
        await fail(stage, webhook("http://127.0.0.1:1"))
        identity = (await stage.only())["id"]
        await stage.store.write(lambda tx: outboxes.claim(tx, identity, tx.now + CLAIM))
        sender = Sender(stage.parts())
        with pytest.raises(Conflict):
            await sender.resend(identity)
        with pytest.raises(NotFound):
            await sender.resend("nothing")
        await sender.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_nothing_is_sent_into_our_own_network(stage: Stage, host: str) -> None:
    async def scenario() -> None:
        async with web() as there:
            await fail(stage, webhook(there.url.replace("127.0.0.1", host)))
            await stage.send(allow_private=False)
        message = await stage.only()
        assert (there.heard, message["state"]) == ([], "failed")
        assert "private network" in message["answer"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("targets", "why"),
    [
        ([], "no target w any more"),
        ([{"id": "w", "kind": "slack"}], "another kind now"),
        ([{"id": "w", "kind": "pigeon"}], "cannot have the kind"),
        ([{**webhook("http://127.0.0.1:1"), "sealed": "?"}], "damaged"),
        ([noting.seal_target(RING, PROJECT, webhook("http://127.0.0.1:1"), "whsec_?")], "base64"),
    ],
)
def test_a_target_that_makes_no_sense_any_more_is_said(
    stage: Stage, targets: list[dict[str, Any]], why: str
) -> None:
    async def scenario() -> None:
        await fail(stage, webhook("http://127.0.0.1:1"))
        await stage.retarget(*targets)
        await stage.send()
        message = await stage.only()
        assert message["state"] == "failed"
        assert why in message["answer"]

    asyncio.run(scenario())


def test_a_mistake_of_ours_stops_no_other_message(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as there:
            await fail(stage, webhook(there.url))
            broken = {"id": "b", "project_id": PROJECT, "kind": "webhook", "key": "b"}
            row = {**broken, "message": {"target": "w"}}
            await stage.store.write(lambda tx: outboxes.add(tx, row))
            await stage.send()
        assert len(there.heard) == 1
        assert sorted(await stage.states()) == ["sent", "waiting"]

    asyncio.run(scenario())
