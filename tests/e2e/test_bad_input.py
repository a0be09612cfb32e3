"""What a user gets wrong is said with what to do, and exits with 2; nothing is left half done."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.e2e.program import STEER, Ended, environment, project, steer, with_own_step

QUICK = "box: busybox\nbuild:\n  steps:\n    - script: {name: hi, code: echo hi}\n"
MY_STEP = "box: busybox\nbuild:\n  steps:\n    - my/step: {colour: red}\n"


def says(ended: Ended, *words: str, code: int = 2) -> None:
    """Check that it ended in words, with this exit code, and without a traceback."""
    assert ended.code == code, ended
    assert "Traceback" not in ended.err
    for word in words:
        assert word in ended.err, ended.err
    assert "hi" not in ended.out


def test_no_file_names_the_files_looked_for(tmp_path: Path) -> None:
    says(steer("build", cwd=tmp_path), "steersman.yml", "wercker.yml", "hint:")


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "null\n", "- a\n- list\n", "scalar\n", "\xe9\n"]
)
def test_a_file_that_is_no_map_is_refused(tmp_path: Path, text: str) -> None:
    says(steer("build", cwd=project(tmp_path / "p", text)), "wercker.yml:", "hint:")


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("box: busybox\nbuild:\n\tsteps: []\n", "3:1", "a tab stands where"),
        ("box: a\nbox: b\nbuild: {steps: []}\n", "2:1", "'box' occurs twice"),
        ("box: busybox\nbuild:\n", "2:1", "pipeline 'build' is empty"),
        ("box: busybox\nbuild:\n  steps:\n    -\n", "4:6", "this step is empty"),
        ("box: busybox\nbuild:\n  steps:\n    - script:\n", "4:7", "script has no code"),
        ("build:\n  steps:\n    - script: {code: a}\n", "1:1", "has no box"),
        (QUICK.replace("box: busybox", "box: {id: }"), "1:", "error:"),
        (QUICK.replace("{name", "{na me: 1, name"), "4:", "error:"),
        (QUICK.replace("script", "internal/wathc"), "4:", "internal/watch"),
        ("box: [busybox\n", "wercker.yml:", "error:"),
    ],
    ids=[
        "tab", "duplicate key", "null pipeline", "null step", "no code", "no box", "no image",
        "invalid property name", "unknown internal step", "unclosed list",
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_stands_with_its_line_a_caret_and_a_hint(
    tmp_path: Path, text: str, where: str, what: str
) -> None:
    says(steer("build", cwd=project(tmp_path / "p", text)), where, what, "^", "hint:")


def test_a_folder_named_as_the_file_is_refused(tmp_path: Path) -> None:
    ended = steer("build", "--wercker-yml", ".", cwd=project(tmp_path / "p", QUICK))
    says(ended, "it is a folder", "hint:")


def test_a_file_named_that_is_not_there_is_refused(tmp_path: Path) -> None:
    ended = steer("build", "-f", "nowhere.yml", cwd=project(tmp_path / "p", QUICK))
    says(ended, "nowhere.yml")


def test_an_unknown_step_is_refused_before_anything_starts(tmp_path: Path) -> None:
    text = QUICK + "    - no/such-step: {a: 1}\n"
    ended = steer("build", "--on", "host", cwd=project(tmp_path / "p", text))
    says(ended, "wercker.yml:5:7", "no/such-step", "hint:")


def test_a_step_without_a_property_it_requires_is_refused(tmp_path: Path) -> None:
    folder = with_own_step(
        project(tmp_path / "p", MY_STEP),
        "properties:\n  - {name: color, type: string, required: true}\n",
    )
    ended = steer("build", "--on", "host", cwd=folder)
    says(ended, "wercker.yml:4:7", "needs the property color", "hint:")


def test_a_file_of_variables_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    (folder / "ENVIRONMENT").write_bytes(b"X_A=1\nX_B=\xff\xfe\n")
    says(steer("build", "--on", "host", cwd=folder), "ENVIRONMENT:2", "UTF-8", "hint:")


@pytest.mark.parametrize("run_id", ["../../outside", "a b", "", "-x", "x" * 65])
def test_an_id_that_cannot_be_a_name_is_refused(tmp_path: Path, run_id: str) -> None:
    folder = project(tmp_path / "p", QUICK)
    ended = steer("build", "--on", "host", f"--run-id={run_id}", cwd=folder)
    if run_id:
        says(ended, "--run-id", "hint:")
    else:
        assert ended.code == 0, "an empty id is none, as an unset variable leaves it"


def test_an_unknown_pipeline_offers_the_nearest_name(tmp_path: Path) -> None:
    ended = steer("build", "--pipeline", "biuld", cwd=project(tmp_path / "p", QUICK))
    assert ended.code == 2
    assert "biuld" in ended.err
    assert "build" in ended.err


def test_a_wrong_flag_exits_with_two(tmp_path: Path) -> None:
    ended = steer("build", "--no-such-flag", cwd=project(tmp_path / "p", QUICK))
    assert ended.code == 2
    assert "--no-such-flag" in ended.err


@pytest.mark.parametrize("value", ["0", "-1", "nan", "soon"])
def test_a_limit_that_is_no_time_is_refused(tmp_path: Path, value: str) -> None:
    folder = project(tmp_path / "p", QUICK)
    ended = steer("build", "--on", "host", "--command-timeout", value, cwd=folder)
    says(ended, "--command-timeout", value)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    ended = steer("build", "nowhere", cwd=tmp_path)
    assert ended.code == 2
    assert "nowhere" in ended.err


def test_a_variable_with_an_invalid_name_is_refused_before_anything_starts(tmp_path: Path) -> None:
    ended = steer("build", "--env", "X_A-B=1", "--on", "host", cwd=project(tmp_path / "p", QUICK))
    assert ended.code == 2
    assert "A-B" in ended.err
    assert "hi" not in ended.out


def test_a_run_inside_its_own_working_directory_is_refused(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    inside = project(folder / ".wercker" / "somewhere", QUICK)
    ended = steer("build", "--working-dir", str(folder / ".wercker"), cwd=inside)
    assert ended.code == 2
    assert "working directory" in ended.err


def test_a_working_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    (folder / "file").write_text("not a folder")
    ended = steer("build", "--working-dir", "file/below", cwd=folder)
    assert ended.code == 2
    assert "--working-dir" in ended.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_working_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    (folder / ".wercker").mkdir(mode=0o500)
    says(steer("build", cwd=folder), "working directory", "hint:")


def test_services_on_the_host_are_refused_in_words(tmp_path: Path) -> None:
    text = QUICK.replace("build:\n", "build:\n  services: [redis]\n")
    ended = steer("build", "--on", "host", cwd=project(tmp_path / "p", text))
    assert ended.code == 2
    assert "services" in ended.err
    assert "hint:" in ended.err


def test_steps_run_on_the_host_where_asked(tmp_path: Path) -> None:
    ended = steer("build", "--on", "host", cwd=project(tmp_path / "p", QUICK))
    assert (ended.code, ended.out) == (0, "hi\n")


def test_flags_may_follow_the_folder_and_take_the_old_single_dash(tmp_path: Path) -> None:
    project(tmp_path / "p", QUICK)
    ended = steer("build", "p", "-working-dir", "elsewhere", "--on=host", cwd=tmp_path)
    assert (ended.code, ended.out) == (0, "hi\n")
    assert (tmp_path / "elsewhere" / "latest").is_symlink()


@pytest.mark.parametrize(
    ("script", "says_so"),
    [
        ("{name: hi, cwd: nowhere, code: echo hi}", "cannot enter the folder nowhere (cwd)"),
        ("{name: hi, cwd: '$NOT_SET/..nowhere', code: echo hi}", "cannot enter the folder"),
    ],
)
def test_a_cwd_that_is_not_there_fails_the_step_in_words(
    tmp_path: Path, script: str, says_so: str
) -> None:
    text = QUICK.replace("{name: hi, code: echo hi}", script)
    ended = steer("build", "--on", "host", cwd=project(tmp_path / "p", text))
    says(ended, "step hi failed", says_so, code=1)


def test_a_source_dir_that_is_not_there_fails_the_step_in_words(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    ended = steer("build", "--on", "host", "--source-dir", "nowhere", cwd=folder)
    says(ended, "cannot enter the source folder", "source/nowhere", code=1)


def test_sockets_and_pipes_of_the_source_are_left_out(tmp_path: Path) -> None:
    text = QUICK.replace("echo hi", "ls")
    folder = project(tmp_path / "p", text, {"kept": ""})
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket"))
        ended = steer("build", "--on", "host", cwd=folder)
    assert (ended.code, ended.out) == (0, "kept\nwercker.yml\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_the_source_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK, {"secret": "x"})
    (folder / "secret").chmod(0)
    says(steer("build", "--on", "host", cwd=folder), "secret", "hint:")
    (folder / ".werckerignore").write_text("secret\n")
    assert steer("build", "--on", "host", cwd=folder).code == 0


@pytest.fixture
def serve() -> Iterator[Callable[[bytes], str]]:
    """Serve a body over HTTP, and return its address."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(bodies[0])

        def log_message(self, format: str, *args: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()

        def address(body: bytes) -> str:
            bodies.append(body)
            return f"http://127.0.0.1:{server.server_port}/step.tar"

        yield address
        server.shutdown()
        serving.join()


def archive(*members: tuple[str, bytes, str]) -> bytes:
    """Return a tar archive of (name, type, text or target of a link)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, kind, text in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = kind, text, 0o755
            data = text.encode() if kind == tarfile.REGTYPE else b""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def fetching(address: str) -> str:
    return f'box: busybox\nbuild:\n  steps:\n    - my/step "{address}"\n'


FILE, LINK, HARD = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def test_an_archive_of_a_step_cannot_write_or_take_from_outside(
    tmp_path: Path, serve: Callable[[bytes], str]
) -> None:
    (tmp_path / "mine").write_text("mine")
    evil = archive(
        ("run.sh", FILE, "echo ran; ls -A $WERCKER_STEP_ROOT"),
        ("../escaped", FILE, "x"),
        ("a/../../../escaped", FILE, "x"),
        ("/tmp/steersman-escaped", FILE, "x"),
        ("out", LINK, str(tmp_path)),
        ("out/escaped", FILE, "x"),
        ("taken", HARD, str(tmp_path / "mine")),
        ("device", tarfile.CHRTYPE, ""),
        ("pipe", tarfile.FIFOTYPE, ""),
    )
    ended = steer("build", "--on", "host", cwd=project(tmp_path / "p", fetching(serve(evil))))
    assert ended.code == 0, ended.err
    assert ended.out.startswith("ran\n")
    assert not {"device", "pipe", "taken", "escaped"} & set(ended.out.split())
    assert not Path("/tmp/steersman-escaped").exists()
    found = [path for path in tmp_path.rglob("*escaped*") if path.parent.name != "tmp"]
    assert found == []


@pytest.mark.parametrize("body", [b"<html>no archive</html>", b"", b"\x1f\x8b\x08broken"])
def test_an_address_of_a_step_that_holds_no_archive_is_refused(
    tmp_path: Path, serve: Callable[[bytes], str], body: bytes
) -> None:
    folder = project(tmp_path / "p", fetching(serve(body)))
    says(steer("build", "--on", "host", cwd=folder), "cannot fetch the step step", "hint:")
    assert list(folder.glob(".wercker/steps/.fetched/*")) == []


@pytest.mark.parametrize("name", [".wercker", ".wercker/builds", ".wercker/steps"])
def test_a_file_where_a_folder_of_ours_belongs_is_named(tmp_path: Path, name: str) -> None:
    folder = project(tmp_path / "p", QUICK, {name: ""})
    says(steer("build", "--on", "host", cwd=folder), f"{name} is not a folder", "hint:")


def test_a_folder_where_a_link_of_ours_belongs_is_named(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", QUICK)
    (folder / ".wercker" / "latest").mkdir(parents=True)
    says(steer("build", "--on", "host", cwd=folder), ".wercker/latest is a folder", "hint:")


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_cache_that_is_no_folder_is_dealt_with(tmp_path: Path, kind: str) -> None:
    text = QUICK.replace("echo hi", 'echo new > "$WERCKER_CACHE_DIR/one"')
    folder = project(tmp_path / "p", text)
    far = tmp_path / "large disk" / "cache"
    cache = folder / ".wercker" / "cache"
    cache.parent.mkdir()
    if kind == "file":
        cache.touch()
    else:
        far.mkdir(parents=True)
        cache.symlink_to(far)
    ended = steer("build", "--on", "host", cwd=folder)
    assert ended.code == 0, ended.err
    assert (cache / "one").read_text() == "new\n"
    assert cache.is_symlink() is (kind == "link")
    assert [path.name for path in cache.parent.glob("cache*")] == ["cache"]


def test_a_current_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    words = ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *STEER, "build"]
    done = subprocess.run(words, cwd=gone, env=environment(), capture_output=True, text=True)
    assert done.returncode == 2
    assert "current folder does not exist any more" in done.stderr
    assert "Traceback" not in done.stderr
