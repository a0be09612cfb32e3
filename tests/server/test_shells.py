"""Shells in held boxes: who may have one, when there is none, and what the audit tells."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import ClientDisconnect

from steersman.server.pipes import Pipe
from steersman.store import attempts as attempt_rows
from tests.server.kept import Attempt, Shop, in_shop

HOLD = {"kind": "push", "branch": "main", "hold": 600}


async def begun(shop: Shop, wanted: dict[str, Any]) -> Attempt:
    """Let a run begin, and a runner take its first job."""
    answer = await shop.call("POST", "projects/shop/triggers", json=wanted)
    assert answer.status_code == 202, answer.text
    await shop.here.plan()
    return await shop.take()


async def held(shop: Shop) -> Attempt:
    """Let a job fail in words of its runner, which holds the box."""
    attempt = await begun(shop, HOLD)
    assert (await asks(attempt)) is None
    return attempt


async def asks(attempt: Attempt, wait: float = 0.0) -> str | None:
    """Ask as the runner does whether somebody wants in."""
    answer = await attempt.say("POST", "shell", json={"runner": "r", "wait": wait})
    found: str | None = answer.json()["shell"]
    return found


async def opened(shop: Shop, attempt: Attempt, token: str | None = None) -> str:
    size = {"columns": 100, "rows": 30}
    answer = await shop.call("POST", f"attempts/{attempt.id}/shell", json=size, token=token)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def refused(shop: Shop, attempt: Attempt, status: int, token: str | None = None) -> str:
    """Ask for a shell in vain, and return why."""
    answer = await shop.call("POST", f"attempts/{attempt.id}/shell", json={}, token=token)
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


async def how(shop: Shop, shell: str) -> dict[str, Any]:
    found: dict[str, Any] = (await shop.get(f"shells/{shell}")).json()
    return found


async def noted(shop: Shop, action: str) -> dict[str, Any]:
    """Wait for a note in the audit."""
    async with asyncio.timeout(20):
        while True:
            found = (await shop.get(f"audit?action={action}")).json()["items"]
            if found:
                note: dict[str, Any] = found[0]
                return note


@in_shop
async def test_bytes_go_both_ways_and_the_audit_tells_who_and_how_long(shop: Shop) -> None:
    attempt = await held(shop)
    asking = asyncio.create_task(asks(attempt, 20.0))
    shell = await opened(shop, attempt)
    assert await asking == shell
    for number, keys in ((0, b"ls"), (0, b"ls"), (1, b"\n")):
        answer = await shop.call("PUT", f"shells/{shell}/input?seq={number}", content=keys)
        assert answer.status_code == 204
    size = {"columns": 120, "rows": 40}
    assert (await shop.call("PUT", f"shells/{shell}/resize", json=size)).status_code == 204
    reading = asyncio.create_task(shop.get(f"shells/{shell}/output"))
    await attempt.say("PUT", f"shells/{shell}/output", content=b"README\r\n")
    assert (await reading).content == b"README\r\n"
    lines = (await attempt.say("GET", f"shells/{shell}/input")).text.splitlines()
    told = [json.loads(line) for line in lines]
    assert b"".join(base64.b64decode(each.get("data", "")) for each in told) == b"ls\n"
    assert told[-1] == {"size": [120, 40]}
    assert (await how(shop, shell))["how"] == "ended"
    begin, end = await noted(shop, "shell-open"), await noted(shop, "shell-close")
    for note in (begin, end):
        assert (note["author"], note["subject"]) == ("admin", "shop/1")
        assert note["detail"]["job"] == "build"
    assert end["detail"]["seconds"] >= 0


@in_shop
async def test_a_piece_that_is_missing_is_asked_for(shop: Shop) -> None:
    attempt = await held(shop)
    shell = await opened(shop, attempt)
    answer = await shop.call("PUT", f"shells/{shell}/input?seq=1", content=b"late")
    assert answer.status_code == 409
    assert "piece 0" in answer.json()["detail"]


@in_shop
async def test_only_a_maintainer_has_a_shell_and_nobody_anothers(shop: Shop) -> None:
    attempt = await held(shop)
    developer = await shop.person("dev", "developer", "write")
    reader = await shop.person("ada", "maintainer", "read")
    other = await shop.person("bob", "maintainer", "write")
    assert "shell takes the role maintainer" in await refused(shop, attempt, 403, developer)
    await refused(shop, attempt, 403, reader)
    await refused(shop, attempt, 404, await shop.person("eve", None, "write"))
    shell = await opened(shop, attempt, await shop.person("cay", "maintainer", "write"))
    for method, path in (("GET", ""), ("GET", "/output"), ("PUT", "/input?seq=0"), ("DELETE", "")):
        for token in (other, None):
            answer = await shop.call(method, f"shells/{shell}{path}", token=token)
            assert answer.status_code == 404, answer.text


@in_shop
async def test_why_there_is_no_shell_is_said_in_words(shop: Shop) -> None:
    plain = await begun(shop, {"kind": "push", "branch": "main"})
    assert "nobody asked for the box of build to be held" in await refused(shop, plain, 409)
    attempt = await begun(shop, HOLD)
    assert "it is once the job has failed" in await refused(shop, attempt, 409)
    await asks(attempt)
    await opened(shop, attempt)
    assert "admin has a shell in the box of build already" in await refused(shop, attempt, 409)
    await attempt.end("failed")
    assert "has ended, and its box is gone" in await refused(shop, attempt, 409)


@in_shop
async def test_whoever_leaves_lets_the_runner_go_and_the_next_one_in(shop: Shop) -> None:
    attempt = await held(shop)
    shell = await opened(shop, attempt)
    assert await asks(attempt) == shell
    typing = asyncio.create_task(attempt.say("GET", f"shells/{shell}/input"))
    assert (await shop.call("DELETE", f"shells/{shell}")).status_code == 204
    assert (await typing).text == ""
    assert (await how(shop, shell))["how"] == "closed"
    assert (await noted(shop, "shell-close"))["detail"]["how"] == "closed"
    assert await asks(attempt) is None
    again = await opened(shop, attempt)
    assert again != shell
    assert await asks(attempt) == again


@in_shop
async def test_a_runner_that_cannot_open_a_shell_says_why(shop: Shop) -> None:
    attempt = await held(shop)
    shell = await opened(shop, attempt)
    reading = asyncio.create_task(shop.get(f"shells/{shell}/output"))
    await attempt.say("PUT", f"shells/{shell}/output?error=no%20shell%20in%20the%20box")
    assert (await reading).content == b""
    found = await how(shop, shell)
    assert (found["how"], found["message"]) == ("lost", "no shell in the box")


@in_shop
async def test_a_runner_that_breaks_off_loses_the_shell(shop: Shop) -> None:
    attempt = await held(shop)
    shell = await opened(shop, attempt)

    async def breaks() -> AsyncIterator[bytes]:
        yield b"half a li"
        raise ClientDisconnect

    reading = asyncio.create_task(shop.get(f"shells/{shell}/output"))
    await attempt.say("PUT", f"shells/{shell}/output", content=breaks())
    assert (await reading).content == b"half a li"
    found = await how(shop, shell)
    assert (found["how"], found["message"]) == ("lost", "its runner went away")


@in_shop
async def test_the_runner_of_another_attempt_gets_no_shell(shop: Shop) -> None:
    attempt, other = await held(shop), await held(shop)
    shell = await opened(shop, attempt)
    assert await asks(other) is None
    path = f"/runner/v1/shells/{shell}/input"
    answer = await shop.here.call("GET", path, token=other.token)
    assert answer.status_code == 409


@in_shop
async def test_a_hold_is_asked_for_within_bounds_and_delivered(shop: Shop) -> None:
    for seconds in (59, 7201, -1):
        wanted = {**HOLD, "hold": seconds}
        answer = await shop.call("POST", "projects/shop/triggers", json=wanted)
        assert answer.status_code in (400, 422)
        assert "1 minute to 120 minutes" in answer.json()["detail"]
    attempt = await begun(shop, HOLD)
    spec = (await attempt.say("POST", "started", json={"runner": "r"})).json()
    assert (spec["settings"]["hold"], spec["settings"]["called"]) == (600, "shop/1")


@in_shop
async def test_the_time_of_a_hold_does_not_count_for_the_limit_of_the_attempt(shop: Shop) -> None:
    attempt = await begun(shop, HOLD)

    async def limit() -> float:
        row = await shop.here.parts.store.read(lambda tx: attempt_rows.load(tx, attempt.id))
        assert row is not None
        return float(row["limit"])

    before = await limit()
    for _ in range(2):
        await asks(attempt)
    assert await limit() == before + 2 * 3600


@in_shop
async def test_a_retry_may_ask_for_a_hold_that_nobody_asked_for_before(shop: Shop) -> None:
    first = await begun(shop, {"kind": "push", "branch": "main"})
    spec = (await first.say("POST", "started", json={"runner": "r"})).json()
    assert "hold" not in spec["settings"]
    await first.end("failed")
    answer = await shop.call("POST", "runs/shop/1/retry", json={"hold": 300})
    assert answer.status_code == 202, answer.text
    again = await shop.take()
    spec = (await again.say("POST", "started", json={"runner": "r"})).json()
    assert spec["settings"]["hold"] == 300


def test_whoever_sends_too_fast_waits_for_whoever_reads() -> None:
    async def body() -> None:
        pipe = Pipe(most=4)
        assert await pipe.put(b"12345")
        waiting = asyncio.create_task(pipe.put(b"6"))
        assert await pipe.take(0.0) == b"12345"
        assert await waiting
        await pipe.close()
        assert not await pipe.put(b"7")
        assert await pipe.take(0.0) == b"6"
        assert await pipe.take(0.0) is None

    asyncio.run(body())
