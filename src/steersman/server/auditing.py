"""Who changed what: written in the transaction that changes it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from steersman.store.base import Transaction
from steersman.store.tables import audit


def note(
    tx: Transaction, author: str, action: str, subject: str, detail: Any = None, address: str = ""
) -> None:
    """Note that *author* did *action* to *subject*."""
    row = {"at": tx.now, "author": author, "action": action, "subject": subject}
    tx.execute(insert(audit), {**row, "detail": detail, "address": address})
