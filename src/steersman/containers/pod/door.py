"""The containers door inside a pod, where the cluster has started everything, or will."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from steersman.containers.base import (
    BoxSpec,
    Capability,
    Image,
    Leftover,
    Login,
    Lost,
    Mount,
    PullPolicy,
    Service,
    ServiceSpec,
)
from steersman.containers.pod import waiting
from steersman.containers.pod.box import PodBox, Volumes
from steersman.containers.pod.notes import Note, Notes
from steersman.containers.pod.waiting import Limits
from steersman.core.errors import Refused
from steersman.core.steps import minutes_words

HERE = "127.0.0.1"
ENGINE = "unix:///var/run/docker.sock"
"""Where the pod of a pool that allows it has the socket of its node's engine."""
LIMITS = Limits()
VOLUMES = Volumes()
_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


class PodContainers:
    """The other containers of our pod.

    *ports* are those of each service by its name, as the cluster was told; *docker*: the pool lets
    a box have an engine.
    """

    name = "Kubernetes"

    def __init__(
        self,
        notes: Notes,
        *,
        volumes: Volumes = VOLUMES,
        ports: Mapping[str, Sequence[str]] | None = None,
        docker: bool = False,
        limits: Limits = LIMITS,
    ) -> None:
        self.notes = notes
        self._volumes = volumes
        self._ports = ports or {}
        self._limits = limits
        self._box: PodBox | None = None
        can = {Capability.IMAGES, Capability.SERVICES}
        self.capabilities = frozenset(can | ({Capability.PRIVILEGED} if docker else set()))

    def root_of(self, run_id: str) -> str:
        return ""

    def inner_engine(self, run_id: str) -> tuple[tuple[Mount, ...], Mapping[str, str]]:
        # It is mounted already. Its networks are of no use: the pod is in none of them.
        docker = Capability.PRIVILEGED in self.capabilities
        return (), {"DOCKER_HOST": ENGINE} if docker else {}

    async def require(self) -> None:
        return None

    async def image(
        self,
        name: str,
        *,
        pull: PullPolicy,
        login: Login | None = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> Image:
        return Image(name=name)

    async def start_service(self, spec: ServiceSpec) -> Service:
        named = {f"{one.container_port}/{one.protocol}" for one in spec.ports}
        ports = self._ports.get(spec.alias) or named
        return Service(
            alias=spec.alias,
            container=spec.alias,
            address=HERE,
            ports=tuple(sorted(ports)),
            env=dict(spec.env),
        )

    async def wait_ready(self, service: Service, seconds: float) -> None:
        """Wait until each port of it accepts; its image may have to be pulled first."""
        ports = [int(text.partition("/")[0]) for text in service.ports if text.endswith("/tcp")]
        loop = asyncio.get_running_loop()
        began, pulling, pause = loop.time(), False, _PAUSE
        while not await _accepts(ports):
            if note := self.notes.ended(service.alias):
                raise waiting.without(note)
            if pulling != self.notes.is_pulling(service.alias):
                began, pulling = loop.time(), not pulling
            if loop.time() > began + (self._limits.pulling if pulling else seconds):
                raise _silent(service, ports, seconds)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def service_log(self, service: Service, lines: int = 40) -> str:
        note = self.notes.ended(service.alias)
        return "" if note is None else "\n".join(note.text.splitlines()[-lines:])

    async def create_box(self, spec: BoxSpec) -> PodBox:
        self._box = PodBox(spec, self._volumes, self.notes, self._limits)
        return self._box

    async def lost(self) -> Lost | None:
        """Say why the box is gone, once the worker has seen it."""
        note: Note | None = await self.notes.naming_the_end(self._limits.explaining)
        return None if note is None else Lost(note.text, note.reason)

    async def remove(self, run_id: str) -> None:
        """End what runs in the box; the pod itself is the worker's to remove."""
        if self._box is not None:
            await self._box.end()

    async def leftovers(self) -> Sequence[Leftover]:
        return ()

    async def close(self) -> None:
        await self.remove("")


async def _accepts(ports: Sequence[int]) -> bool:
    for port in ports:
        try:
            async with asyncio.timeout(1.0):
                _, writer = await asyncio.open_connection(HERE, port)
        except OSError:  # a TimeoutError is one too
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return True


def _silent(service: Service, ports: Sequence[int], seconds: float) -> Refused:
    which = ", ".join(map(str, ports))
    return Refused(
        f"service {service.alias} did not answer on port {which} within {minutes_words(seconds)}",
        hint="its `ports:` name others than it opens, or it needs longer to start",
    )
