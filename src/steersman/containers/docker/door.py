"""The containers door over the Engine API."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from steersman.containers import owners
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
from steersman.containers.docker import address, pulls, readiness, specs
from steersman.containers.docker.box import DockerBox
from steersman.containers.docker.engine import Engine, EngineRefused
from steersman.containers.docker.frames import Frames
from steersman.core import leftovers
from steersman.core.errors import Refused
from steersman.sessions import script

if TYPE_CHECKING:
    from steersman.containers.docker.images import DockerImages

if TYPE_CHECKING:
    from steersman.containers.docker.kept import KeptBox

REMOVE_DEADLINE = 60.0


class DockerContainers:
    """Boxes and services as containers of Docker or Podman."""

    name = "docker"
    capabilities = frozenset(Capability)

    def __init__(
        self,
        engine: Engine,
        *,
        config: Callable[[], Mapping[str, Any]] = dict,
        keeps: bool = False,
    ) -> None:
        self._engine = engine
        self._config = config
        self._keeps = keeps
        self._networks: dict[str, asyncio.Task[None]] = {}
        self._creating: set[asyncio.Future[Any]] = set()
        self._made: dict[str, list[str]] = {}
        self._built: dict[str, list[str]] = {}

    @classmethod
    def from_environment(
        cls,
        *,
        host: str | None = None,
        tls_verify: bool | None = None,
        cert_path: str | None = None,
        environ: Mapping[str, str] | None = None,
        keeps: bool = False,
    ) -> DockerContainers:
        """Find the engine as the docker command does; an argument wins over the environment.

        *keeps*: what is made is to stay when its maker is gone.
        """
        environ = os.environ if environ is None else environ
        where = address.find(environ, host=host, tls_verify=tls_verify, cert_path=cert_path)
        return cls(Engine(where), config=lambda: address.config(environ), keeps=keeps)

    def _owner(self) -> str:
        return leftovers.KEPT if self._keeps else str(owners.current())

    async def kept_box(self, run_id: str) -> KeptBox | None:
        """Return the box of a run that was left standing, None where it is gone."""
        from steersman.containers.docker import kept

        return await kept.find(self._engine, run_id)

    def root_of(self, run_id: str) -> str:
        return ""

    def inner_engine(self, run_id: str) -> tuple[tuple[Mount, ...], Mapping[str, str]]:
        where = self._engine.address
        network = specs.name(run_id) if run_id in self._networks else "bridge"
        env = {"DOCKER_HOST": where.text, "DOCKER_NETWORK_NAME": network}
        if where.path is None:
            return (), env
        return (Mount(source=where.path, target=where.path),), env

    async def require(self) -> None:
        await self._engine.negotiate()

    async def image(
        self,
        name: str,
        *,
        pull: PullPolicy,
        login: Login | None = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> Image:
        found = None if pull is PullPolicy.ALWAYS else await self._inspect(name)
        if found is None and pull is PullPolicy.NEVER:
            raise Refused(
                f"image {name} is not present and the pull policy is never",
                hint=f"`docker pull {name}`, or another pull policy (--pull missing)",
            )
        if found is None:
            await pulls.pull(self._engine, name, login, self._config, tell)
            found = await self._inspect(name)
        if found is None:
            raise Refused(f"image {name} was pulled, but is not there")
        return specs.image(name, found)

    async def _inspect(self, name: str) -> specs.Json | None:
        try:
            data: specs.Json = await self._engine.get(f"/images/{name}/json")
        except EngineRefused as error:
            if error.status == 404:
                return None
            raise
        return data

    async def start_service(self, spec: ServiceSpec) -> Service:
        if spec.network is None:
            await self._ensure_network(spec.run_id)
        body = specs.service(spec, self._owner())
        container = await self._create(spec.run_id, specs.name(spec.run_id, spec.alias), body)
        try:
            await self._engine.post(f"/containers/{container}/start")
        except EngineRefused as error:
            raise Refused(f"service {spec.alias} cannot be started: {error}") from error
        data = await self._engine.get(f"/containers/{container}/json")
        config = data.get("Config") or {}
        return Service(
            alias=spec.alias,
            container=container,
            address=specs.address(data),
            ports=tuple(sorted(config.get("ExposedPorts") or {})),
            env=specs.env(config.get("Env")),
        )

    async def wait_ready(self, service: Service, seconds: float) -> None:
        try:
            await readiness.wait(self._engine, service, seconds)
        except readiness.NotReady as why:
            raise readiness.refused(service, why, await self.service_log(service)) from why

    async def service_log(self, service: Service, lines: int = 40) -> str:
        path = f"/containers/{service.container}/logs"
        query = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        try:
            answer = await self._engine.request("GET", path, query)
        except EngineRefused:
            return ""
        return Frames().feed(answer.body).decode(errors="replace")

    async def create_box(self, spec: BoxSpec) -> DockerBox:
        # The network of a box without labels says whose it is.
        if (spec.networked and spec.network is None) or spec.kept:
            await self._ensure_network(spec.run_id)
        token = f"steersman-{os.urandom(16).hex()}"
        command = script.command(spec.shell, token=token)
        body = specs.box(spec, command, self._owner())
        container = await self._create(spec.run_id, specs.name(spec.run_id), body)
        return DockerBox(self._engine, spec, container, token)

    async def _create(self, run_id: str, name: str, body: specs.Json) -> str:
        try:
            made = await self._unbroken(self._engine.post("/containers/create", body, name=name))
        except EngineRefused as error:
            raise Refused(f"container {name} cannot be created: {error}") from error
        container = str(made["Id"])
        self._made.setdefault(run_id, []).append(container)
        return container

    async def _ensure_network(self, run_id: str) -> None:
        if run_id not in self._networks:
            self._networks[run_id] = asyncio.ensure_future(self._create_network(run_id))
        await asyncio.shield(self._networks[run_id])

    async def _create_network(self, run_id: str) -> None:
        body = specs.network(run_id, self._owner())
        try:
            await self._unbroken(self._engine.post("/networks/create", body))
        except EngineRefused as error:
            if error.status != 409:
                raise Refused(f"network {specs.name(run_id)} cannot be created: {error}") from error

    async def _unbroken(self, creating: Awaitable[Any]) -> Any:
        """Let a creation come to its end even if cancelled: half of one could not be removed."""
        task = asyncio.ensure_future(creating)
        self._creating.add(task)
        task.add_done_callback(self._creating.discard)
        return await asyncio.shield(task)

    async def remove(self, run_id: str) -> None:
        await asyncio.gather(*self._creating, return_exceptions=True)
        self._networks.pop(run_id, None)
        # What we know of goes at once, while the engine is asked what else there is.
        made = self._made.pop(run_id, [])
        asking = asyncio.ensure_future(self._labelled(f"{specs.RUN}={run_id}"))
        await asyncio.gather(asking, *map(self._remove_container, made))
        containers, networks = asking.result()
        others = {item["Id"] for item in containers}.difference(made)
        if networks and not made:
            others.add(specs.name(run_id))  # a box that was to become an image has no labels
        await asyncio.gather(*map(self._remove_container, others))
        await asyncio.gather(*(self._remove_network(item) for item in networks))
        for image in self._built.pop(run_id, ()):
            with suppress(EngineRefused):
                await self._engine.delete(f"/images/{image}")

    async def _labelled(self, label: str) -> tuple[list[specs.Json], list[specs.Json]]:
        filters = json.dumps({"label": [label]})
        containers, networks = await asyncio.gather(
            self._engine.get("/containers/json", all="1", filters=filters),
            self._engine.get("/networks", filters=filters),
        )
        return containers, networks

    async def _remove_container(self, container: str) -> None:
        path = f"/containers/{container}"
        try:
            await self._engine.request(
                "DELETE", path, {"force": "1", "v": "1"}, deadline=REMOVE_DEADLINE
            )
        except EngineRefused as error:
            if error.status == 404:
                return
            if error.status != 409:
                raise Refused(f"container {container[:12]} cannot be removed: {error}") from error
            await self._until_gone(path)

    async def _until_gone(self, path: str) -> None:
        """Wait for a removal that somebody else began."""
        for _ in range(100):
            try:
                await self._engine.get(f"{path}/json")
            except EngineRefused as error:
                if error.status == 404:
                    return
                raise
            await asyncio.sleep(0.1)
        raise Refused(f"{path} is being removed, but does not go away")

    async def _remove_network(self, network: specs.Json) -> None:
        path = f"/networks/{network.get('Id') or network['Name']}"
        try:
            await self._engine.delete(path)
        except EngineRefused as error:
            if error.status == 404:
                return
            await self._disconnect_all(path)
            with suppress(EngineRefused):
                await self._engine.delete(path)

    async def _disconnect_all(self, path: str) -> None:
        """Free a network from containers that are not of the run."""
        for container in (await self._engine.get(path)).get("Containers") or {}:
            with suppress(EngineRefused):
                await self._engine.post(
                    f"{path}/disconnect", {"Container": container, "Force": True}
                )

    def images(self, run_id: str) -> DockerImages:
        from steersman.containers.docker.images import DockerImages

        built = self._built.setdefault(run_id, [])
        return DockerImages(self._engine, self._config, run_id, built)

    async def leftovers(self) -> Sequence[Leftover]:
        containers, networks = await self._labelled(specs.RUN)
        return [specs.leftover(item) for item in (*containers, *networks)]

    async def close(self) -> None:
        await asyncio.gather(*self._creating, return_exceptions=True)
        await self._engine.close()
