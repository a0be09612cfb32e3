"""Everything we know of a namespace without asking: pods, their events, the nodes.

Each runner's standing is worked out once for each change. What was deleted by others stays
visible, as ended, until somebody takes notice: a pod that is no more cannot say why.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Iterable
from typing import Any

from steersman.cluster.kubernetes import endings, facts, keeping, names, parts, verdicts
from steersman.cluster.kubernetes.api import Api
from steersman.cluster.kubernetes.facts import Events, Facts, Node
from steersman.cluster.kubernetes.reflector import Collection, Object, Reflector
from steersman.cluster.kubernetes.room import Taken
from steersman.core.errors import Forbidden, SteersmanError, Unavailable
from steersman.core.runners import Seen, State
from steersman.patience import Patience

CLEARING = 2
"""Seconds given to what is left of a pod whose runner ended; the odd number tells it was us."""
MOST_DEPARTED = 2000
FIRST = 30.0
LEAVING = 2.0
TAIL = {"tailLines": "20", "limitBytes": "4000"}
TAIL_WITHIN = 5.0
log = logging.getLogger("steersman.cluster")


class Watching:
    """Follows *namespace*; *woken* is set with every change of a runner's standing.

    *selector* says whose pods these are.
    """

    def __init__(self, api: Api, namespace: str, pause: Patience, selector: str) -> None:
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}"
        self.woken = asyncio.Event()
        self.taken = Taken()
        self._seen: dict[str, Seen] = {}
        self._stale: set[str] = set()
        self._departed: OrderedDict[str, Seen] = OrderedDict()
        self._cleared: OrderedDict[str, None] = OrderedDict()
        self._events = Events()
        self._tails: dict[str, dict[str, str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._fault: BaseException | None = None
        pods = Collection(f"{self._path}/pods", keeping.pod, {"labelSelector": selector})
        about = {"fieldSelector": ",".join(["involvedObject.kind=Pod", *_not(facts.IGNORED)])}
        events = Collection(f"{self._path}/events", self._event, about)
        self.pods = Reflector(api, pods, self._pod_changed, pause)
        self._of_pods = Reflector(api, events, self._nothing, pause)
        self.nodes = Reflector(
            api, Collection("/api/v1/nodes", keeping.node), self._node_changed, pause
        )

    async def start(self) -> None:
        """Begin to follow, and wait for the first list of pods."""
        if self._fault is not None:
            raise self._fault
        if not self._tasks:
            for each in (self.pods, self._of_pods, self.nodes):
                self.soon(each.run())
        if self.pods.listed.is_set():
            return
        try:
            async with asyncio.timeout(FIRST):
                while not self.pods.listed.is_set() and self.pods.trouble is None:
                    self.woken.clear()
                    await self.woken.wait()
        except TimeoutError:
            what = f"no list of pods came from {self._api.address} in {FIRST:g} s"
            raise Unavailable(what) from None
        if self.pods.trouble is not None and not self.pods.listed.is_set():
            raise self.pods.trouble

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside everything else, until `stop`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # A fault of ours must not look like a cluster in which nothing happens.
            self._fault = task.exception()
            self.woken.set()

    async def stop(self) -> None:
        """Follow no more."""
        if self._tasks:
            # A connection that is cancelled while it is made stays open for a while.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVING):
                    for each in (self.pods, self._of_pods, self.nodes):
                        await each.tried.wait()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def runners(self) -> dict[str, Seen]:
        """Return how every runner stands that was not deleted by us."""
        for name in self._stale:
            pod = self.pods.objects.get(name)
            if pod is None:
                self._seen.pop(name, None)
            else:
                self._seen[name] = verdicts.look(pod, self.facts(pod))
                self._fetch_tails(pod)
        self._stale.clear()
        there = {
            seen.attempt: seen
            for name, seen in self._seen.items()
            if not (seen.leaving and seen.state is State.ENDED)
            or not self.is_cleared(self.pods.objects[name])
        }
        return {**self._departed, **there}

    def facts(self, pod: Object) -> Facts:
        """Return what else is known of a pod."""
        uid = pod["metadata"]["uid"]
        node = self.nodes.objects.get(pod["spec"].get("nodeName") or "")
        known = self._of_pods.listed.is_set() and self._of_pods.trouble is None
        return Facts(
            self._events.of(uid),
            facts.node(node) if node else None,
            known,
            self._tails.get(uid, {}),
        )

    def known_nodes(self) -> tuple[Node, ...]:
        """Return the nodes, as far as we may know of them."""
        return tuple(facts.node(each) for each in self.nodes.objects.values())

    def departed(self, attempt: str) -> bool:
        """Tell whether a runner ended of which only we know any more."""
        return attempt in self._departed

    def clear(self, attempt: str, uid: str | None) -> None:
        """Note that we remove what is left of a runner."""
        self._departed.pop(attempt, None)
        if uid is not None:
            self._remember(uid)

    def is_cleared(self, pod: Object) -> bool:
        """Tell whether a pod is being removed by us."""
        metadata = pod["metadata"]
        if metadata.get("deletionGracePeriodSeconds") == CLEARING:
            self._remember(metadata["uid"])
        return metadata["uid"] in self._cleared

    def _remember(self, uid: str) -> None:
        self._cleared[uid] = None
        while len(self._cleared) > MOST_DEPARTED:
            self._cleared.popitem(last=False)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        self.woken.set()
        self.taken.change(old, new)
        if old is None and new is None and self.pods.trouble is not None:
            log.warning("cluster_away: %s", self.pods.trouble)
        latest = new or old
        if latest is not None:
            # Another worker may have done it; and the kubelet's last word no longer says so.
            self.is_cleared(latest)
            self._stale.add(latest["metadata"]["name"])
        if old is not None and new is None:
            self._depart(old)

    def _depart(self, last: Object) -> None:
        uid = last["metadata"]["uid"]
        seen = verdicts.look(last, self.facts(last))
        self._events.forget(uid)
        self._tails.pop(uid, None)
        if uid in self._cleared:
            return
        if seen.state is not State.ENDED:
            why = endings.removal(last, self.facts(last))
            seen = seen._replace(state=State.ENDED, note=why.text, reason=why.reason, stage=None)
        self._departed[seen.attempt] = seen._replace(leaving=False, closing=False)
        while len(self._departed) > MOST_DEPARTED:
            self._departed.popitem(last=False)

    def _event(self, said: Object) -> None:
        uid = self._events.note(said)
        if uid is not None:
            self._stale.add(str(said["involvedObject"].get("name")))
            self.woken.set()

    def _nothing(self, old: Object | None, new: Object | None) -> None:
        """What can be said of events changed as a whole."""
        if self._of_pods.trouble is not None:
            self._degraded("events", self._of_pods.trouble)
        self._forget_all()

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None and new is None:
            if self.nodes.trouble is not None:
                self._degraded("nodes", self.nodes.trouble)
            return
        was, is_ = (facts.node(each) if each else None for each in (old, new))
        if was != is_:
            self._forget_all((was or is_ or Node("")).name)

    def _degraded(self, what: str, error: SteersmanError) -> None:
        kind = "may not be read" if isinstance(error, Forbidden) else "cannot be read now"
        log.warning("cluster_half_seen: %s %s, sentences say less: %s", what, kind, error)

    def _forget_all(self, node: str | None = None) -> None:
        """Work out anew how runners stand, all of them or those of a node."""
        self._stale.update(
            name for name, seen in self._seen.items() if node is None or seen.node == node
        )
        self.woken.set()

    def _fetch_tails(self, pod: Object) -> None:
        """Ask for the last words of services that ended well, and so left no message."""
        if parts.state(pod, names.RUNNER) != "running":
            return
        for each in pod["spec"]["containers"]:
            name = each["name"]
            ended = parts.terminated(pod, name) if name.startswith(names.SERVICE) else None
            known = self._tails.setdefault(pod["metadata"]["uid"], {}) if ended else {}
            if ended is not None and not ended.get("message") and name not in known:
                known[name] = ""
                self.soon(self._fetch_tail(pod["metadata"]["name"], name, known))

    async def _fetch_tail(self, pod: str, container: str, known: dict[str, str]) -> None:
        path = f"{self._path}/pods/{pod}/log"
        try:
            known[container] = await self._api.text(
                path, {**TAIL, "container": container}, TAIL_WITHIN
            )
        except SteersmanError as error:
            log.info("no_last_words: %s of %s: %s", container, pod, error)
            return
        self._stale.add(pod)
        self.woken.set()


def _not(reasons: Iterable[str]) -> list[str]:
    return [f"reason!={each}" for each in reasons]
