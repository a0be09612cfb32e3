"""The words of the documentation, followed: from nothing to a green run in a pod.

What stands there is run as it stands, but for what is somebody's own: EXCHANGED. The image is made
and brought to the nodes by whoever runs the tests, since each has another way for that.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, NamedTuple

import httpx2
import pytest

from tests.core.forges import samples
from tests.deploy.wanted import ROOT
from tests.kubernetes import clusters, platforms
from tests.server.conftest import Repository

DOCUMENT, SECTION = ROOT / "README.md", "On a cluster"
NAMESPACES = ("steersman", "steersman-jobs", "steersman-trial")
BUCKET = "steersman"
READY = "everything above has been done"
FILE = """\
box: busybox
build:
  steps:
    - script:
        name: greet
        code: |
          echo "hello from $(hostname)"
          echo kept > "$WERCKER_OUTPUT_DIR/kept"
"""
pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(600)]


def commands() -> list[str]:
    """Return what the section tells to type, a command each, with its continuations."""
    _, _, rest = DOCUMENT.read_text().partition(f"## {SECTION}\n")
    section, _, _ = rest.partition("\n## ")
    text = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
    return text.replace("\\\n", " ").splitlines()


class Surroundings(NamedTuple):
    """What an operator has before beginning: git's host, a bucket, and a port for the browser."""

    git: str
    bucket: str
    port: int
    repository: Repository


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[Surroundings]:
    from moto.server import ThreadedMotoServer

    clusters.required()
    address = platforms.reached_at()
    repository = Repository(tmp_path / "repository")
    served = ThreadingHTTPServer((address, 0), partial(_Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    s3 = ThreadedMotoServer(address, 0, verbose=False)
    s3.start()
    host, port = s3.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    assert httpx2.put(f"{endpoint}/{BUCKET}").status_code == 200
    try:
        yield Surroundings(
            f"http://{address}:{served.server_port}", endpoint, free_port(), repository
        )
    finally:
        s3.stop()
        served.shutdown()
        served.server_close()
        thread.join()


def free_port() -> int:
    """Return a port nobody has just now."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as server:
        return server.server_port


def kubectl() -> str:
    """Return the path of kubectl; skip without, but fail in CI."""
    found = shutil.which("kubectl")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("there is no kubectl on the PATH, and this is CI")
    if found is None:
        pytest.skip("there is no kubectl on the PATH")
    return found


@pytest.fixture
def room() -> Iterator[None]:
    """A cluster without an installation, before and after."""
    program = kubectl()
    gone = [program, "delete", "namespace", *NAMESPACES, "--ignore-not-found", "--timeout=180s"]
    subprocess.run(gone, check=True, capture_output=True)
    yield
    subprocess.run([*gone, "--wait=false"], check=True, capture_output=True)
    wide = ["clusterrole,clusterrolebinding", "steersman:steersman-worker", "--ignore-not-found"]
    subprocess.run([program, "delete", *wide], check=True, capture_output=True)


def exchanged(line: str, own: Surroundings) -> str:
    """Put what is ours in the place of what is somebody's own."""
    url = f"http://127.0.0.1:{own.port}"
    for theirs, ours in {
        "registry.example.org/steersman:0.1.0": platforms.RUNNER_IMAGE,
        "https://minio.example.org": own.bucket,
        "https://github.com/acme/shop.git": f"{own.git}/repository/.git",
        "--url http://127.0.0.1:8080": f"--url {url} --env STEERSMAN_ALLOW_HTTP=1",
        "http://127.0.0.1:8080": url,
        "8080:80": f"{own.port}:80",
    }.items():
        line = line.replace(theirs, ours)
    return line


def script(own: Surroundings) -> str:
    """Return the section as one script, which says when it is at its end and then waits."""
    lines = ["set -euo pipefail"]
    for line in commands():
        if line.startswith(("make image", "docker push", "steer watch")) or "get pods" in line:
            continue
        lines.append(exchanged(line, own))
        if line.endswith("&"):
            health = f"http://127.0.0.1:{own.port}/healthz"
            lines.append(f"until curl -sS -o /dev/null {health} 2>/dev/null; do :; done")
    return "\n".join([*lines, f"echo; echo '{READY}'", "cat"])


class Followed(NamedTuple):
    """A person who did all that, and what was printed."""

    process: subprocess.Popen[str]
    printed: str


@pytest.fixture
def followed(surroundings: Surroundings, room: None, tmp_path: Path) -> Iterator[Followed]:
    there = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": there, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    process = subprocess.Popen(
        ["bash", "-c", script(surroundings)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        yield Followed(process, printed(process.stdout))
    finally:
        # The forwarding of the port is in the group too.
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()


def printed(stream: IO[str]) -> str:
    """Return what was printed until everything was done."""
    lines: list[str] = []
    for line in stream:
        if READY in line:
            return "".join(lines)
        lines.append(line)
    raise AssertionError(f"a command failed after:\n{''.join(lines)}")


def steer(own: Surroundings, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as the admin."""
    asked = ["-n", "steersman", "get", "secret", "steersman-tokens", "-o", "json"]
    said = subprocess.run([kubectl(), *asked], check=True, capture_output=True, text=True)
    token = base64.b64decode(json.loads(said.stdout)["data"]["admin"]).decode()
    at = {"STEERSMAN_SERVER": f"http://127.0.0.1:{own.port}", "STEERSMAN_TOKEN": token}
    return subprocess.run(
        [sys.executable, "-m", "steersman", *words],
        env={**os.environ, **at},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_signed_webhook_becomes_a_green_run_in_a_pod(
    followed: Followed, surroundings: Surroundings
) -> None:
    hook = json.loads(re.findall(r"\{.*\}", followed.printed)[-1])
    repository = surroundings.repository
    commit = repository.commit({"wercker.yml": FILE})
    repository.git("update-server-info")
    body = samples.changed("github_push", ("after", commit), ("ref", "refs/heads/main"))
    sent = json.dumps(body).encode()
    signed = hmac.new(hook["secret"].encode(), sent, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/json",
        "x-github-event": "push",
        "x-github-delivery": "0b6f1a3e-0000-4000-8000-000000000001",
        "x-hub-signature-256": f"sha256={signed}",
    }
    answer = httpx2.post(hook["url"], content=sent, headers=headers, timeout=60)
    assert answer.status_code in (200, 202), answer.text
    waited = steer(surroundings, "wait", "shop")
    log = steer(surroundings, "logs", "shop").stdout
    assert waited.returncode == 0, f"{waited.stdout}{waited.stderr}{log}"
    assert re.search(r"^hello from steer-\w+$", log, re.MULTILINE)
    mine = ["pod,secret", "-l", "steersman.dev/attempt", "-n", "steersman-jobs"]
    # It fails where nothing is left to be waited for; the list says whether that is so.
    subprocess.run([kubectl(), "wait", "--for=delete", "--timeout=60s", *mine], check=False)
    assert subprocess.check_output([kubectl(), "get", "--output=name", *mine]) == b""
