"""Plain functions that wait while the loop goes on."""

from __future__ import annotations

import asyncio
import socket

import pytest

from steersman.store import switching


async def _answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def _refusal() -> int:
    await asyncio.sleep(0)
    raise LookupError("there is none")


def test_a_function_waits_for_one_answer_after_another() -> None:
    def ask() -> int:
        return sum(switching.wait_for(_answer(each)) for each in range(5))

    assert asyncio.run(switching.run(ask)) == 10


def test_several_functions_wait_at_once() -> None:
    async def scene() -> list[str]:
        first, second = asyncio.Event(), asyncio.Event()
        order: list[str] = []

        def one() -> None:
            second.set()
            switching.wait_for(first.wait())
            order.append("one")

        def other() -> None:
            switching.wait_for(second.wait())
            order.append("other")
            first.set()

        await asyncio.gather(switching.run(one), switching.run(other))
        return order

    assert asyncio.run(scene()) == ["other", "one"]


def test_an_error_is_raised_where_it_was_waited_for() -> None:
    def ask() -> str:
        with pytest.raises(LookupError, match="there is none"):
            switching.wait_for(_refusal())
        return "went on"

    def fail() -> None:
        switching.wait_for(_answer(1))
        raise ValueError("it is wrong")

    assert asyncio.run(switching.run(ask)) == "went on"
    with pytest.raises(ValueError, match="it is wrong"):
        asyncio.run(switching.run(fail))


def test_one_that_is_cancelled_tidies_up() -> None:
    tidied: list[bool] = []

    async def scene() -> None:
        begun = asyncio.Event()

        def ask() -> None:
            begun.set()
            try:
                switching.wait_for(asyncio.Event().wait())
            finally:
                tidied.append(switching.may_wait())

        task = asyncio.create_task(switching.run(ask))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())
    assert tidied == [True]


def test_a_function_waits_until_there_is_something_to_read() -> None:
    async def scene(ours: socket.socket, theirs: socket.socket) -> bytes:
        def read() -> bytes:
            switching.until_ready(ours.fileno(), writing=False)
            return ours.recv(10)

        reading = asyncio.create_task(switching.run(read))
        await asyncio.sleep(0)
        assert not reading.done()
        theirs.send(b"there")
        return await reading

    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert asyncio.run(scene(ours, theirs)) == b"there"
    assert not switching.may_wait()
