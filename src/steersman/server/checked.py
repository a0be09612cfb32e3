"""How strictly the server reads JSON: exactly these keys, exactly typed."""

from __future__ import annotations

from pydantic import ConfigDict

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
