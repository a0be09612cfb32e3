"""Runs as Jobs: created once each under a name that follows from the instant, and followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import NoReturn
from urllib.parse import quote

from steersman.core.errors import Conflict, Forbidden, NotFound, Unavailable, Unknown, UserError
from steersman.core.schedules import fires
from steersman.core.schedules.fires import Fire, Outcome
from steersman.cron.kubernetes import jobs
from steersman.cron.kubernetes.base import Api, Follow, Object
from steersman.cron.kubernetes.jobs import Node, Pod
from steersman.cron.launchers.base import Impossible, Run, Work, digest_name

LOOK_EVERY = 5.0
BACKGROUND = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}


class KubernetesLauncher:
    """Jobs of *namespace*; *cron* tells several crons of one namespace apart."""

    def __init__(
        self, api: Api, follow: Follow, namespace: str, cron: str, now: Callable[[], float]
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._cron = cron
        self._now = now
        self._path = f"/apis/batch/v1/namespaces/{quote(namespace)}/jobs"
        self._runs: dict[str, Run] = {}
        self._changed: Callable[[Run], None] | None = None
        ours = {"labelSelector": f"{jobs.CRON}={cron}"}
        pods = f"/api/v1/namespaces/{quote(namespace)}/pods"
        self._jobs = follow(self._path, jobs.keep, ours, self._job_changed)
        self._pods = follow(pods, jobs.keep_pod, {"labelSelector": "job-name"}, _nothing)
        self._nodes = follow("/api/v1/nodes", jobs.keep_node, {}, _nothing)

    def name(self, work: Work, fire: Fire) -> str:
        """Return the name of the Job."""
        return digest_name(work.base, fires.digest(*fire.key, fire.attempt))

    async def launch(self, work: Work, fire: Fire) -> str:
        """Create the Job, or find that it is there."""
        body = jobs.manifest(work, fire, self._namespace, self._cron)
        try:
            made = await self._api.call("POST", self._path, body)
        except Conflict:
            made = await self._there(fire)
        except (Forbidden, NotFound, Unknown) as error:
            # Rights and namespaces can be mended before the deadline.
            raise Unavailable(str(error), hint=error.hint) from error
        except UserError as error:
            raise Impossible(f"the cluster refuses the Job: {error}") from error
        return str(made["metadata"]["uid"])

    async def _there(self, fire: Fire) -> Object:
        try:
            found = await self._api.call("GET", f"{self._path}/{quote(fire.run)}")
        except NotFound as error:
            raise Unavailable(f"the Job {fire.run} was there a moment ago") from error
        labels = found["metadata"].get("labels") or {}
        if labels.get(jobs.FIRE) != jobs.identity(fire):
            raise Impossible(f"there is a Job {fire.run} already, and it is not of this instant")
        return found

    async def find(self, name: str) -> Run | None:
        """Return the run called *name*."""
        try:
            return jobs.run(await self._api.call("GET", f"{self._path}/{quote(name)}"))
        except NotFound:
            return None

    async def stop(self, name: str) -> None:
        """Delete the Job and, behind it, its pods."""
        try:
            await self._api.call("DELETE", f"{self._path}/{quote(name)}", BACKGROUND)
        except NotFound:
            return

    def runs(self) -> Mapping[str, Run]:
        """Return what is known."""
        return self._runs

    async def watch(self, changed: Callable[[Run], None]) -> NoReturn:
        """Follow Jobs, their pods and the nodes."""
        self._changed = changed
        async with asyncio.TaskGroup() as group:
            for each in (self._jobs, self._pods, self._nodes):
                group.create_task(each.run())
            while True:
                await asyncio.sleep(LOOK_EVERY)
                self._look()
        raise AssertionError("a loop without end")

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            if old is not None:
                self._runs.pop(old["metadata"]["name"], None)
            return
        run = jobs.run(new)
        if run is not None:
            self._put(run)

    def _look(self) -> None:
        """Look what sick nodes do to the runs there."""
        now = self._now()
        sick: dict[str, Node] = {}
        for kept in self._nodes.objects.values():
            found = jobs.node(kept, now)
            if found is not None:
                sick[found.name] = found
        if not sick:
            return
        pods: dict[str, list[Pod]] = {}
        for kept in self._pods.objects.values():
            pod = jobs.pod(kept)
            if pod is not None:
                pods.setdefault(pod.job, []).append(pod)
        for run in list(self._runs.values()):
            new = jobs.afflicted(run, pods.get(run.name, ()), sick, now)
            if new != run and run.outcome is Outcome.RUNNING:
                self._put(new)

    def _put(self, run: Run) -> None:
        self._runs[run.name] = run
        if self._changed is not None:
            self._changed(run)

    async def tidy(self, needed: Collection[str]) -> None:
        """`steer reap` removes Jobs."""

    async def close(self) -> None:
        """The API is the caller's."""


def _nothing(old: Object | None, new: Object | None) -> None:
    """Nodes and pods are looked at now and then, all together."""
