"""`steer rekey`, and the lock that keeps two servers from one folder."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from steersman.cli import main
from steersman.cli.server_opening import locked
from steersman.cli.server_parts import Options, build
from steersman.core.errors import UserError
from steersman.server.outgoing import noting
from steersman.store.base import Transaction
from steersman.store.tables import projects, secrets


def test_every_secret_is_sealed_anew_and_opens_as_before(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    parts = build(Options(folder, "http://ci.example"), {})
    ring = parts.keyring
    target = noting.seal_target(ring, "one", {"id": "chat", "kind": "slack"}, "hidden address")

    def fill(tx: Transaction) -> None:
        row = {"id": "one", "name": "one", "created": 0.0, "settings": {"notify": [target]}}
        login = ring.seal("one", "credentials", b"{}")
        tx.execute(insert(projects), {**row, "credentials": login})
        secret = {"id": "s", "project_id": "one", "name": "PW", "changed": 0.0}
        tx.execute(insert(secrets), {**secret, "sealed": ring.seal("one", "PW", b"sesame")})

    asyncio.run(parts.store.write(fill))
    parts.store.close()
    assert main.run(["rekey", "--data", str(folder)]) == 0
    after = build(Options(folder, "http://ci.example"), {})
    secret = asyncio.run(after.store.read(lambda tx: tx.one(select(secrets))))
    project = asyncio.run(after.store.read(lambda tx: tx.one(select(projects))))
    after.store.close()
    assert secret is not None
    assert project is not None
    assert not after.keyring.needs_rotation(secret["sealed"])
    assert after.keyring.open("one", "PW", secret["sealed"]) == b"sesame"
    kept = project["settings"]["notify"][0]
    assert noting.open_target(after.keyring, "one", kept) == "hidden address"
    assert kept["sealed"] != target["sealed"]


def test_a_folder_that_a_server_uses_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(Options(tmp_path, "http://ci.example"), {}).store.close()
    with locked(tmp_path):
        assert main.run(["rekey", "--data", str(tmp_path)]) == 2
        assert "a server already runs on" in capsys.readouterr().err
        with pytest.raises(UserError, match="already runs"), locked(tmp_path):
            raise AssertionError
