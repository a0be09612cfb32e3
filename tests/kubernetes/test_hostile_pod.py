"""What a hostile step gets out of a pod on a real node: nothing, and its neighbours notice nothing.

The cluster of these tests may enforce no NetworkPolicy. Then its node's ports can be reached, and
only what stands behind them says no.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.kubernetes import clusters
from tests.kubernetes.platforms import RUNNER_IMAGE
from tests.kubernetes.scenes import Scene

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(600)]
# Root in an image with python: the most a step of a pool that is not restricted can be.
FILE = """\
box: {{id: {image}, user: "0", cmd: sh}}
build:
  steps:
    - script:
        name: pry
        code: |
          cat > /tmp/pry.py <<'END'
{code}
          END
          python3 /tmp/pry.py "$SERVER" "$API"
    - script:
        name: kill
        code: |
          echo before; kill -9 -1; echo alone; kill -9 $$; echo never
  after-steps:
    - script: {{name: after, code: echo after-step ran}}
"""
PRY = r"""
import glob, os, socket, ssl, sys, urllib.error, urllib.request

def tries(what, work):
    try:
        got = work()
    except Exception as error:
        print("TRIED", what, type(error).__name__, flush=True)
    else:
        print("GAINED" if got else "TRIED", what, repr(got)[:300], flush=True)

def ask(url):
    within = ssl._create_unverified_context()
    with urllib.request.urlopen(url, timeout=3, context=within) as answer:
        return answer.read(200)

def walk():
    mine = set(os.listdir("/proc"))
    found = []
    for each in glob.glob("/proc/[0-9]*"):
        try:
            words = open(each + "/cmdline", "rb").read() + open(each + "/environ", "rb").read()
        except OSError:
            continue
        if b"pod_runner" in words or b"spec.json" in words:
            found.append(each)
    return found

def order():
    places = glob.glob("/steersman/order/*") + glob.glob("/proc/[0-9]*/root/steersman/order/*")
    places += glob.glob("/var/run/secrets/*")
    return places

def sniff():
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))

server, api = sys.argv[1:]
tries("sniff", sniff)
tries("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
tries("device", lambda: os.mknod("/tmp/mem", 0o20600, os.makedev(1, 1)) or "made")
tries("mount", lambda: os.system("mount -t tmpfs none /mnt 2>/dev/null") == 0)
tries("proc", walk)
tries("order", order)
tries("session", lambda: open("/steersman/session/session.sh", "a"))
tries("given", lambda: open("/steersman/given/new", "w"))
tries("unlink", lambda: os.unlink("/steersman/session/control") or "done")
tries("sysctl", lambda: open("/proc/sys/kernel/core_pattern", "w"))
tries("metadata", lambda: ask("http://169.254.169.254/latest/meta-data/"))
tries("cluster", lambda: ask(api + "/api/v1/secrets"))
tries("admin", lambda: ask(server + "/api/v1/projects"))
tries("worker", lambda: ask(server + "/worker/v1/lease"))
tries("runner", lambda: ask(server + "/runner/v1/started"))
"""
PLANTS = """\
box: busybox
build:
  steps:
    - script:
        code: |
          cd "$WERCKER_OUTPUT_DIR"; echo good > good
          mkfifo pipe; ln -s /steersman/order/spec.json stolen; ln -s /proc/self self; ln -s / all
          mkfifo "$WERCKER_CACHE_DIR/pipe"; echo planted
"""
WELL = "box: busybox\nbuild:\n  steps: [{script: {code: echo well}}]\n"


@pytest.fixture(scope="module")
def pried(stage: Scene) -> Mapping[str, str]:
    """The log of a hostile job, and what became of it and of the next one on its node."""
    code = "\n".join(f"          {line}" for line in PRY.strip().splitlines())
    stage.project("pries", FILE.format(image=RUNNER_IMAGE, code=code), "only-1")
    stage.project("next", WELL, "only-1")
    server = f"http://{stage.platform.address}:{stage.machine.port}"
    api = clusters.api_address()
    hostile = stage.begin("pries", SERVER=server, API=api)
    stage.project("plants", PLANTS, "only-1")
    beside = stage.begin("plants")
    # Where the machine is too busy to start one in time, it is the last try that says something.
    first, other = stage.over(hostile)[-1], stage.over(beside)[-1]
    after = stage.over(stage.begin("next"))[-1]
    return {
        "log": stage.log(first),
        "state": first["state"],
        "message": first["message"],
        "beside": other["state"],
        "after": after["state"],
        "planted": beside,
    }


def test_a_hostile_step_gains_nothing(pried: Mapping[str, str]) -> None:
    tried = [line.split()[1] for line in pried["log"].splitlines() if line.startswith("TRIED ")]
    assert "GAINED" not in pried["log"], pried["log"]
    assert {"sniff", "proc", "order", "metadata", "cluster", "admin", "runner"} <= set(tried)
    assert "TRIED sniff PermissionError" in pried["log"]
    assert "TRIED cluster HTTPError" in pried["log"], "it was reached, and said no"


def test_a_step_that_kills_everything_fails_only_itself(pried: Mapping[str, str]) -> None:
    assert pried["state"] == "failed", pried["log"]
    assert "the shell of the step was killed by SIGKILL" in pried["message"]
    assert "never" not in pried["log"].split("before")[-1]
    assert "after-step ran" in pried["log"]


def test_jobs_beside_and_after_a_hostile_one_are_unharmed(pried: Mapping[str, str]) -> None:
    assert (pried["beside"], pried["after"]) == ("succeeded", "succeeded")


def test_what_a_hostile_step_plants_is_taken_as_what_it_is(
    stage: Scene, pried: Mapping[str, str]
) -> None:
    call = stage.machine.call
    kept = call("GET", f"/api/v1/runs/{pried['planted']}/artifacts")["items"]
    names = {
        file["name"]
        for each in kept
        for file in call("GET", f"/api/v1/artifacts/{each['id']}/files")["items"]
    }
    assert "good" in names
    assert not any(name.startswith(("self/", "all/")) for name in names)
    assert "pipe" not in names
