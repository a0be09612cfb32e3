"""The flags that name a cluster, against an API server at a real port with a certificate."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from steersman.cli import cron_parts
from steersman.cli.cron_flags import ClusterFlags
from steersman.core.errors import Unavailable
from tests.worker.answering import certified, serving


def _answer(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json={"who": request.headers.get("authorization", "")})


def _asked(folder: Path, flags: ClusterFlags) -> str:
    """Ask as *flags* say, and return who was seen to ask; `ca` in *folder* signed the server's."""

    async def whole() -> str:
        async with serving(_answer, certified(folder)) as port:
            api = cron_parts.connect(flags._replace(endpoint=f"https://localhost:{port}"))
            try:
                return str((await api.call("GET", "/api"))["who"])
            finally:
                await api.close()

    return asyncio.run(whole())


def test_a_ca_alone_is_enough_to_believe_a_server(tmp_path: Path) -> None:
    flags = ClusterFlags(ca_file=tmp_path / "ca", token="t0ken")
    assert _asked(tmp_path, flags) == "Bearer t0ken"


def test_a_server_nobody_vouches_for_is_believed_only_when_told_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED") as told:
        _asked(tmp_path, ClusterFlags())
    assert "--kube-ca-file" in (told.value.hint or "")
    assert _asked(tmp_path, ClusterFlags(insecure=True)) == ""
