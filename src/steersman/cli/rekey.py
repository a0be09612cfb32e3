"""`steer rekey`: a new key for the secrets at rest, and everything sealed anew with it."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steersman.cli.server_opening import data_folder, locked
from steersman.core.errors import UserError

if TYPE_CHECKING:
    from steersman.keyring import Keyring
    from steersman.store.base import Transaction


@click.command("rekey")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="STEERSMAN_DATA",
    help="the server's folder [default: ~/.local/share/steersman]",
)
@click.option("--database", default="", envvar="STEERSMAN_DATABASE")
def command(data: Path | None, database: str) -> None:
    """Make a new key and seal every secret with it; the server must be stopped meanwhile.

    Older keys stay in the file, so that an older backup can still be read; take them out by hand.
    """
    from steersman import keyring
    from steersman.clock import SystemClock
    from steersman.store.sql import Store

    folder = data_folder(data)
    path = folder / "keys" / "keyring"
    if not path.exists():
        raise UserError(f"there is no {path}", hint="name the server's folder by --data")
    with locked(folder):
        old = path.read_text()
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(keyring.written([keyring.new_key()]) + old)
        fresh.replace(path)
        store = Store(database or f"sqlite:///{folder / 'steersman.db'}", SystemClock())
        try:
            ring = keyring.read(path)
            count = asyncio.run(store.rewrite(lambda tx: _seal_all(tx, ring)))
        finally:
            store.close()
    click.echo(f"sealed {count} secrets anew")


def _seal_all(tx: Transaction, ring: Keyring) -> int:
    """Seal everything with the newest key, in one transaction."""
    from sqlalchemy import select, update

    from steersman.store.tables import projects, secrets

    count = 0
    for row in tx.all(select(secrets)):
        sealed = ring.rotate(row["project_id"], row["name"], row["sealed"])
        tx.execute(update(secrets).where(secrets.c.id == row["id"]).values(sealed=sealed))
        count += 1
    for row in tx.all(select(projects)):
        columns: dict[str, Any] = {}
        if row["credentials"] is not None:
            columns["credentials"] = ring.rotate(row["id"], "credentials", row["credentials"])
            count += 1
        settings = row["settings"] or {}
        for name, target in _sealed_in(settings):
            before = base64.b64decode(target["sealed"])
            target["sealed"] = base64.b64encode(ring.rotate(row["id"], name, before)).decode()
            columns["settings"] = settings
            count += 1
        if columns:
            tx.execute(update(projects).where(projects.c.id == row["id"]).values(**columns))
    return count


def _sealed_in(settings: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what holds a sealed secret, with the name it is sealed under."""
    webhook = settings.get("webhook")
    if isinstance(webhook, dict) and webhook.get("sealed"):
        yield "webhook", webhook
    for target in settings.get("notify") or ():
        if isinstance(target, dict) and target.get("sealed"):
            yield f"notify/{target['id']}", target
