"""Runners that are pods of one namespace, whichever worker made them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from steersman.cluster.base import NoRoom, RunnerSpec, Seen, State
from steersman.cluster.kubernetes import manifests, names, room
from steersman.cluster.kubernetes.api import METADATA, Api
from steersman.cluster.kubernetes.containers import Ours
from steersman.cluster.kubernetes.manifests import Avoided
from steersman.cluster.kubernetes.pools import Pool
from steersman.cluster.kubernetes.refusals import Exists
from steersman.cluster.kubernetes.watching import CLEARING, Watching
from steersman.core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Refused,
    SteersmanError,
    Unavailable,
    UserError,
)
from steersman.core.runners import Stage
from steersman.patience import Patience

FULL = 30.0
"""Seconds for which nothing is taken after the quota was found full."""
QUOTAS = 5.0
SWEEP = 60.0
"""How often Secrets without a pod are looked for; seen twice, one is left over."""
log = logging.getLogger("steersman.cluster")


class Where(NamedTuple):
    """The *namespace* of the pods, what is in *pools*, and our image.

    Only what bears the id of our *installation* is ours: others may use the same namespace.
    *surplus* is how many pods may wait for a place: in a cluster that grows, they make it grow.
    """

    namespace: str
    installation: str
    pools: Mapping[str, Pool]
    ours: Ours
    surplus: int = 0


class KubernetesCluster:
    """Makes pods by *api*, and knows of them by one watch."""

    name = "kubernetes"

    def __init__(self, api: Api, where: Where, pause: Patience) -> None:
        self._api = api
        self._where = where
        self._pause = pause
        self._selector = names.selector(where.installation)
        self._watching = Watching(api, where.namespace, pause, self._selector)
        self._path = f"/api/v1/namespaces/{where.namespace}"
        self._full_until = 0.0
        self._quotas: tuple[float, list[dict[str, Any]]] = (float("-inf"), [])
        self._without: dict[str, int] = {}
        self._sweeping = False

    def capabilities(self) -> frozenset[str]:
        return frozenset({"docker"} if any(each.docker for each in self._pools()) else ())

    def _pools(self) -> list[Pool]:
        return list(self._where.pools.values())

    async def create(self, spec: RunnerSpec) -> None:
        pool = self._where.pools.get(spec.pool)
        if pool is None:
            raise Refused(
                f"the worker's pools file has no pool {spec.pool}",
                hint=f"it has {', '.join(sorted(self._where.pools))}",
            )
        if self._watching.departed(spec.attempt):
            return
        pod = manifests.pod(spec, pool, self._where.ours, self._avoided(spec, pool))
        await self._make_secret(spec)
        made = await self._make_pod(spec, self._labelled(pod))
        self._watching.pods.put(made)
        self._without.pop(spec.attempt, None)

    def _labelled(self, manifest: manifests.Manifest) -> manifests.Manifest:
        manifest["metadata"]["labels"][names.INSTALLATION] = self._where.installation
        return manifest

    def _avoided(self, spec: RunnerSpec, pool: Pool) -> Avoided:
        """Stay away from nodes on which this job was lost, if there is any other."""
        avoid = tuple(manifests.wanted(spec)["avoid"])
        if not avoid:
            return Avoided()
        nodes = [each for each in self._watching.nodes.objects.values() if room.usable(each, pool)]
        others = [each for each in nodes if each["metadata"]["name"] not in avoid]
        return Avoided(avoid, strictly=bool(others) or not nodes)

    async def _make_secret(self, spec: RunnerSpec) -> None:
        try:
            await self._api.call(
                "POST", f"{self._path}/secrets", self._labelled(manifests.secret(spec))
            )
        except Exists:
            # Another worker made it, who is gone or slow: for one attempt they are all the same.
            return
        except NotFound as error:
            what = f"there is no namespace {self._where.namespace} for pods of jobs"
            raise Refused(what, hint="make it, or name another by --namespace") from error

    async def _make_pod(self, spec: RunnerSpec, pod: manifests.Manifest) -> dict[str, Any]:
        try:
            return await self._api.call("POST", f"{self._path}/pods", pod)
        except Exists:
            there = await self._pod(spec.attempt)
            if there is None or self._watching.is_cleared(there):
                what = f"an earlier pod of {spec.attempt} is still being removed"
                raise Unavailable(what) from None
            return there
        except (UserError, Refused, NoRoom) as error:
            if isinstance(error, NoRoom):
                self._full_until = self._pause.now() + FULL
            if not isinstance(error, Forbidden):
                await self._remove_secret(spec.attempt)
            raise

    async def _pod(self, attempt: str) -> dict[str, Any] | None:
        try:
            return await self._api.call("GET", f"{self._path}/pods/{names.named(attempt)}")
        except NotFound:
            return None

    async def runners(self) -> list[Seen]:
        await self._watching.start()
        if not self._sweeping:
            self._sweeping = True
            self._watching.soon(self._sweep())
        there = self._watching.runners()
        for attempt, times in self._without.items():
            if times > 1 and attempt not in there:
                note = "its pod was never made"
                there[attempt] = Seen(attempt, State.PENDING, note=note)
        return list(there.values())

    async def look(self, attempt: str) -> None:
        pod = await self._pod(attempt)
        if pod is not None:
            self._watching.pods.put(pod)

    async def stop(self, attempt: str) -> None:
        await self._end(attempt, manifests.GRACE)

    async def kill(self, attempt: str) -> None:
        await self._end(attempt, 0)

    async def _end(self, attempt: str, grace: int) -> None:
        await self._remove_pod(attempt, grace)
        if attempt in self._without and names.named(attempt) not in self._watching.pods.objects:
            await self._remove_secret(attempt)

    async def delete(self, attempt: str) -> None:
        seen = self._watching.runners().get(attempt)
        if seen is not None and seen.state is not State.ENDED:
            raise Conflict(f"the runner of {attempt} has not ended", hint="stop it first")
        pod = self._watching.pods.objects.get(names.named(attempt))
        self._watching.clear(attempt, pod["metadata"]["uid"] if pod else None)
        # The pod last: as long as it is there, whoever looks knows that something is left.
        await self._remove_secret(attempt)
        await self._remove_pod(attempt, CLEARING)

    async def _remove_pod(self, attempt: str, grace: int) -> None:
        """Ask for the end of a pod. A sick node may never confirm it: nobody waits for that."""
        name = names.named(attempt)
        known = self._watching.pods.objects.get(name)
        try:
            path = f"{self._path}/pods/{name}"
            said = await self._api.call("DELETE", path, {"gracePeriodSeconds": grace})
        except NotFound:
            said = {}
        if said.get("kind") == "Pod" and said["metadata"].get("deletionTimestamp"):
            self._watching.pods.put(said)
        elif known is not None:
            # One that had ended is gone with the answer.
            self._watching.pods.lose(name, known["metadata"]["uid"])

    async def _remove_secret(self, attempt: str) -> None:
        self._without.pop(attempt, None)
        with contextlib.suppress(NotFound):
            await self._api.call("DELETE", f"{self._path}/secrets/{names.named(attempt)}")

    async def room(self) -> int | None:
        await self._watching.start()
        if self._pause.now() < self._full_until:
            return 0
        bounds = [await self._by_quotas(), self._by_nodes()]
        return min((each for each in bounds if each is not None), default=None)

    def _by_nodes(self) -> int | None:
        pending = [
            each
            for each in self._watching.runners().values()
            if each.state is State.PENDING and not each.leaving
        ]
        waiting = sum(not each.placed and bool(each.note) for each in pending)
        spare = self._where.surplus - waiting
        if waiting:
            return max(0, spare)
        nodes, taken = self._watching.nodes, self._watching.taken
        if not nodes.listed.is_set() or nodes.trouble is not None:
            return None
        every = nodes.objects.values()
        fits = max((room.by_nodes(every, taken, pool) for pool in self._pools()), default=0)
        usable = (each for each in every if any(room.usable(each, pool) for pool in self._pools()))
        starting = sum(each.stage in (Stage.WAITING, Stage.PLACED) for each in pending)
        return max(0, min(fits, sum(map(room.starts, usable)) - starting) + spare)

    async def _by_quotas(self) -> int | None:
        at, quotas = self._quotas
        now = self._pause.now()
        if now - at >= QUOTAS:
            with contextlib.suppress(Forbidden):
                said = await self._api.call("GET", f"{self._path}/resourcequotas")
                quotas = list(said.get("items") or ())
            self._quotas = now, quotas
        bounds = [room.by_quotas(quotas, pool) for pool in self._pools()]
        return min((each for each in bounds if each is not None), default=None)

    async def _sweep(self) -> None:
        """Look for Secrets whose pod was never made, or went without them."""
        while True:
            # Nothing is urgent about it: what was just made is not left over.
            await self._pause.sleep(SWEEP)
            try:
                await self.sweep()
            except SteersmanError as error:
                log.warning("sweep_failed: %s", error)

    async def sweep(self) -> None:
        """Look once."""
        accept = {"Accept": METADATA.format(kind="PartialObjectMetadataList")}
        by = {"labelSelector": self._selector}
        said = await self._api.call("GET", f"{self._path}/secrets", None, by, accept)
        found = {
            each["metadata"]["labels"][names.ATTEMPT]
            for each in said.get("items") or ()
            if each["metadata"]["name"] not in self._watching.pods.objects
        }
        self._without = {each: self._without.get(each, 0) + 1 for each in found}
        self._watching.woken.set()

    async def changed(self, within: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._watching.woken.wait()
                self._watching.woken.clear()

    async def close(self) -> None:
        await self._watching.stop()
        await self._api.close()
