"""What the pod of an attempt is to hold, for workers that make pods; what they quote of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from sqlalchemy import select

from steersman import wire
from steersman.core import filled_boxes, pods, retries, variables
from steersman.core.errors import SteersmanError
from steersman.core.filled_boxes import Values
from steersman.core.masking import Masker
from steersman.core.pipelines.model import Config
from steersman.server import delivering
from steersman.server.platform import Platform
from steersman.store import attempts as attempt_rows
from steersman.store.base import Row, Transaction
from steersman.store.tables import attempts

UNREADABLE = "(not shown: what is secret of it cannot be told, since the keyring does not open it)"


async def wanted(parts: Platform, attempt: str) -> wire.PodWanted:
    """Return what the pod of *attempt* is to hold; `UserError` where no pod can be that."""

    def load(tx: Transaction) -> tuple[delivering.Context, list[Row], list[Row]]:
        found = delivering.load(tx, attempt)
        mine = (attempts.c.run_id == found.run["id"], attempts.c.job == found.job["name"])
        tries = tx.all(select(attempts).where(*mine).order_by(attempts.c.number))
        return found, delivering.secrets(tx, found), tries

    found, secrets, tries = await parts.store.read(load)
    config = delivering.parsed(found.file, found.run["file"])
    given = _given(parts, found, config, secrets)
    about = pods.About(
        attempt,
        limit=found.attempt["limit"],
        avoid=retries.suspects([attempt_rows.attempt(each) for each in tries]),
        labels=_labels(found),
    )
    pod = pods.wanted(config.pipelines[found.job["pipeline"]], given, about)
    return cast(wire.PodWanted, pods.plain(pod))


def mask(tx: Transaction, parts: Platform, attempt: str) -> Callable[[str], str]:
    """Return what keeps the secrets of *attempt* out of a text that may quote its containers."""
    found = delivering.load(tx, attempt)
    try:
        config = delivering.parsed(found.file, found.run["file"])
        given = _given(parts, found, config, delivering.secrets(tx, found))
    except SteersmanError:
        return lambda text: UNREADABLE if text else text
    passwords = filled_boxes.passwords(config.pipelines[found.job["pipeline"]], given)
    secret = (*given.hidden.values(), *passwords)
    # Workers quote without control characters, which a secret may hold.
    return Masker({*secret, *map(_printable, secret)}).text


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable() or char == "\n")


def _given(parts: Platform, found: delivering.Context, config: Config, sealed: list[Row]) -> Values:
    hidden = delivering.hidden(parts, found, sealed)
    return filled_boxes.values(_public(parts, found, config), hidden)


def _public(parts: Platform, found: delivering.Context, config: Config) -> list[variables.Variable]:
    """Return the variables that the runner will have, as it will make them."""
    name = found.job["pipeline"]
    facts = variables.facts(
        delivering.facts(parts, found, config),
        run_id=found.run["id"],
        pipeline=name,
        base_path=config.pipelines[name].base_path,
    )
    given = (found.run["cause"] or {}).get("variables") or {}
    own = (variables.Variable(name, str(value)) for name, value in given.items())
    return [*variables.of_run(facts), *own]


def _labels(found: delivering.Context) -> dict[str, str]:
    return {
        "project": found.project["name"],
        "run": str(found.run["number"]),
        "job": found.job["name"],
        "pipeline": found.job["pipeline"],
        "attempt": str(found.attempt["number"]),
    }
