"""Projects that are the archive at an address: `steer build https://example.org/app.tar.gz`."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from steersman import step_archives
from steersman.cli.working_dir import WorkingDir
from steersman.core import remotes
from steersman.trees import Limits

LIMITS = Limits(size=5000 * step_archives.MIB)
_ENDINGS = (".tar.gz", ".tgz", ".tar")


def fetch(url: str, working: WorkingDir) -> Path:
    """Fetch a project anew and return its folder, which is called as the application is."""
    home = working.projects / hashlib.sha256(url.encode()).hexdigest()[:16]
    home.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=home))
    try:
        what = f"cannot fetch the project {remotes.shown(url)}"
        step_archives.fetch(what, url, scratch / "files", LIMITS)
        project = home / name(url)
        if project.exists():
            os.rename(project, scratch / "old")
        os.rename(_root(scratch / "files"), project)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return project


def name(url: str) -> str:
    """Return what the project at *url* is called: the end of the address, without its ending."""
    last = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    for ending in _ENDINGS:
        last = last.removesuffix(ending)
    plain = "".join(char if char.isalnum() or char in "-_." else "-" for char in last)
    return plain.strip(".-") or "project"


def _root(folder: Path) -> Path:
    """Return where the project begins: archives of a repository have one folder on top."""
    found = [path for path in folder.iterdir() if path.name != "pax_global_header"]
    if len(found) == 1 and found[0].is_dir() and not found[0].is_symlink():
        return found[0]
    return folder
