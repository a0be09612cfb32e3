"""`steer step`, and folders and addresses as registries of steps."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from steersman.cli import step
from steersman.cli.step_registry import StepRegistry, of_flags
from steersman.core.errors import Conflict, Refused, Unavailable, UserError
from steersman.core.pipelines.model import Step, StepKind
from steersman.core.pipelines.step_ids import parse
from steersman.core.problems import Place
from tests.e2e.program import steer

MANIFEST = "name: greet\nversion: {version}\nsummary: greets\n"


class Site(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and counts what is asked for."""

    asked: list[str]
    broken = False

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if type(self).broken:
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *words: Any) -> None:
        """Say nothing."""


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A registry with four versions of ada/greet."""
    place = tmp_path / "registry"
    place.mkdir()
    for version in ("1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1"):
        publish(written(tmp_path / version, version), place)
    return place


@pytest.fixture
def site(registry: Path) -> Iterator[tuple[str, type[Site]]]:
    handler = type("Counting", (Site,), {"asked": []})
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(handler, directory=str(registry))
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()
    thread.join()


def written(folder: Path, version: str, text: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "step.yml").write_text(MANIFEST.format(version=version))
    (folder / "run.sh").write_text(text or f'echo "hello from {version}"\n')
    return folder


def publish(folder: Path, place: Path) -> Result:
    words = ["publish", str(folder), "--owner", "ada", "--to", str(place)]
    return CliRunner().invoke(step.command, words, catch_exceptions=False)


def wanted(text: str) -> Step:
    parts = parse(text)
    return Step(
        id=text, owner=parts.owner, name=parts.name, version=parts.version, url=parts.url,
        place=Place("wercker.yml", 5, 7), kind=StepKind.FETCHED, display_name=parts.name,
        properties={},
    )  # fmt: skip


def found(place: str | Path, text: str, kept: Path, *, refresh: bool = False) -> str:
    asked = StepRegistry(str(place), kept, refresh=refresh, pause=lambda seconds: None)
    folder = asked(wanted(text))
    assert folder is not None
    return (folder / "run.sh").read_text()


def test_a_step_that_was_created_can_be_published(tmp_path: Path) -> None:
    words = ["create", "ada/say-hello", "--folder", str(tmp_path / "s")]
    assert CliRunner().invoke(step.command, words).exit_code == 0
    checked = CliRunner().invoke(step.command, ["check", "--strict", str(tmp_path / "s")])
    assert (checked.exit_code, checked.output) == (0, "say-hello@0.1.0 can be published\n")
    with pytest.raises(UserError, match="not overwritten"):
        CliRunner().invoke(step.command, words, catch_exceptions=False)


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("run.sh", "if true; then\n", "run.sh is no valid shell"),
        ("step.yml", "name: greet\n", "it has no version"),
    ],
)
def test_what_is_wrong_with_a_step_keeps_it_from_being_published(
    tmp_path: Path, file: str, text: str, complaint: str
) -> None:
    (written(tmp_path / "s", "1.0.0") / file).write_text(text)
    checked = CliRunner().invoke(step.command, ["check", str(tmp_path / "s")])
    assert checked.exit_code == 2
    assert complaint in checked.stderr
    with pytest.raises(UserError, match="not published"):
        publish(tmp_path / "s", tmp_path / "registry")
    assert not (tmp_path / "registry").exists()


def test_a_link_out_of_the_step_is_an_error(tmp_path: Path) -> None:
    (written(tmp_path / "s", "1.0.0") / "key").symlink_to("../key")
    checked = CliRunner().invoke(step.command, ["check", str(tmp_path / "s")])
    assert "leads out of the step" in checked.stderr


@pytest.mark.parametrize(
    ("version", "text"),
    [("", "1.10.0"), ("@1.2.0", "1.2.0"), ("@~1.2", "1.2.0"), ("@1.x", "1.10.0"),
     ("@<1.10.0", "1.2.0"), ("@2.0.0-rc.1", "2.0.0-rc.1")],
)  # fmt: skip
def test_versions_and_ranges_are_found_in_a_folder(
    registry: Path, tmp_path: Path, version: str, text: str
) -> None:
    assert f"hello from {text}\n" in found(
        registry, f"ada/greet{version}", tmp_path / "kept"
    ).replace('"', "")


def test_a_version_that_is_not_there_is_named_with_those_that_are(
    registry: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        UserError, match=r"wercker.yml:5:7: .* has no version 3.x of ada/greet"
    ) as no:
        StepRegistry(str(registry), tmp_path)(wanted("ada/greet@3.x"))
    assert "1.10.0" in str(no.value.hint)


def test_a_step_that_is_not_in_the_registry_may_be_elsewhere(
    registry: Path, tmp_path: Path
) -> None:
    assert StepRegistry(str(registry), tmp_path)(wanted("ada/other")) is None


def test_a_version_is_published_once(registry: Path, tmp_path: Path) -> None:
    again = publish(tmp_path / "1.0.0", registry)
    assert again.output == "was published already: ada/greet@1.0.0\n"
    written(tmp_path / "1.0.0", "1.0.0", "echo other\n")
    with pytest.raises(Conflict, match="published already"):
        publish(tmp_path / "1.0.0", registry)


def test_what_was_changed_behind_the_index_is_refused(registry: Path, tmp_path: Path) -> None:
    path = registry / "ada" / "greet" / "1.0.0.tar.gz"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(Refused, match="digest differs"):
        StepRegistry(str(registry), tmp_path / "kept")(wanted("ada/greet@1.0.0"))


def test_an_exact_version_that_is_kept_is_not_asked_for_again(
    site: tuple[str, type[Site]], tmp_path: Path
) -> None:
    address, handler = site
    kept = tmp_path / "kept"
    first = found(address, "ada/greet@1.2.0", kept)
    assert handler.asked == ["/ada/greet/index.json", "/ada/greet/1.2.0.tar.gz"]
    handler.broken = True
    assert found(address, "ada/greet@1.2.0", kept) == first
    with pytest.raises(Unavailable, match="answers with 503"):
        found(address, "ada/greet@1.2.0", kept, refresh=True)
    with pytest.raises(Unavailable):
        found(address, "ada/greet", kept)


def test_a_range_finds_what_was_published_since(
    site: tuple[str, type[Site]], registry: Path, tmp_path: Path
) -> None:
    address, handler = site
    kept = tmp_path / "kept"
    assert "1.10.0" in found(address, "ada/greet@1.x", kept)
    publish(written(tmp_path / "new", "1.11.0"), registry)
    assert "1.11.0" in found(address, "ada/greet@1.x", kept)
    assert handler.asked.count("/ada/greet/1.10.0.tar.gz") == 1


def test_one_content_is_kept_once(registry: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    found(registry, "ada/greet@1.0.0", kept)
    found(str(registry) + "/", "ada/greet@<1.1.0", kept)
    assert len(list(kept.glob("sha256-*"))) == 1


def test_a_registry_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no step registry"):
        of_flags({"step_registry": str(tmp_path / "none")}, tmp_path)
    assert of_flags({"step_registry": None}, tmp_path) is None


def test_an_archive_of_a_step_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = written(tmp_path / name, "1.0.0")
        words = ["publish", str(folder), "--to", str(tmp_path / f"{name}.tar.gz")]
        assert CliRunner().invoke(step.command, words).exit_code == 0
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


@pytest.mark.engine
def test_a_step_of_a_registry_runs_on_an_engine(
    registry: Path, tmp_path: Path, engine: str
) -> None:
    text = "box: busybox\nbuild:\n  steps:\n    - ada/greet@~1.2\n"
    (tmp_path / "wercker.yml").write_text(text)
    words = ("--step-registry", str(registry), "--pull", "never", "--on", "containers")
    ended = steer("build", *words, cwd=tmp_path)
    assert (ended.code, ended.out) == (0, "hello from 1.2.0\n"), ended.err
