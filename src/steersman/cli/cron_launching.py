"""Who launches what a configuration says, and where the ledger of that is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from steersman.cli import cron_flags, cron_parts
from steersman.cluster.kubernetes.api import Api
from steersman.core.errors import UserError
from steersman.cron.entries import Entries
from steersman.cron.kubernetes.launcher import KubernetesLauncher
from steersman.cron.launchers.base import Launcher, What
from steersman.cron.launchers.several import Several
from steersman.cron.processes.launcher import ProcessLauncher
from steersman.cron.times import Times

Whats = frozenset[What]
RUNS = ".runs"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def whats(entries: Entries) -> Whats:
    """Return what is launched; a configuration without schedules may come to have Jobs."""
    return frozenset(entry.work.what for entry in entries.values()) or frozenset({What.JOB})


def ledger_url(asked: str | None, name: str, kinds: Whats) -> str:
    """Return where the ledger is: as asked, or by what is launched."""
    if asked:
        return asked
    return f"sqlite:///{_own(name)}" if What.COMMAND in kinds else cron_flags.LEDGER


def ledger_of(values: dict[str, Any]) -> str:
    """Return where the ledger is for a command that only looks or asks."""
    kinds: Whats = frozenset()
    if not values["ledger"] and values["config"] is not None:
        source = cron_parts.source(values["config"], values["timezone"])
        kinds = whats(source.read(source.text(), lint=False).entries or {})
    return ledger_url(values["ledger"], values["name"], kinds)


def _own(name: str) -> Path:
    """Return the file of a ledger that nobody has named."""
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} cannot be the name of a ledger's file", hint="see --name")
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "steersman" / "cron" / f"{name}.db"


def folder(ledger: str) -> Path:
    """Return the folder of the runs of commands: beside a ledger that is a file."""
    from steersman.store import engines

    what = "commands run on this machine, and so must their ledger be"
    hint = "--ledger sqlite:///FILE, or leave it out"
    if not ledger.startswith("sqlite"):
        raise UserError(f"{what}, and not {ledger.partition(':')[0]}", hint=hint)
    file = engines.parsed(ledger).database
    if not file or file == ":memory:":
        raise UserError(f"{what}, in a file", hint=hint)
    return Path(f"{file}{RUNS}").absolute()


def launcher(kinds: Whats, api: Api | None, clocks: Times, about: tuple[str, str, str]) -> Launcher:
    """Return what launches *kinds*; *about* is the namespace, the cron's name and its ledger."""
    namespace, name, ledger = about
    found: dict[What, Launcher] = {}
    if What.JOB in kinds and api is not None:
        follow = cron_parts.follow(api)
        found[What.JOB] = KubernetesLauncher(api, follow, namespace, name, clocks.now)
    if What.COMMAND in kinds:
        found[What.COMMAND] = ProcessLauncher(folder(ledger), dict(os.environ), clocks.now)
    return next(iter(found.values())) if len(found) == 1 else Several(found)


def lacking(kinds: Whats, entries: Entries) -> str | None:
    """Say what a new configuration launches that was not there at the start."""
    more: Iterable[What] = sorted(whats(entries) - kinds) if entries else ()
    return next((f"it has a {each}, and at the start there was none" for each in more), None)
