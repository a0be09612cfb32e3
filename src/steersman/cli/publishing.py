"""What `internal/publish-step` does on a laptop: what `steer step publish` does, from the box."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from steersman.cli import step_folders
from steersman.core.errors import UserError
from steersman.core.problems import Severity
from steersman.executor.job import StepToPublish

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_CLOSED = "wercker.com"


async def publish(wanted: StepToPublish) -> str:
    """Publish on a server or in a folder; on that of `steer login` where none is named."""
    return await asyncio.to_thread(_publish, wanted)


def _publish(wanted: StepToPublish) -> str:
    if _OWNER.fullmatch(wanted.owner) is None:
        raise UserError(f"owner: {wanted.owner!r} is no name of an owner")
    looked = step_folders.look(wanted.folder)
    wrong = [one.message for one in looked.remarks if one.severity is Severity.ERROR]
    if wrong:
        raise UserError(f"the step is not published: {'; '.join(wrong)}")
    is_new = _send(wanted, looked)
    identity = f"{wanted.owner}/{looked.name}@{looked.version}"
    return f"{'published' if is_new else 'was published already:'} {identity}"


def _send(wanted: StepToPublish, looked: step_folders.Looked) -> bool:
    endpoint = wanted.endpoint
    if endpoint and not endpoint.startswith(("http://", "https://")):
        from steersman.cli import step_registry

        folder = Path(endpoint.removeprefix("file://"))
        if not folder.is_dir():
            raise UserError(
                f"endpoint: there is no folder {folder}",
                hint="name a folder of this machine, or the http(s) address of a server",
            )
        data = step_folders.packed(wanted.folder)
        return step_registry.publish(folder, wanted.owner, looked, data)
    if _CLOSED in endpoint:
        raise UserError(
            f"endpoint: {endpoint} was Wercker's, and is closed",
            hint="name your own server, or leave `endpoint` out for that of `steer login`",
        )
    from steersman.cli.remote import connection, servers, steps

    server = endpoint or os.environ.get("STEERSMAN_SERVER")
    token = wanted.token or os.environ.get("STEERSMAN_TOKEN")
    asked = connection.Asked(servers.Wanted(server, token, None))
    return steps.publish(asked, wanted.folder, wanted.owner, looked)
