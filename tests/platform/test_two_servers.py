"""Two servers over one PostgreSQL: whatever one is told, the other knows, and either may go."""

from __future__ import annotations

import base64
import signal
import threading
from pathlib import Path

import httpx2

from tests import postgresql
from tests.platform.programs import HOST_USER, Program, free_port, repository, until

PIPELINE = """\
box: busybox
build:
  steps:
    - script:
        name: count
        code: "for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.3; done"
"""


def _server(folder: Path, name: str, database: str) -> tuple[Program, str]:
    port = free_port()
    key = base64.b64encode(b"k" * 32).decode()
    program = Program(
        [
            *("server", "--data", str(folder / name), "--database", database),
            *("--listen", f"127.0.0.1:{port}", "--blobs", str(folder / "blobs")),
        ],
        folder / f"{name}.log",
        STEERSMAN_KEYRING=f"one:{key}",
        STEERSMAN_ATTEMPT_KEY="a" * 32,
    )
    program.start()
    return program, f"http://127.0.0.1:{port}"


def _follow(url: str, token: str, attempt: str, into: list[bytes]) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    path = f"{url}/api/v1/attempts/{attempt}/log?follow=true"
    with httpx2.stream("GET", path, headers=headers, timeout=60) as answer:
        into.extend(answer.iter_bytes())


def test_work_goes_on_when_one_of_two_servers_goes(
    tmp_path: Path, postgres: postgresql.Server
) -> None:
    database = postgres.new_database()
    source = repository(tmp_path / "shop", {"wercker.yml": PIPELINE})
    one, first = _server(tmp_path, "one", database)
    until(lambda: "is up at" in one.text, "the first server is up")
    two, second = _server(tmp_path, "two", database)
    until(lambda: "is up at" in two.text, "the second server is up")
    token = one.text.partition("--token ")[2].split()[0]
    assert "shown this once" not in two.text
    admin = httpx2.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30)
    made = admin.post(f"{first}/api/v1/workers/tokens/test").json()["token"]
    user = ["--host-user", HOST_USER] if HOST_USER else []
    worker = Program(
        [
            *("worker", "run", "--server", second, "--data", str(tmp_path / "worker")),
            *("--on", "host", *user),
        ],
        tmp_path / "worker.log",
        STEERSMAN_WORKER_TOKEN=made,
    )
    worker.start()
    try:
        body = {"name": "shop", "repository": str(source)}
        assert admin.post(f"{first}/api/v1/projects", json=body).status_code == 201
        asked = admin.post(f"{first}/api/v1/projects/shop/triggers", json={"branch": "main"})
        assert asked.status_code == 202

        def attempts(url: str) -> list[dict[str, str]]:
            answer = admin.get(f"{url}/api/v1/runs/shop/1")
            jobs = answer.json()["jobs"] if answer.is_success else []
            return jobs[0]["attempts"] if jobs else []

        until(lambda: [a for a in attempts(second) if a["state"] == "running"], "it runs")
        [attempt] = attempts(second)
        # The worker speaks to the second server; the first one hears of the log through rows.
        heard: list[bytes] = []
        following = threading.Thread(
            target=_follow, args=(second, token, attempt["id"], heard), daemon=True
        )
        following.start()
        one.kill(signal.SIGKILL)
        following.join(60)
        assert b"".join(heard).endswith(b"8\n9\n10\n")
        until(lambda: attempts(second)[0]["state"] == "succeeded", "it is green")
    finally:
        admin.close()
        for program in (worker, one, two):
            program.kill(signal.SIGTERM)


def test_what_one_server_is_told_wakes_those_who_wait_at_the_other(
    tmp_path: Path, postgres: postgresql.Server
) -> None:
    database = postgres.new_database()
    one, first = _server(tmp_path, "one", database)
    until(lambda: "is up at" in one.text, "the first server is up")
    two, second = _server(tmp_path, "two", database)
    until(lambda: "is up at" in two.text, "the second server is up")
    token = one.text.partition("--token ")[2].split()[0]
    source = repository(tmp_path / "shop", {"wercker.yml": PIPELINE})
    headers = {"Authorization": f"Bearer {token}"}
    seen: list[str] = []

    def listen() -> None:
        path = f"{second}/api/v1/events"
        with httpx2.stream("GET", path, headers=headers, timeout=60) as answer:
            ready.set()
            for line in answer.iter_lines():
                seen.append(line)
                if line.startswith("event: run"):
                    return

    ready = threading.Event()
    listening = threading.Thread(target=listen, daemon=True)
    listening.start()
    try:
        assert ready.wait(30)
        with httpx2.Client(headers=headers, base_url=first, timeout=30) as admin:
            admin.post("/api/v1/projects", json={"name": "shop", "repository": str(source)})
            admin.post("/api/v1/projects/shop/triggers", json={"branch": "main"})
        listening.join(30)
        assert any(line.startswith("event: run") for line in seen)
    finally:
        for program in (one, two):
            program.kill(signal.SIGTERM)
