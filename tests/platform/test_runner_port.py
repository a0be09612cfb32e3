"""A server with a port of its own for runners, as a process."""

from __future__ import annotations

import signal
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from steersman.cli.installing import certificates
from tests.platform.programs import Program, free_port, machine, repository

FILE = "box: busybox\nbuild:\n  steps: [{script: {code: echo}}]\n"


def test_runners_have_a_port_by_tls_that_ends_in_order_with_the_other(tmp_path: Path) -> None:
    made = certificates.make(["localhost"], datetime.now(UTC))
    (tmp_path / "tls.crt").write_text(made.certificate)
    (tmp_path / "tls.key").write_text(made.key)
    port = free_port()
    with machine(tmp_path) as here:
        here.server.words += [
            *("--runner-listen", f"127.0.0.1:{port}"),
            *("--runner-tls-cert", str(tmp_path / "tls.crt")),
            *("--runner-tls-key", str(tmp_path / "tls.key")),
        ]
        here.start()
        here.add_project("shop", repository(tmp_path / "shop", {"wercker.yml": FILE}))
        here.trigger("shop")
        token = here.call("POST", "/api/v1/workers/tokens/w", None)["token"]
        asked = {
            "worker": "w", "pools": ["default"], "capabilities": [], "slots": 1, "take": 1,
            "wait": 20.0,
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {token}"}
        leased = httpx2.post(f"{here.url}/worker/v1/lease", json=asked, headers=headers, timeout=30)
        [granted] = leased.json()["granted"]
        trust = ssl.create_default_context(cadata=made.authority)
        mine = {"Authorization": f"Bearer {granted['token']}"}
        at = f"https://localhost:{port}"
        with httpx2.Client(base_url=at, verify=trust, headers=mine, timeout=30) as runner:
            spec = runner.post("/runner/v1/started", json={"runner": "r"})
            assert spec.json()["attempt"] == granted["attempt"]
            assert runner.get("/api/v1/runs").status_code == 404
            waiting = threading.Thread(target=_beat, args=(runner,), daemon=True)
            waiting.start()
            process, said = here.server.process, len(here.server.text)
            here.server.kill(signal.SIGTERM)
            waiting.join(15)
            assert not waiting.is_alive()
        assert process is not None
        assert process.returncode == 0
        # A client that does not answer the end of its TLS may use up the grace; nothing is cut off.
        last = here.server.text[said:]
        assert "Traceback" not in last
        assert "Cancel 1" not in last


def _beat(runner: httpx2.Client) -> None:
    """Wait for orders, whether the server still takes the question or not."""
    with suppress(httpx2.TransportError):
        runner.post("/runner/v1/heartbeat", json={"runner": "r", "wait": 20.0})


def test_a_certificate_without_its_port_is_refused_in_words(tmp_path: Path) -> None:
    words = ["server", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"]
    program = Program([*words, "--runner-tls-cert", "x"], tmp_path / "log")
    program.start()
    assert program.process is not None
    assert program.process.wait(30) == 2
    assert "--runner-listen, --runner-tls-cert and --runner-tls-key together" in program.text
