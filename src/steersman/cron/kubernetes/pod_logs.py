"""How many bytes the logs of a Job's pods have, found out by reading them: no API tells it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from steersman.core.errors import Forbidden, SteersmanError
from steersman.cron.kubernetes.base import Api, Object

SILENCE = 30.0
PODS = 100
"""No Job of a schedule has as many pods that one would notice the rest."""


class PodLogs:
    """Reads logs of pods in one namespace, as far as it is asked to, and keeps nothing of them."""

    def __init__(self, api: Api, pods: str) -> None:
        self._api = api
        self._pods = pods

    async def size(self, job: str, most: int) -> int:
        """Return how many bytes the logs of a Job have together, reading hardly more than *most*.

        What cannot be read, since its container never began or its node is away, counts nothing;
        `Forbidden` when we may read none.
        """
        parameters = {"labelSelector": f"job-name={job}", "limit": str(PODS)}
        said = await self._api.call("GET", self._pods, None, parameters)
        found = 0
        for pod in said.get("items") or ():
            for container in _containers(pod):
                if found >= most:
                    return found
                found += await self._one(pod["metadata"]["name"], container, most - found)
        return found

    async def _one(self, pod: str, container: str, most: int) -> int:
        parameters = {"container": container, "limitBytes": str(most)}
        found = 0
        try:
            path = f"{self._pods}/{quote(pod)}/log"
            async with self._api.stream(path, parameters, SILENCE) as pieces:
                async for piece in pieces:
                    found += len(piece)
        except Forbidden as error:
            hint = "--log-bytes needs the right to get pods/log"
            raise Forbidden(str(error), hint=hint) from error
        except SteersmanError:
            pass
        return found


def _containers(pod: Object) -> Iterator[str]:
    for kind in ("initContainers", "containers"):
        for each in (pod.get("spec") or {}).get(kind) or ():
            yield each["name"]
