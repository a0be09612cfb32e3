"""The containers door where there is no engine: steps run directly on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from steersman.core.errors import UserError


class HostContainers:
    """Runs the shell of each box in a folder of its own below *folder*."""

    name = "host"
    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, folder: Path) -> None:
        self._boxes = LocalBoxes(folder)

    def root_of(self, run_id: str) -> str:
        return str(self._boxes.root(run_id))

    def inner_engine(self, run_id: str) -> tuple[tuple[Mount, ...], Mapping[str, str]]:
        return (), {}

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
        tell(f"the box image {name} is ignored: steps run on this machine")
        return Image(name=name)

    async def start_service(self, spec: ServiceSpec) -> Service:
        raise _no_services(spec.alias)

    async def wait_ready(self, service: Service, seconds: float) -> None:
        raise _no_services(service.alias)

    async def service_log(self, service: Service, lines: int = 40) -> str:
        raise _no_services(service.alias)

    async def create_box(self, spec: BoxSpec) -> LocalBox:
        return self._boxes.create(spec)

    async def remove(self, run_id: str) -> None:
        await self._boxes.remove(run_id)

    async def leftovers(self) -> Sequence[Leftover]:
        return self._boxes.leftovers()

    async def close(self) -> None:
        return None


def _no_services(alias: str) -> UserError:
    return UserError(
        f"service {alias} is not possible on the host",
        hint="start a container engine (Docker or Podman), or set DOCKER_HOST",
    )
