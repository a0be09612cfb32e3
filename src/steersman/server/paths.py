"""Parts of addresses, checked before any row is looked for: no database takes every text."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

Identity = Annotated[str, Path(pattern="^[0-7][0-9a-v]{25}$")]
ProjectName = Annotated[str, Path(pattern="^[^\\x00]{1,200}$")]
RunName = Annotated[str, Path(pattern="^[^\\x00]{1,200}$", description="an id or PROJECT/NUMBER")]
StepPart = Annotated[str, Path(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
Wanted = Annotated[str, Path(pattern="^[^\\x00]{1,100}$", description="a version, or a range")]
