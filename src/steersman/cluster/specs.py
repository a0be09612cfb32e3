"""What a runner is made with, and the file in which its own process finds that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})
SPEC = "spec.json"


class RunnerSpec(NamedTuple):
    """What a runner is made with. *settings* are those of its pool, for cluster and runner.

    *wanted* is what its pod is to hold (`wire.PodWanted`), where runners are pods.
    """

    attempt: str
    token: str
    server_url: str
    pool: str
    settings: Mapping[str, Any] = NO_SETTINGS
    wanted: Mapping[str, Any] | None = None


def read_spec(folder: Path) -> RunnerSpec:
    """Return the spec a runner was made with."""
    return RunnerSpec(**json.loads((folder / SPEC).read_text()))
