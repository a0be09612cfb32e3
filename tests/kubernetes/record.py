"""Makes pods that end in every way we can bring about, and keeps what the cluster says of them.

`python -m tests.kubernetes.record` writes `recorded/NAME.json`: the pod, its events, the sentence.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from steersman.cluster.base import RunnerSpec
from steersman.cluster.kubernetes import keeping, manifests, names
from steersman.cluster.kubernetes.api import Api
from steersman.cluster.kubernetes.containers import Ours
from steersman.core.errors import SteersmanError
from tests.kubernetes import clusters

FOLDER = Path(__file__).with_name("recorded")
LASTS = 200.0
EAT = 'x=a; while :; do x="$x$x"; done'
Case = dict[str, Any]
CASES: dict[str, Case] = {
    "box-out-of-memory": {"box": ["sh", "-c", f"sleep 3; {EAT}"]},
    "runner-out-of-memory": {"run": EAT},
    "box-gone": {"box": ["sh", "-c", "sleep 3; exit 4"]},
    "box-without-shell": {"box": ["/no/such/shell"]},
    "box-image-missing": {"image": "registry.invalid/no/such:1"},
    "box-image-never": {"image": "no-such-image:1", "pool": {"pull": "Never"}},
    "box-image-misspelt": {"image": "Not/A/Name:::"},
    "our-image-missing": {"ours": "registry.invalid/ours:1"},
    "root-in-a-restricted-pool": {"pool": {"restricted": True}},
    "unschedulable": {"pool": {"node_selector": {"moon": "full"}}},
    "preparation-failed": {
        "prepare": "echo the source cannot be fetched >/dev/termination-log; exit 3"
    },
    "service-ended": {"service": ["sh", "-c", "sleep 2; echo no space left; exit 1"]},
    "runner-well": {"run": "sleep 2"},
    "runner-bug": {"run": "echo Traceback of ours; exit 70"},
    "runner-killed": {"run": "sleep 2; exit 137"},
    "deadline": {"deadline": 5},
    "deleted": {"delete": True},
}  # fmt: skip


def made(name: str, case: Case) -> tuple[RunnerSpec, dict[str, Any]]:
    services = [clusters.service("redis", entrypoint=case["service"])] if "service" in case else []
    box = {"entrypoint": case["box"]} if "box" in case else {}
    wanted = clusters.wanted(case.get("image", clusters.IMAGE), box=box, services=services)
    spec = RunnerSpec(name, "token", "http://ci.test", "default", {}, wanted)
    shell = ("sh", "-c")
    ours = Ours(
        case.get("ours", clusters.IMAGE),
        (*shell, case.get("prepare", "true")),
        (*shell, case["run"]) if "run" in case else clusters.WAITS,
    )
    pod = manifests.pod(spec, clusters.POOL._replace(**case.get("pool", {})), ours)
    if "deadline" in case:
        pod["spec"]["activeDeadlineSeconds"] = case["deadline"]
    return spec, pod


async def record(api: Api, namespace: str, name: str, case: Case) -> None:
    path = f"/api/v1/namespaces/{namespace}"
    spec, pod = made(name, case)
    await api.call("POST", f"{path}/secrets", manifests.secret(spec))
    await api.call("POST", f"{path}/pods", pod)
    for_long, last = LASTS, None
    while for_long > 0:
        await asyncio.sleep(2.0)
        for_long -= 2.0
        try:
            now = await api.call("GET", f"{path}/pods/{names.named(name)}")
        except SteersmanError:
            break
        last = now
        running = (now.get("status") or {}).get("phase") == "Running"
        if case.get("delete") and running and "deletionTimestamp" not in now["metadata"]:
            await api.call("DELETE", f"{path}/pods/{names.named(name)}")
        if (now.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
            break
        if name == "deleted" and now["metadata"].get("deletionTimestamp"):
            break
    about = {"fieldSelector": f"involvedObject.name={names.named(name)}"}
    events = (await api.call("GET", f"{path}/events", None, about))["items"]
    kept = ("reason", "message", "type", "count")
    said = [
        {
            "metadata": {"resourceVersion": each["metadata"]["resourceVersion"]},
            "involvedObject": each["involvedObject"],
            **{key: each.get(key) for key in kept},
        }
        for each in events
    ]
    text = json.dumps({"pod": keeping.pod(last or {}), "events": said}, indent=1, sort_keys=True)
    (FOLDER / f"{name}.json").write_text(text + "\n")
    print(name, flush=True)


async def main(wanted: list[str]) -> None:
    api = clusters.api()
    some = asyncio.Semaphore(6)

    async def one(namespace: str, name: str) -> None:
        async with some:
            await record(api, namespace, name, CASES[name])

    try:
        with_namespace = sys.argv[1]
        await asyncio.gather(*(one(with_namespace, each) for each in wanted or list(CASES)))
    finally:
        await api.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[2:]))
