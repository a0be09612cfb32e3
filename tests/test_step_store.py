"""The files of steps: found, fetched, kept, checked."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from steersman.core.errors import Refused, SteersmanError, Unavailable, UserError
from steersman.core.pipelines.model import Step, StepKind
from steersman.core.pipelines.step_ids import parse
from steersman.core.problems import Place
from steersman.step_archives import Fetcher, unzipped
from steersman.step_store import FetchedStep, StepStore, script_text
from steersman.trees import Kind, Limits

PLACE = Place("wercker.yml", 5, 7)
SHELLS = [shell for shell in ("sh", "bash", "dash") if shutil.which(shell)]


def step(text: str, kind: StepKind = StepKind.FETCHED, **properties: str) -> Step:
    parts = parse(text)
    return Step(
        id=text, owner=parts.owner, name=parts.name, version=parts.version, url=parts.url,
        place=PLACE, kind=kind, display_name=parts.name, properties=properties,
    )  # fmt: skip


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def run_sh(fetched: FetchedStep) -> str:
    (entry,) = (entry for entry in fetched.entries if entry.name == "run.sh")
    source = entry.source
    return source.decode() if isinstance(source, bytes) else Path(source or "").read_text()


# Scripts


def test_a_script_ends_at_its_first_failure_unless_it_says_otherwise() -> None:
    assert script_text("make") == "set -e\nmake\n"
    assert script_text("#!/bin/sh\nmake") == "#!/bin/sh\nmake"
    assert script_text("") == "set -e\n\n"


def test_a_nul_in_a_property_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"5:7.*code"):
        StepStore(tmp_path).fetch(step("script", StepKind.SCRIPT, code="a\0b"))


def test_a_script_step_needs_no_files(tmp_path: Path) -> None:
    fetched = StepStore(tmp_path / "none").fetch(step("script", StepKind.SCRIPT, code="echo hi"))
    assert run_sh(fetched) == "set -e\necho hi\n"
    assert [entry.kind for entry in fetched.entries] == [Kind.FILE]
    assert not (tmp_path / "none").exists()


# Steps that are here


@pytest.mark.parametrize(
    ("name", "folder"),
    [("acme/greet", "acme-greet"), ("greet", "wercker-greet"), ("a/b@1.2", "a-b@1.2")],
)
def test_a_step_put_there_by_hand_is_used(tmp_path: Path, name: str, folder: str) -> None:
    write(tmp_path / "steps" / folder, run_sh="echo mine", step_yml="name: x\nversion: 2.0\n")
    fetched = StepStore(tmp_path / "steps").fetch(step(name))
    assert run_sh(fetched) == "echo mine"
    assert fetched.manifest is not None
    assert fetched.manifest.version == "2.0"
    assert fetched.warnings == ()


def test_the_steps_of_the_project_come_first(tmp_path: Path) -> None:
    write(tmp_path / "cache" / "acme-greet", run_sh="old")
    write(tmp_path / "project" / "acme-greet", run_sh="new")
    store = StepStore(tmp_path / "cache", tmp_path / "project")
    assert run_sh(store.fetch(step("acme/greet"))) == "new"


def test_the_older_form_of_a_manifest_is_read(tmp_path: Path) -> None:
    text = "name: greet\nproperties:\n  who:\n    type: string\n    required: true\n"
    write(tmp_path / "acme-greet" / "x")
    (tmp_path / "acme-greet" / "wercker-step.yml").write_text(text)
    with pytest.raises(UserError, match="who"):
        StepStore(tmp_path).fetch(step("acme/greet"))


def test_a_step_that_is_nowhere_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"wercker\.yml:5:7: .*acme/greet") as caught:
        StepStore(tmp_path).fetch(step("acme/greet"))
    assert str(tmp_path / "acme-greet") in (caught.value.hint or "")


def test_a_step_that_is_nowhere_offers_the_nearest(tmp_path: Path) -> None:
    write(tmp_path / "acme-greet")
    with pytest.raises(UserError) as caught:
        StepStore(tmp_path).fetch(step("acme/gret"))
    assert "acme-greet" in (caught.value.hint or "")


def test_a_file_address_is_read_anew_each_time(tmp_path: Path) -> None:
    folder = write(tmp_path / "steps" / "mine", run_sh="1")
    store = StepStore(tmp_path / "cache", base=tmp_path)
    assert run_sh(store.fetch(step('x "file://steps/mine"'))) == "1"
    (folder / "run.sh").write_text("2")
    assert run_sh(store.fetch(step('x "file://steps/mine"'))) == "2"
    assert run_sh(store.fetch(step(f'x "file://{folder}"'))) == "2"


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_file_address_that_leads_nowhere_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"5:7.*{name}"):
        StepStore(tmp_path, base=tmp_path).fetch(step(f'x "file://{name}"'))


def test_links_in_a_step_are_not_followed(tmp_path: Path) -> None:
    folder = write(tmp_path / "acme-greet", run_sh="x")
    (folder / "stolen").symlink_to("/etc/passwd")
    (folder / "step.yml").symlink_to("/etc/passwd")
    fetched = StepStore(tmp_path).fetch(step("acme/greet"))
    kinds = {entry.name: entry.kind for entry in fetched.entries}
    assert kinds["stolen"] == kinds["step.yml"] == Kind.SYMLINK
    assert fetched.manifest is None


# Steps that come with us


NEEDED = {"adrien/slack-notifier-bl": {"url": "https://hooks"}}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("npm-install", "npm-install"),
        ("wercker/npm-install", "npm-install"),
        ("arjen/hugo-build", "hugo-build"),
        ("adrien/slack-notifier-bl", "slack-notifier"),
    ],
)
def test_a_built_in_step_answers_to_its_names(tmp_path: Path, text: str, name: str) -> None:
    asked = step(text)._replace(properties=NEEDED.get(text, {}))
    fetched = StepStore(tmp_path).fetch(asked)
    assert fetched.name == name
    assert run_sh(fetched).startswith(f"# {name}: ")
    assert fetched.warnings == ()


def test_a_built_in_step_stands_in_for_versions_that_nobody_has(tmp_path: Path) -> None:
    fetched = StepStore(tmp_path).fetch(step("wercker/npm-install@1.1.4"))
    assert fetched.name == "npm-install"
    assert "version 1.1.4" in fetched.warnings[0]


@pytest.mark.parametrize("text", ["acme/npm-install", "wercker/builtin_steps", "wercker/box.sh"])
def test_no_other_name_is_a_built_in_step(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match=text):
        StepStore(tmp_path).fetch(step(text))


def test_what_was_put_there_comes_before_a_built_in_step(tmp_path: Path) -> None:
    write(tmp_path / "wercker-npm-install", run_sh="mine")
    fetched = StepStore(tmp_path).fetch(step("npm-install"))
    assert (run_sh(fetched), fetched.name) == ("mine", None)


def test_a_registry_is_asked_only_for_versions_of_a_built_in_step(tmp_path: Path) -> None:
    published = write(tmp_path / "published", run_sh="published")
    asked: list[str] = []

    def registry(wanted: Step) -> Path | None:
        asked.append(wanted.version)
        return published if wanted.version == "9.0.0" else None

    store = StepStore(tmp_path, registry=registry)
    assert store.fetch(step("npm-install")).name == "npm-install"
    assert asked == []
    fetched = store.fetch(step("npm-install@9.0.0"))
    assert (run_sh(fetched), fetched.name, fetched.warnings) == ("published", None, ())
    assert store.fetch(step("npm-install@1.0.0")).name == "npm-install"
    assert asked == ["9.0.0", "1.0.0"]


def test_a_misspelled_built_in_step_is_offered(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        StepStore(tmp_path).fetch(step("npm-instal"))
    assert "npm-install" in (caught.value.hint or "")


def test_a_step_whose_service_is_closed_says_what_to_use(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"5:7.*HipChat was closed") as caught:
        StepStore(tmp_path).fetch(step("wercker/hipchat-notify@1.0.0"))
    assert "slack-notifier" in (caught.value.hint or "")


def test_what_a_built_in_step_needs_is_checked_before_it_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"create-file needs the property filename"):
        StepStore(tmp_path).fetch(step("create-file", content="x"))


# Manifests

NEEDS = "name: greet\nproperties:\n  - {name: who, type: integer, required: true}\n"


def test_all_mistakes_of_a_step_are_said_at_once(tmp_path: Path) -> None:
    more = NEEDS + "  - {name: how, required: true}\n"
    write(tmp_path / "acme-greet", run_sh="", step_yml=more)
    with pytest.raises(UserError) as caught:
        StepStore(tmp_path).fetch(step("acme/greet", who="x"))
    assert "who" in str(caught.value)
    assert "how" in str(caught.value)
    assert str(caught.value).count("wercker.yml:5:7") == 2


def test_an_unknown_property_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path / "acme-greet", run_sh="", step_yml=NEEDS)
    fetched = StepStore(tmp_path).fetch(step("acme/greet", who="1", whom="2"))
    assert len(fetched.warnings) == 1
    assert "whom" in fetched.warnings[0]
    assert "`who`" in fetched.warnings[0]


@pytest.mark.parametrize(
    "text", ["{", "a: b: c", "\t- x", "!!python/object:os.system {}", "[" * 2000, "\x00"]
)
def test_a_broken_manifest_is_a_warning_and_the_step_runs(tmp_path: Path, text: str) -> None:
    write(tmp_path / "acme-greet", run_sh="echo", step_yml=text)
    fetched = StepStore(tmp_path).fetch(step("acme/greet"))
    assert run_sh(fetched) == "echo"
    if fetched.manifest is None:
        assert "step.yml" in fetched.warnings[0]
    else:
        assert fetched.manifest.properties == ()


def test_a_step_that_does_nothing_is_doubtful(tmp_path: Path) -> None:
    write(tmp_path / "acme-greet", README_md="hello")
    assert "neither" in StepStore(tmp_path).fetch(step("acme/greet")).warnings[0]


# Steps from elsewhere


class Site(BaseHTTPRequestHandler):
    """Answers with what was put at a path; several answers are given in turn."""

    answers: ClassVar[dict[str, list[tuple[int, bytes]]]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        turn = self.answers.get(self.path, [(404, b"")])
        status, body = turn.pop(0) if len(turn) > 1 else turn[0]
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", body.decode())
            body = b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    Site.answers, Site.asked = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def tarball(prefix: str = "", *, text: str = "echo hi", pax: bool = False, **more: bytes) -> bytes:
    """Make a tar archive of a step as git and its hosts do."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        if pax:
            tar.pax_headers = {"comment": "c0ffee" * 6}
            out.write(tar.tarinfo.create_pax_global_header(tar.pax_headers))
        if prefix:
            info = tarfile.TarInfo(prefix)
            info.type = tarfile.DIRTYPE
            info.mode = 0o755
            tar.addfile(info)
        for name, content in {"run.sh": text.encode(), **more}.items():
            info = tarfile.TarInfo(f"{prefix}{name}")
            info.size = len(content)
            info.mode = 0o755
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def fetcher(folder: Path, *, refresh: bool = False, limits: Limits | None = None) -> Fetcher:
    more = {"limits": limits} if limits else {}
    return Fetcher(folder / ".fetched", refresh=refresh, pause=lambda seconds: None, **more)


def store(folder: Path, *, refresh: bool = False, limits: Limits | None = None) -> StepStore:
    return StepStore(folder, fetcher=fetcher(folder, refresh=refresh, limits=limits))


@pytest.mark.parametrize(
    "body",
    [
        tarball(),
        gzip.compress(tarball()),
        gzip.compress(tarball("step-greet-1.0/")),
        gzip.compress(tarball("step-greet-1.0/", pax=True)),
        gzip.compress(tarball(pax=True)),
        gzip.compress(tarball()[:700]) + gzip.compress(tarball()[700:]),
    ],
    ids=["tar", "tar.gz", "one folder on top", "git archive", "without a prefix", "two gzips"],
)
def test_each_kind_of_tarball_is_understood(site: str, tmp_path: Path, body: bytes) -> None:
    Site.answers["/s.tar.gz"] = [(200, body)]
    fetched = store(tmp_path).fetch(step(f'acme/greet "{site}/s.tar.gz"'))
    assert [entry.name for entry in fetched.entries] == ["", "run.sh"]
    assert run_sh(fetched) == "echo hi"


def test_a_step_is_fetched_once_for_each_address(site: str, tmp_path: Path) -> None:
    Site.answers["/1"] = [(200, tarball(text="1"))]
    Site.answers["/2"] = [(200, tarball(text="2"))]
    for _ in range(2):
        for number in "12":
            fetched = store(tmp_path).fetch(step(f'acme/greet "{site}/{number}"'))
            assert run_sh(fetched) == number
    assert Site.asked == ["/1", "/2"]


def test_a_refresh_fetches_again_but_once_in_a_run(site: str, tmp_path: Path) -> None:
    Site.answers["/s"] = [(200, tarball(text="old")), (200, tarball(text="new"))]
    one = step(f'acme/greet "{site}/s"')
    assert run_sh(store(tmp_path).fetch(one)) == "old"
    refreshing = store(tmp_path, refresh=True)
    assert [run_sh(refreshing.fetch(one)) for _ in range(2)] == ["new", "new"]
    assert Site.asked == ["/s", "/s"]


def test_a_refresh_that_fails_keeps_the_old(site: str, tmp_path: Path) -> None:
    Site.answers["/s"] = [(200, tarball(text="old")), (404, b"")]
    one = step(f'acme/greet "{site}/s"')
    store(tmp_path).fetch(one)
    with pytest.raises(UserError):
        store(tmp_path, refresh=True).fetch(one)
    assert run_sh(store(tmp_path).fetch(one)) == "old"


def test_a_step_put_there_by_hand_wins_over_its_address(site: str, tmp_path: Path) -> None:
    write(tmp_path / "acme-greet", run_sh="mine")
    assert run_sh(store(tmp_path).fetch(step(f'acme/greet "{site}/s"'))) == "mine"
    assert Site.asked == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429])
def test_a_no_is_said_at_once(site: str, tmp_path: Path, status: int) -> None:
    Site.answers["/s"] = [(status, b"")]
    with pytest.raises(UserError, match=rf"5:7.*/s.*\({status}\)"):
        store(tmp_path).fetch(step(f'acme/greet "{site}/s"'))
    assert len(Site.asked) == 1


@pytest.mark.parametrize("status", [500, 503, 0])
def test_a_hiccup_is_tried_again(site: str, tmp_path: Path, status: int) -> None:
    Site.answers["/s"] = [(status, b""), (status, b""), (200, tarball())]
    assert run_sh(store(tmp_path).fetch(step(f'acme/greet "{site}/s"'))) == "echo hi"
    assert len(Site.asked) == 3


def test_trying_ends_in_words(site: str, tmp_path: Path) -> None:
    Site.answers["/s"] = [(502, b"")]
    with pytest.raises(Unavailable, match="502"):
        store(tmp_path).fetch(step(f'acme/greet "{site}/s"'))
    assert len(Site.asked) == 3
    assert list((tmp_path / ".fetched").iterdir()) == []


def test_a_server_that_is_not_there_is_unavailable(site: str, tmp_path: Path) -> None:
    url = site.rpartition(":")[0] + ":1/s"
    with pytest.raises(Unavailable, match="refused"):
        store(tmp_path).fetch(step(f'acme/greet "{url}"'))


def test_a_redirection_is_followed_but_never_to_a_file(site: str, tmp_path: Path) -> None:
    Site.answers["/moved"] = [(302, f"{site}/s".encode())]
    Site.answers["/s"] = [(200, tarball())]
    Site.answers["/evil"] = [(302, b"file:///etc/passwd")]
    assert run_sh(store(tmp_path).fetch(step(f'a/b "{site}/moved"'))) == "echo hi"
    with pytest.raises(SteersmanError, match="evil"):
        store(tmp_path).fetch(step(f'a/c "{site}/evil"'))


GZ = gzip.compress(tarball(text="x" * 3000))


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>login please</html>" * 90, GZ[:-500], b"\x1f\x8b" + b"x" * 900, tarball()[:700]],
    ids=["nothing", "a page", "half a gzip", "spoilt gzip", "half a tar"],
)
def test_what_is_no_archive_is_refused_and_not_kept(site: str, tmp_path: Path, body: bytes) -> None:
    Site.answers["/s"] = [(200, body)]
    with pytest.raises(UserError, match="/s") as caught:
        store(tmp_path).fetch(step(f'acme/greet "{site}/s"'))
    assert "tar" in (caught.value.hint or "")
    assert list((tmp_path / ".fetched").iterdir()) == []


@pytest.mark.parametrize("limits", [Limits(size=100), Limits(size=1 << 30, entries=1)])
def test_a_step_that_is_too_large_is_refused(site: str, tmp_path: Path, limits: Limits) -> None:
    Site.answers["/s"] = [(200, tarball(text="x" * 200, more=b"more"))]
    with pytest.raises(UserError, match="larger"):
        store(tmp_path, limits=limits).fetch(step(f'acme/greet "{site}/s"'))


def test_gzip_is_undone_a_bounded_piece_at_a_time() -> None:
    bomb = gzip.compress(bytes(50 << 20))
    sizes = [len(piece) for piece in unzipped(iter([bomb]))]
    assert sum(sizes) == 50 << 20
    assert max(sizes) <= 256 << 10


def test_an_archive_that_leads_outside_takes_nothing_there(site: str, tmp_path: Path) -> None:
    outside: dict[str, Any] = {"../../../escaped": b"x", "/tmp/escaped-too": b"x"}
    body = tarball(**outside)
    Site.answers["/s"] = [(200, body)]
    fetched = store(tmp_path / "a" / "b").fetch(step(f'acme/greet "{site}/s"'))
    assert [entry.name for entry in fetched.entries] == ["", "run.sh"]
    assert not list(tmp_path.rglob("escaped*"))


def test_two_who_fetch_at_once_both_have_it(site: str, tmp_path: Path) -> None:
    Site.answers["/s"] = [(200, gzip.compress(tarball()))]
    one = step(f'acme/greet "{site}/s"')
    found: list[str] = []

    def fetch(number: int) -> None:
        refresh = bool(number % 2)
        found.append(run_sh(store(tmp_path, refresh=refresh).fetch(one)))

    threads = [threading.Thread(target=fetch, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["echo hi"] * 8


def test_what_a_killed_process_left_is_removed_when_it_is_old(site: str, tmp_path: Path) -> None:
    old, young = tmp_path / ".fetched/.files-old", tmp_path / ".fetched/.files-young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    Site.answers["/s"] = [(200, tarball())]
    first = store(tmp_path).fetch(step(f'acme/greet "{site}/s"'))
    for folder in (tmp_path / ".fetched").glob(".files-*"):
        os.utime(folder, (1, 1) if folder != young else None)
    store(tmp_path).fetch(step(f'acme/other "{site}/s"'))
    assert not old.exists()
    assert young.exists()
    assert run_sh(first) == "echo hi", "what a link leads to is in use"


def test_who_reads_the_old_files_is_not_disturbed_by_a_refresh(site: str, tmp_path: Path) -> None:
    Site.answers["/s"] = [(200, tarball(text="old")), (200, tarball(text="new"))]
    one = step(f'acme/greet "{site}/s"')
    reading = store(tmp_path).fetch(one)
    assert run_sh(store(tmp_path, refresh=True).fetch(one)) == "new"
    assert run_sh(reading) == "old"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_cannot_be_written_is_named(site: str, tmp_path: Path) -> None:
    Site.answers["/s"] = [(200, tarball())]
    tmp_path.chmod(0o500)
    with pytest.raises(Refused, match="fetched"):
        store(tmp_path).fetch(step(f'acme/greet "{site}/s"'))


# Functions for steps


def said(shell: str, code: str, tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    init = StepStore(tmp_path).init_script
    report = tmp_path / "message.txt"
    return subprocess.run(
        [shell], input=f"{init}\n{code}\n", capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "WERCKER_REPORT_MESSAGE_FILE": str(report), **environ},
    )  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("success", "\x1b[32m\x1b[1ma  'b'\tc\x1b[m\n"),
        ("info", "\x1b[37m\x1b[1ma  'b'\tc\x1b[m\n"),
        ("debug", "\x1b[38m\x1b[1ma  'b'\tc\x1b[m\n"),
        ("warn", "\x1b[33m\x1b[1ma  'b'\tc\x1b[m\n"),
        ("warning", "\x1b[33m\x1b[1ma  'b'\tc\x1b[m\n"),
        ("error", "\x1b[31m\x1b[1merror: a  'b'\tc\x1b[m\n"),
    ],
)
def test_words_are_printed_in_their_colour(
    shell: str, name: str, printed: str, tmp_path: Path
) -> None:
    done = said(shell, f"""{name} "a  'b'\\tc" """, tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == (printed, "", 0)


@pytest.mark.parametrize("shell", SHELLS)
def test_fail_ends_the_step_with_its_message(shell: str, tmp_path: Path) -> None:
    done = said(shell, "fail 'no 100% luck'\necho never", tmp_path)
    assert done.returncode == 1
    assert done.stdout == "\x1b[31m\x1b[1mfailed: no 100% luck\x1b[m\n"
    assert (tmp_path / "message.txt").read_text() == "no 100% luck\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_message_is_set_without_ending(shell: str, tmp_path: Path) -> None:
    done = said(shell, "setMessage 'all\\ngood'\necho on", tmp_path)
    assert done.stdout == "on\n"
    assert (tmp_path / "message.txt").read_text() == "all\ngood\n"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.skipif(os.geteuid() != 0 and bool(shutil.which("sudo")), reason="sudo is real here")
@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("sudo echo 'a  b'", "a  b\n"),
        ("sudo -E -u root echo x", "x\n"),
        ("sudo -- echo -n", "-n\n"),
        ("sudo A=1 B=2 sh -c 'echo $A$B'", "12\n"),
        ("sudo -n true && echo fine", "fine\n"),
        ("sudo false || echo failed", "failed\n"),
    ],
)
def test_sudo_is_dropped_for_root(shell: str, code: str, printed: str, tmp_path: Path) -> None:
    if "-- echo -n" in code:
        code = "sudo -- printf '%s\\n' -n"
    done = said(shell, code, tmp_path)
    assert (done.stdout, done.stderr) == (printed, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_step_may_define_its_own_sudo(shell: str, tmp_path: Path) -> None:
    done = said(shell, "sudo() { echo mine; }\nsudo x", tmp_path)
    assert done.stdout == "mine\n"
