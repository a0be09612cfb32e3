"""Projects that are the archive at an address."""

from __future__ import annotations

import http.server
import io
import tarfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.program import steer

FILE = """\
box: busybox
build:
  steps:
    - script: {code: 'cat text; echo $WERCKER_APPLICATION_NAME'}
"""


def archive(files: Mapping[str, str], link: str = "") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as made:
        if link:
            member = tarfile.TarInfo("app-1/outside")
            member.type, member.linkname = tarfile.SYMTYPE, link
            made.addfile(member)
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            made.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Serve the folder `site` and return its address."""
    (tmp_path / "site").mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(tmp_path / "site"))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            return None

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_an_archive_is_fetched_anew_and_named_after_its_address(tmp_path: Path, site: str) -> None:
    target = tmp_path / "site" / "shop.tar.gz"
    for text in ("one", "two"):
        target.write_bytes(archive({"app-1/wercker.yml": FILE, "app-1/text": f"{text}\n"}))
        ended = steer("build", f"{site}/shop.tar.gz", "--on", "host", cwd=tmp_path)
        assert (ended.code, ended.out) == (0, f"{text}\nshop\n"), ended.err


def test_a_hostile_archive_writes_nothing_outside(tmp_path: Path, site: str) -> None:
    members = {
        "app-1/wercker.yml": FILE,
        "app-1/text": "in\n",
        "../../../../evil": "out",
        "app-1/outside/evil": "out",
    }
    (tmp_path / "site" / "shop.tar.gz").write_bytes(archive(members, link=str(tmp_path)))
    ended = steer("build", f"{site}/shop.tar.gz", "--on", "host", cwd=tmp_path)
    assert (ended.code, ended.out) == (0, "in\nshop\n"), ended.err
    assert not (tmp_path / "evil").exists()
    for path in tmp_path.rglob("evil"):
        assert ".wercker" in path.relative_to(tmp_path).parts


@pytest.mark.parametrize(
    ("name", "said"), [("nowhere.tgz", "it was not found (404)"), ("text.tgz", "tar archive")]
)
def test_what_cannot_be_fetched_is_said(tmp_path: Path, site: str, name: str, said: str) -> None:
    (tmp_path / "site" / "text.tgz").write_text("no archive" * 100)
    ended = steer("build", f"{site}/{name}", "--on", "host", cwd=tmp_path)
    assert (ended.code, said in ended.err) == (2, True), ended.err
