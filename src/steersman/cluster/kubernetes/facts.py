"""What is known of a pod beside itself: the last events of each kind, and its node."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

NO_TAILS: Mapping[str, str] = MappingProxyType({})
MOST_PODS = 5000
TROUBLES = ("FailedCreatePodSandBox", "FailedMount", "FailedAttachVolume")
OF_USE = frozenset({"Pulling", "Pulled", "Failed", "Preempted", "TaintManagerEviction", *TROUBLES})
IGNORED = (
    "Scheduled", "Created", "Started", "Killing", "BackOff", "SuccessfulAttachVolume",
    "FailedScheduling", "NotTriggerScaleUp",
)  # fmt: skip
"""What would come most often and says nothing: it is not even asked for. A scheduler repeats itself
for each pod that waits, and the pod has its words too."""


class Event(NamedTuple):
    """The last event of a *reason*; *container* where it is about one. *order* grows."""

    reason: str
    container: str
    message: str
    order: int


class Node(NamedTuple):
    """A node: whether it is *ready* (else *why*), and whether it takes no more (*cordoned*)."""

    name: str
    ready: bool = True
    why: str = ""
    cordoned: bool = False


class Facts(NamedTuple):
    """*events_known* is False where we may not read events; *tails* end the logs of services."""

    events: tuple[Event, ...] = ()
    node: Node | None = None
    events_known: bool = True
    tails: Mapping[str, str] = NO_TAILS

    def last(self, *reasons: str, container: str | None = None) -> Event | None:
        """Return the newest event of these reasons."""
        found = [
            each
            for each in self.events
            if each.reason in reasons and container in (None, each.container)
        ]
        return max(found, key=lambda each: each.order, default=None)

    def trouble(self) -> str:
        """Say what keeps the node from starting anything, as far as anybody said."""
        if self.node is not None and not self.node.ready:
            return f"node {self.node.name} is not ready: {self.node.why}"[:600]
        last = self.last(*TROUBLES)
        return last.message[:600] if last else ""


NO_FACTS = Facts()


class Events:
    """The events of our pods: the newest of each kind, not their history."""

    def __init__(self) -> None:
        self._pods: OrderedDict[str, dict[tuple[str, str], Event]] = OrderedDict()

    def of(self, uid: str) -> tuple[Event, ...]:
        """Return the events of a pod."""
        return tuple(self._pods.get(uid, {}).values())

    def forget(self, uid: str) -> None:
        """Drop the events of a pod that is no more."""
        self._pods.pop(uid, None)

    def note(self, said: Mapping[str, Any]) -> str | None:
        """Take in an event; return the uid of the pod it is about, None for one of no interest."""
        about = said.get("involvedObject") or {}
        uid, name, reason = about.get("uid"), about.get("name") or "", said.get("reason") or ""
        if not uid or not name.startswith("steer-") or reason not in OF_USE:
            return None
        if reason == "Failed" and str(said.get("message")).startswith("Error: "):
            # The state of the container says the same; the registry's words are in another.
            return None
        path = about.get("fieldPath") or ""
        container = path.partition("{")[2].rstrip("}")
        version = str(said["metadata"].get("resourceVersion") or "0")
        order = int(version) if version.isdigit() else 0
        event = Event(reason, container, str(said.get("message") or "")[:1000], order)
        known = self._pods.setdefault(uid, {})
        old = known.get((reason, container))
        if old is not None and old.order >= order:
            return None
        known[reason, container] = event
        self._pods.move_to_end(uid)
        while len(self._pods) > MOST_PODS:
            self._pods.popitem(last=False)
        return str(uid)


def node(said: Mapping[str, Any]) -> Node:
    """Read a node."""
    name = str(said["metadata"]["name"])
    cordoned = bool((said.get("spec") or {}).get("unschedulable"))
    for each in (said.get("status") or {}).get("conditions") or ():
        if each.get("type") == "Ready" and each.get("status") != "True":
            why = str(each.get("message") or each.get("reason") or "nobody says why")
            return Node(name, ready=False, why=why, cordoned=cordoned)
    return Node(name, cordoned=cordoned)
