"""The box of a run that was left standing: started again for as long as somebody is in it."""

from __future__ import annotations

from steersman.containers.docker import specs, terminal
from steersman.containers.docker.engine import Engine, EngineRefused
from steersman.containers.docker.terminal import DockerTerminal
from steersman.containers.terminals import Size

STOP = "1"


class KeptBox:
    """A container whose session has ended; *ran* says that somebody else is in it already."""

    def __init__(self, engine: Engine, path: str, *, ran: bool) -> None:
        self._engine = engine
        self._path = path
        self._ran = ran

    async def __aenter__(self) -> KeptBox:
        if not self._ran:
            # Its session waits for steps that nobody will send.
            await self._engine.post(f"{self._path}/start")
        return self

    async def __aexit__(self, *error: object) -> None:
        if not self._ran:
            await self._engine.post(f"{self._path}/stop", t=STOP)

    async def terminal(self, prepare: str, size: Size) -> DockerTerminal:
        """Start a shell in it, as `containers.terminals.Shelled` says."""
        return await terminal.start(self._engine, self._path, prepare, size)


async def find(engine: Engine, run_id: str) -> KeptBox | None:
    """Return the box of a run, None where it is gone."""
    path = f"/containers/{specs.name(run_id)}"
    try:
        data = await engine.get(f"{path}/json")
    except EngineRefused as error:
        if error.status == 404:
            return None
        raise
    return KeptBox(engine, path, ran=bool((data.get("State") or {}).get("Running")))
