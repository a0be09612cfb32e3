"""A containers door for tests without an engine: real shells, scripted images and services."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from steersman.containers.base import (
    BoxSpec,
    Capability,
    Image,
    Leftover,
    Login,
    Mount,
    PullPolicy,
    Service,
    ServiceSpec,
)
from steersman.containers.local import LocalBox, LocalBoxes
from steersman.core.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeImage:
    """How an image behaves: *present* or only *pullable*; as a service ready, or ending."""

    present: bool = True
    pullable: bool = True
    ports: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    ready: bool = True
    exit_code: int | None = None
    log: str = ""


class FakeContainers:
    """Without *images* any image is there, and the door can do no more than the host."""

    name = "fake"

    def __init__(self, folder: Path, images: Mapping[str, FakeImage] | None = None) -> None:
        self._boxes = LocalBoxes(folder)
        self._images = images
        self._pulled: set[str] = set()
        self._services: dict[str, tuple[ServiceSpec, FakeImage]] = {}
        can = {Capability.IMAGES, Capability.SERVICES} if images is not None else set()
        self.capabilities: frozenset[Capability] = frozenset(can)

    def root_of(self, run_id: str) -> str:
        return str(self._boxes.root(run_id))

    def inner_engine(self, run_id: str) -> tuple[tuple[Mount, ...], Mapping[str, str]]:
        return (), {}

    async def require(self) -> None:
        return None

    def _image(self, name: str) -> FakeImage:
        if self._images is None:
            return FakeImage()
        return self._images.get(name, FakeImage(present=False, pullable=False))

    async def image(
        self,
        name: str,
        *,
        pull: PullPolicy,
        login: Login | None = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> Image:
        image = self._image(name)
        present = image.present or name in self._pulled
        if pull is PullPolicy.NEVER and not present:
            raise Refused(f"image {name} is not present and the pull policy is never")
        if pull is PullPolicy.ALWAYS or not present:
            if not image.pullable:
                raise Refused(f"image {name} cannot be had: not found")
            tell(f"pulling image {name}")
            self._pulled.add(name)
        return Image(name=name, ports=image.ports, env=dict(image.env))

    async def start_service(self, spec: ServiceSpec) -> Service:
        container = f"{spec.run_id}-{spec.alias}"
        self._services[container] = (spec, self._image(spec.image.name))
        ports = {*spec.image.ports, *(f"{one.container_port}/{one.protocol}" for one in spec.ports)}
        return Service(
            alias=spec.alias,
            container=container,
            address="127.0.0.1",
            ports=tuple(sorted(ports)),
            env={**spec.image.env, **spec.env},
        )

    async def wait_ready(self, service: Service, seconds: float) -> None:
        _, image = self._services[service.container]
        if image.exit_code is not None:
            raise Refused(
                f"service {service.alias} ended with exit code {image.exit_code}; "
                f"the end of its log:\n{image.log}"
            )
        if not image.ready:
            raise Refused(
                f"service {service.alias} did not answer within {seconds:g} seconds; "
                f"the end of its log:\n{image.log}"
            )

    async def service_log(self, service: Service, lines: int = 40) -> str:
        _, image = self._services[service.container]
        return "".join(image.log.splitlines(keepends=True)[-lines:])

    async def create_box(self, spec: BoxSpec) -> LocalBox:
        return self._boxes.create(spec)

    async def remove(self, run_id: str) -> None:
        for container, (spec, _) in list(self._services.items()):
            if spec.run_id == run_id:
                del self._services[container]
        await self._boxes.remove(run_id)

    async def leftovers(self) -> Sequence[Leftover]:
        services = [
            Leftover(run_id=spec.run_id, owner="", kind="service", id=container)
            for container, (spec, _) in self._services.items()
        ]
        return [*self._boxes.leftovers(), *services]

    async def close(self) -> None:
        return None
