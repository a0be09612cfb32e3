"""Removing ended Jobs: page by page, at a pace, with their pods behind them.

It may be stopped at any point: what is left is found again. One that cannot be removed does not
keep the others. Never more than a page is in memory, and the newest ones that are kept by number;
where logs are bounded, the names of all that stay.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from steersman.core.errors import Expired, NotFound, SteersmanError
from steersman.core.schedules.fires import Outcome
from steersman.core.schedules.reaping import Ended, Limits, LogBudget, Reaping, newest_first
from steersman.cron.kubernetes import jobs
from steersman.cron.kubernetes.base import Api, Object
from steersman.cron.kubernetes.pod_logs import PodLogs

T = TypeVar("T")
PAGE = 200
"""Jobs of a real cluster take 60 kB each while a page is read."""
AT_ONCE = 10
"""So many deletes are on their way: the pace is theirs together."""
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
    """How many were removed, and how many could not be."""

    jobs: int = 0
    pods: int = 0
    failed: int = 0


class _Orphan(NamedTuple):
    """An ended pod that no Job owns; *job* is what it was made for."""

    name: str
    uid: str
    job: str
    created: float


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
        self._gone: Counter[str] = Counter()
        self._failed = 0
        self._next = 0.0

    async def reap(self) -> Reaped:
        """Remove what is to go, and return what was done."""
        now = self._now()
        reaping = Reaping(self._wishes.limits, now)
        policy = "Background" if self._wishes.dependents else "Orphan"
        kept: dict[str, Ended] = {}
        async for page in self._pages(self._jobs, SELECTOR, _ended):
            going = [gone for each in page if (gone := reaping.goes(each)) is not None]
            await self._remove(self._jobs, _named(going), policy)
            if self._wishes.limits.log_bytes is not None:
                kept |= {each.name: each for each in page if each.over}
                for gone in going:
                    kept.pop(gone.name, None)
        async for group in self._beyond_logs(kept.values()):
            await self._remove(self._jobs, _named(group), policy)
        if self._wishes.orphans and self._wishes.dependents:
            await self._reap_orphans(now)
        return Reaped(self._gone[self._jobs], self._gone[self._pods], self._failed)

    async def _beyond_logs(self, kept: Iterable[Ended]) -> AsyncIterator[list[Ended]]:
        """Give, of each group, those whose logs are too much beside those of newer ones."""
        most, logs = self._wishes.limits.log_bytes, PodLogs(self._api, self._pods)
        if most is None:
            return
        for group in newest_first(kept):
            budget, going = LogBudget(most), []
            for each in group:
                size = 0 if budget.full else await logs.size(each.name, budget.left + 1)
                if not budget.stays(size):
                    going.append(each)
            yield going

    async def _pages(
        self, path: str, selector: str, keep: Callable[[Object], T]
    ) -> AsyncIterator[list[T]]:
        """Give one page after another; what was made meanwhile may be among them or not.

        Of each object only what *keep* makes of it outlives the answer.
        """
        parameters = {"labelSelector": selector, "limit": str(PAGE)}
        while True:
            try:
                said = await self._api.call("GET", path, None, parameters)
            except Expired as error:
                # Removing a page took longer than the server remembers how it was at the first.
                if not error.going_on:
                    raise
                parameters["continue"] = error.going_on
                continue
            page = [keep(each) for each in said.get("items") or ()]
            going_on = (said.get("metadata") or {}).get("continue")
            del said
            yield page
            if not going_on:
                return
            parameters["continue"] = going_on

    async def _remove(self, path: str, going: Iterable[tuple[str, str]], policy: str) -> None:
        """Remove each by its name and uid, some of them at once."""
        left = iter(going)

        async def work() -> None:
            for name, uid in left:
                await self._remove_one(path, name, uid, policy)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())

    async def _remove_one(self, path: str, name: str, uid: str, policy: str) -> None:
        if self._wishes.dry_run:
            self._gone[path] += 1
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
            self._failed += 1
            self._say(f"cannot remove {name}: {error}")
            return
        self._gone[path] += 1
        self._say(f"removed {name}")

    async def _pace(self) -> None:
        now = asyncio.get_running_loop().time()
        mine = max(self._next, now)
        self._next = mine + 1.0 / self._wishes.rate
        if mine > now:
            await asyncio.sleep(mine - now)

    async def _reap_orphans(self, now: float) -> None:
        """Remove ended pods of ours whose Job is gone; somebody orphaned them."""
        kept = max(self._wishes.limits.succeeded, self._wishes.limits.failed)
        async for page in self._pages(self._pods, "job-name", _orphan):
            old = [each for each in page if each is not None and now - each.created >= kept]
            there = {job: await self._exists(job) for job in {each.job for each in old}}
            going = [(each.name, each.uid) for each in old if not there[each.job]]
            await self._remove(self._pods, going, "Background")

    async def _exists(self, job: str) -> bool:
        try:
            await self._api.call("GET", f"{self._jobs}/{quote(job)}")
        except NotFound:
            return False
        return True


def _named(going: Iterable[Ended]) -> list[tuple[str, str]]:
    return [(each.name, each.uid) for each in going]


def _ended(job: Object) -> Ended:
    metadata = job["metadata"]
    outcome, ended, _ = jobs.outcome_of(job)
    if metadata.get("deletionTimestamp"):
        outcome = Outcome.RUNNING
    said = metadata.get("annotations") or {}
    group = said.get(jobs.SCHEDULE) or _OURS.sub("", metadata["name"])
    return Ended(metadata["name"], metadata["uid"], outcome, ended, group)


def _orphan(pod: Object) -> _Orphan | None:
    """Return what may be an orphan: an ended pod of ours that no Job owns any more.

    Those that one owns go with it, by the cluster itself.
    """
    metadata, owners = pod["metadata"], pod["metadata"].get("ownerReferences") or ()
    job = metadata["labels"]["job-name"]
    created = jobs.seconds(metadata.get("creationTimestamp"))
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    owned = any(each.get("kind") == "Job" for each in owners)
    if not ended or owned or created is None or not _OURS.search(job):
        return None
    return _Orphan(metadata["name"], metadata["uid"], job, created)
