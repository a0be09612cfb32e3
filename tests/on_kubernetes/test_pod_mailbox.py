"""The program of a pod's mailbox: it ends as its runner does, and not before all is taken."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx2
import pytest

from steersman.cli import pod_mailbox
from steersman.cli.pod_mailbox import Mailbox
from steersman.cli.pod_runner import Volumes
from steersman.cluster import folders
from steersman.cluster.base import RunnerSpec
from steersman.runner.mailbox.for_laptop import HEADER, digest
from tests.platform.programs import free_port

PORT = free_port()
RECORD = {"runner": "r", "state": "succeeded", "log_size": 0, "message": ""}


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Volumes:
    volumes = Volumes(tmp_path, tmp_path / "termination")
    volumes.spool.mkdir()
    said = {"on": "pod", "laptop": digest("key")}
    folders.write_spec(tmp_path / "order", RunnerSpec("a", "t", "http://x", "default", said))
    monkeypatch.setattr(pod_mailbox, "LAPTOP_PORT", PORT)
    monkeypatch.setattr(pod_mailbox, "RUNNER_PORT", free_port())
    monkeypatch.setattr(pod_mailbox, "LOOK", 0.05)
    return volumes


def runner(code: int) -> tuple[str, ...]:
    return ("sh", "-c", f"exit {code}")


def laptop() -> httpx2.AsyncClient:
    context = ssl.create_default_context()
    # As the API server does: the certificate is for these minutes.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    base = f"https://127.0.0.1:{PORT}/laptop/v1/"
    return httpx2.AsyncClient(base_url=base, headers={HEADER: "key"}, verify=context)


def test_it_ends_as_a_runner_ends_that_recorded_nothing(volumes: Volumes) -> None:
    assert asyncio.run(Mailbox(volumes, runner(7)).run()) == 7


def test_it_waits_until_the_laptop_has_taken_what_a_runner_recorded(volumes: Volumes) -> None:
    async def whole() -> int:
        mailbox = Mailbox(volumes, runner(0))
        await mailbox.box.change(record=RECORD)
        running = asyncio.ensure_future(mailbox.run())
        async with laptop() as http:
            while True:
                try:
                    news = await http.get("news?log=0&seen=0")
                except httpx2.ConnectError:
                    await asyncio.sleep(0)
                else:
                    break
            assert news.json()["record"] == RECORD
            assert not running.done()
            await http.post("taken", json={})
            return await running

    assert asyncio.run(whole()) == 0


def test_a_laptop_that_has_gone_ends_its_job_and_is_not_waited_for(
    volumes: Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_mailbox, "SILENCE", 0.2)

    async def whole() -> tuple[int, str | None]:
        state = volumes.spool / "mailbox" / "state.json"
        until = f"until grep -q 'nothing was heard' {state}; do :; done"
        mailbox = Mailbox(volumes, ("sh", "-c", until))
        await mailbox.box.change(record=RECORD)
        return await mailbox.run(), mailbox.box.cancel

    code, why = asyncio.run(whole())
    assert code == 0
    assert "nothing was heard" in (why or "")
