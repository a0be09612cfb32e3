"""Removing ended Jobs: page by page, at a pace, with their pods behind them.

It may be stopped at any point: what is left is found again. One that cannot be removed does not
keep the others.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from typing import NamedTuple
from urllib.parse import quote

from steersman.core.errors import NotFound, SteersmanError
from steersman.core.schedules import reaping
from steersman.core.schedules.fires import Outcome
from steersman.core.schedules.reaping import Ended, Limits
from steersman.cron.kubernetes import jobs
from steersman.cron.kubernetes.base import Api, Object

PAGE = 500
SELECTOR = f"{jobs.CRONETES}=true"
# The names that Cronetes and we make: a dash and twelve digits.
_OURS = re.compile(r"-[0-9a-f]{12}$")


class Wishes(NamedTuple):
    """*rate* is deletes a second; without *dependents* pods stay; *orphans* have no Job."""

    namespace: str
    limits: Limits
    rate: float = 100.0
    dependents: bool = True
    orphans: bool = True
    dry_run: bool = False


class Reaped(NamedTuple):
    """What was done."""

    jobs: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


class Reaper:
    """One round through a namespace; *say* hears of each removal, *sleep* keeps the pace."""

    def __init__(
        self, api: Api, wishes: Wishes, now: Callable[[], float], say: Callable[[str], None]
    ) -> None:
        self._api = api
        self._wishes = wishes
        self._now = now
        self._say = say
        space = quote(wishes.namespace)
        self._jobs = f"/apis/batch/v1/namespaces/{space}/jobs"
        self._pods = f"/api/v1/namespaces/{space}/pods"
        self._gone: list[str] = []
        self._failed: list[str] = []
        self._next = 0.0

    async def reap(self) -> Reaped:
        """Remove what is to go, and return what was done."""
        limits, now = self._wishes.limits, self._now()
        kept: list[Ended] = []
        async for page in self._pages(self._jobs, SELECTOR):
            ended = list(map(_ended, page))
            await self._remove_jobs(each for each in ended if reaping.old(each, limits, now))
            if limits.counts:
                kept += [each for each in ended if not reaping.old(each, limits, now)]
        await self._remove_jobs(reaping.plan(kept, limits, now))
        gone, self._gone = self._gone, []
        if self._wishes.orphans and self._wishes.dependents:
            await self._reap_orphans(now)
        return Reaped(tuple(gone), tuple(self._gone), tuple(self._failed))

    async def _pages(self, path: str, selector: str) -> AsyncIterator[list[Object]]:
        parameters = {"labelSelector": selector, "limit": str(PAGE)}
        while True:
            said = await self._api.call("GET", path, None, parameters)
            yield said.get("items") or []
            going_on = (said.get("metadata") or {}).get("continue")
            if not going_on:
                return
            parameters["continue"] = going_on

    async def _remove_jobs(self, ended: Iterable[Ended]) -> None:
        policy = "Background" if self._wishes.dependents else "Orphan"
        for each in ended:
            await self._remove(self._jobs, each.name, each.uid, policy)

    async def _remove(self, path: str, name: str, uid: str, policy: str) -> None:
        if self._wishes.dry_run:
            self._gone.append(name)
            self._say(f"would remove {name}")
            return
        await self._pace()
        options = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": policy,
            # Not another one that took the name meanwhile.
            "preconditions": {"uid": uid},
        }
        try:
            await self._api.call("DELETE", f"{path}/{quote(name)}", options)
        except NotFound:
            return
        except SteersmanError as error:
            self._failed.append(name)
            self._say(f"cannot remove {name}: {error}")
            return
        self._gone.append(name)
        self._say(f"removed {name}")

    async def _pace(self) -> None:
        loop = asyncio.get_running_loop()
        wait = self._next - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        self._next = max(self._next, loop.time()) + 1.0 / self._wishes.rate

    async def _reap_orphans(self, now: float) -> None:
        """Remove ended pods of ours whose Job is gone; somebody orphaned them."""
        known: dict[str, bool] = {}
        kept = max(self._wishes.limits.succeeded, self._wishes.limits.failed)
        async for page in self._pages(self._pods, "job-name"):
            for pod in page:
                metadata = pod["metadata"]
                job = metadata["labels"]["job-name"]
                if not _OURS.search(job) or _owned(pod) or not _over(pod, now, kept):
                    continue
                if job not in known:
                    known[job] = await self._exists(job)
                if not known[job]:
                    await self._remove(self._pods, metadata["name"], metadata["uid"], "Background")

    async def _exists(self, job: str) -> bool:
        try:
            await self._api.call("GET", f"{self._jobs}/{quote(job)}")
        except NotFound:
            return False
        return True


def _ended(job: Object) -> Ended:
    metadata = job["metadata"]
    outcome, ended, _ = jobs.outcome_of(job)
    if metadata.get("deletionTimestamp"):
        outcome = Outcome.RUNNING
    said = metadata.get("annotations") or {}
    group = said.get(jobs.SCHEDULE) or _OURS.sub("", metadata["name"])
    return Ended(metadata["name"], metadata["uid"], outcome, ended, group)


def _owned(pod: Object) -> bool:
    """Tell whether a Job still owns it: then the cluster removes it by itself."""
    return any(each.get("kind") == "Job" for each in pod["metadata"].get("ownerReferences") or ())


def _over(pod: Object, now: float, kept: float) -> bool:
    if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
        return False
    created = jobs.seconds(pod["metadata"].get("creationTimestamp"))
    return created is not None and now - created >= kept
