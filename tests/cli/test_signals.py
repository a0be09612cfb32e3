"""What the first signal does, and which ones are none of our business."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from steersman.cli.signals import Stopping
from steersman.core.errors import Interrupted


async def end_when_cancelled(stopping: Stopping) -> int:
    os.kill(os.getpid(), signal.SIGTERM)
    await stopping.cancelled.wait()
    return 130


async def go_on(stopping: Stopping) -> int:
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.sleep(0)
    return 1 if stopping.cancelled.is_set() else 0


async def never_end(stopping: Stopping) -> int:
    os.kill(os.getpid(), signal.SIGTERM)
    await stopping.cancelled.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.Event().wait()
    return 0


def test_the_first_signal_asks_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    with Stopping() as stopping:
        assert stopping.run(end_when_cancelled(stopping)) == 130
    assert "stopping" in capsys.readouterr().err


def test_the_second_signal_forces(capsys: pytest.CaptureFixture[str]) -> None:
    with Stopping() as stopping, pytest.raises(Interrupted):
        stopping.run(never_end(stopping))
    assert "forced" in capsys.readouterr().err


def test_a_signal_that_was_ignored_before_us_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stopping() as stopping:
            assert stopping.run(go_on(stopping)) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
