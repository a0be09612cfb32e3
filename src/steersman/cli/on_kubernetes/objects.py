"""The pod of a run and its Secret in the cluster: made, removed, and found when left behind."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from steersman.cli.on_kubernetes.order import Order
from steersman.cluster.kubernetes import names, verdicts
from steersman.cluster.kubernetes.api import METADATA, Api
from steersman.cluster.kubernetes.refusals import Exists
from steersman.core.errors import Forbidden, NotFound, Refused, SteersmanError, UserError
from steersman.core.runners import State

CLEARING = 2
"""Seconds given to the containers of a run that is over."""
HALF_MADE = timedelta(minutes=10)
"""How old a Secret without a pod is before nobody is making that pod any more."""


class Objects:
    """What runs of people leave in *namespace*, by *api*."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self.namespace = namespace
        self.path = f"/api/v1/namespaces/{namespace}"

    async def make(self, order: Order) -> None:
        """Make the Secret and the pod, which takes the Secret with it when it goes."""
        try:
            await self._api.call("POST", f"{self.path}/secrets", order.secret)
            pod = await self._api.call("POST", f"{self.path}/pods", order.pod)
        except Exists as error:
            what = f"there is a run {order.attempt} in this cluster already"
            raise UserError(what, hint="leave out --run-id") from error
        except NotFound as error:
            raise UserError(
                f"there is no namespace {self.namespace} in this cluster",
                hint="make it, or name another by --namespace",
            ) from error
        except Forbidden as error:
            raise Refused(
                str(error),
                hint=f"your login needs the right to make pods and secrets in {self.namespace}",
            ) from error
        metadata = pod["metadata"]
        owner = {"apiVersion": "v1", "kind": "Pod", "name": order.name, "uid": metadata["uid"]}
        body = {"metadata": {"ownerReferences": [owner]}}
        await self._api.call("PATCH", f"{self.path}/secrets/{order.name}", body)

    async def remove(self, order: Order) -> None:
        """Remove both. Nobody waits for the node: what it is told, it does when it can."""
        await self._remove("pods", order.name)
        await self._remove("secrets", order.name)

    async def _remove(self, kind: str, name: str) -> None:
        with suppress(NotFound):
            body = {"gracePeriodSeconds": CLEARING if kind == "pods" else 0}
            await self._api.call("DELETE", f"{self.path}/{kind}/{name}", body)

    async def left_behind(self, now: datetime) -> list[str]:
        """Name the pods of runs that have ended without being removed, and Secrets without one.

        A run ends by itself some minutes after nobody asks for it any more.
        """
        pods = {each["metadata"]["name"]: each for each in await self._list("pods")}
        ended = [name for name, pod in pods.items() if _is_over(pod)]
        secrets = await self._list("secrets", METADATA.format(kind="PartialObjectMetadataList"))
        lonely = [
            each["metadata"]["name"]
            for each in secrets
            if each["metadata"]["name"] not in pods
            and now - datetime.fromisoformat(each["metadata"]["creationTimestamp"]) > HALF_MADE
        ]
        return [*(f"pods/{name}" for name in ended), *(f"secrets/{name}" for name in lonely)]

    async def _list(self, kind: str, accept: str = "application/json") -> list[dict[str, Any]]:
        by, headers = {"labelSelector": names.PERSONAL_SELECTOR}, {"Accept": accept}
        said = await self._api.call("GET", f"{self.path}/{kind}", None, by, headers)
        return list(said.get("items") or ())

    async def sweep(self, now: datetime) -> list[str]:
        """Remove what was left behind, and name it; a login that may not look leaves it."""
        try:
            left = await self.left_behind(now)
        except (Forbidden, NotFound):
            return []
        for each in left:
            kind, _, name = each.partition("/")
            with suppress(SteersmanError):
                await self._remove(kind, name)
        return left


def _is_over(pod: dict[str, Any]) -> bool:
    leaving = pod["metadata"].get("deletionTimestamp")
    return not leaving and verdicts.look(pod).state is State.ENDED


def utc() -> datetime:
    """Return the time as the cluster writes it."""
    return datetime.now(UTC)
