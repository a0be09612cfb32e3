"""The commands around cron, on a ledger in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from steersman.cli import cron, cron_launching, cronetes, reap
from steersman.cli.cron_parts import source
from steersman.clock import SetClock
from steersman.core.errors import InvalidFile, NotFound, UserError
from steersman.core.schedules import fires
from steersman.core.schedules.fires import Outcome, Reason, State
from steersman.core.schedules.schedule import Cursor
from steersman.cron.configs import reading
from steersman.cron.entries import Entries
from steersman.cron.ledger.base import Asking, Changes
from steersman.cron.ledger.sql import SqlLedger
from steersman.store import engines
from tests.cron.test_configs import JOB

NOW = 1_800_000_000
FILE = f'- schedule: "0 * * * * *"{JOB}'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "cron.yml"
    path.write_text(FILE)
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """Return the address of a ledger with a row of each kind."""
    import asyncio

    url = f"sqlite:///{tmp_path / 'ledger.db'}"

    async def fill() -> None:
        found = SqlLedger(engines.open_engine(url), SetClock(NOW).now)
        found.prepare()
        term = await found.lead("one")
        assert term is not None
        fired = fires.planned("sendemails", NOW, NOW, NOW)
        fired = fires.fired(fires.claimed(fired, "one", 1, NOW, "sendemails-1"), "uid", NOW + 0.2)
        fired = fired._replace(outcome=Outcome.SUCCEEDED, ended=NOW + 9.0)
        missed = fires.planned("sendemails", NOW + 60, NOW + 60, NOW)
        missed = fires.ended(missed, State.MISSED, Reason.NOT_CAUGHT_UP, "nobody was there", NOW)
        cursor = Cursor("sendemails", NOW + 70, NOW - 60.0, last_fired=NOW, last_success=NOW + 9.0)
        await found.write(term.fence, Changes([fired, missed], [cursor]))
        await found.close()

    asyncio.run(fill())
    return url


def _cron(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(cron.command, words, input=text, standalone_mode=False)


def test_lint_says_what_is_wrong_and_leaves_with_two(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text(FILE.replace("0 * * * * *", "0 61 * * * *"))
    found = _cron("--config", str(bad), "lint")
    assert found.return_value == 2
    assert "61 is no minute" in found.output
    assert "^" in found.output


def test_lint_is_content_with_doubts_unless_strict(tmp_path: Path) -> None:
    doubtful = tmp_path / "doubtful.yml"
    doubtful.write_text(FILE.replace("0 * * * * *", "0 3 * * *"))
    assert _cron("--config", str(doubtful), "lint").return_value == 0
    assert _cron("--config", str(doubtful), "lint", "--strict").return_value == 2
    assert _cron("--config", str(doubtful), "--strict", "lint").return_value == 2


def test_next_shows_instants_in_the_zone_asked_for(config: Path) -> None:
    found = _cron(
        "--config", str(config), "--timezone", "Europe/Berlin", "next", "sendemails", "-n", "2",
        "--from", "2026-10-25T02:00:00+02:00",
    )  # fmt: skip
    lines = found.output.splitlines()
    assert lines[0].startswith("Sun 2026-10-25 02:00:00 +0200 Europe/Berlin  sendemails")
    assert "clocks go back: the first of two equal times" in lines[0]
    assert len(lines) == 2


def test_forecast_counts_launches(config: Path) -> None:
    found = _cron("--config", str(config), "forecast", "--hours", "1", "-n", "1")
    assert "60 launches of 1 schedules in 1 hours" in found.output


def test_explain_answers_from_the_ledger(ledger: str, config: Path) -> None:
    said = _cron("--ledger", ledger, "explain", "sendemails", str(NOW)).output
    assert "fired since its time had come" in said
    assert "it succeeded at" in said
    said = _cron("--ledger", ledger, "explain", "sendemails", str(NOW + 60)).output
    assert "missed (not-caught-up): nobody was there" in said
    words = ("--ledger", ledger, "--config", str(config), "explain", "sendemails")
    assert "no expression of the schedule names" in _cron(*words, str(NOW + 61)).output
    assert "not planned: the schedule is known since" in _cron(*words, str(NOW - 3600)).output


def test_the_ledger_is_listed_and_filtered(ledger: str) -> None:
    assert len(_cron("--ledger", ledger, "ledger").output.splitlines()) == 2
    assert "missed" in _cron("--ledger", ledger, "ledger", "--state", "missed").output
    assert '"state": "fired"' in _cron("--ledger", ledger, "ledger", "--json").output
    status = _cron("--ledger", ledger, "status").output
    assert "last success 2027-01-15T08:00:09Z" in status


def test_requests_are_left_for_the_leader(ledger: str, config: Path) -> None:
    import asyncio

    assert _cron("--ledger", ledger, "trigger", "sendemails", "--reason", "now").exit_code == 0
    assert _cron("--ledger", ledger, "pause", "sendemails", "--reason", "holidays").exit_code == 0
    assert _cron("--ledger", ledger, "resume", "sendemails").exit_code == 0
    words = ("--ledger", ledger, "--config", str(config), "backfill", "sendemails")
    dry = _cron(*words, "2026-01-01T00:00:00Z", "2026-01-01T00:04:00Z", "--dry-run")
    assert "would launch sendemails at 2026-01-01T00:00:00Z" in dry.output
    assert "5 instants" in dry.output
    _cron(*words, "2026-01-01T00:00:00Z", "2026-01-01T00:04:00Z")
    found = SqlLedger(engines.open_engine(ledger), SetClock(NOW).now)
    asked = {each.asking: each for each in asyncio.run(found.requests())}
    asyncio.run(found.close())
    assert set(asked) == set(Asking)
    assert len(asked[Asking.BACKFILL].instants) == 5


def test_what_nobody_knows_is_not_asked_for(ledger: str) -> None:
    assert isinstance(_cron("--ledger", ledger, "trigger", "nothing").exception, NotFound)
    assert isinstance(_cron("--ledger", "file:x", "status").exception, UserError)


def test_who_only_looks_makes_no_ledger(tmp_path: Path, ledger: str) -> None:
    found = _cron("--ledger", f"sqlite:///{tmp_path / 'none' / 'l.db'}", "status")
    assert isinstance(found.exception, NotFound)
    assert "there is no ledger at" in str(found.exception)
    assert not (tmp_path / "none").exists()
    found = _cron("--ledger", ledger, "explain", "nothing", str(NOW))
    assert isinstance(found.exception, NotFound)
    assert found.exception.hint == "known are sendemails"


def test_a_bad_configuration_starts_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("- schedule: x")
    found = _cron("--config", str(bad), "--ledger", f"sqlite:///{tmp_path / 'l.db'}")
    assert isinstance(found.exception, InvalidFile)
    assert not (tmp_path / "l.db").exists()


COMMANDS = "schedules:\n- {name: tick, schedule: '* * * * * *', command: date}\n"


def test_commands_need_no_cluster_and_a_ledger_that_nobody_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, out = tmp_path / "cron.yml", tmp_path / "out"
    config.write_text(COMMANDS.replace("date", f"echo $STEERSMAN_SCHEDULE 1<> {out}; echo done"))
    os.mkfifo(out)
    # Open for both, so that no later run waits for a reader.
    pipe = os.open(out, os.O_RDWR)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    words = [sys.executable, "-m", "steersman", "cron", "--config", str(config)]
    child = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        assert os.read(pipe, 5) == b"tick\n"
    finally:
        child.terminate()
        os.close(pipe)
        _, log = child.communicate(timeout=30)
    assert child.returncode == 0, log
    said = _cron("--config", str(config), "ledger").output
    assert "tick  fired since its time had come" in said
    first = said.splitlines()[-1].partition(" ")[0]
    assert _cron("--config", str(config), "output", "tick", first).output == "done\n"
    gone = _cron("--config", str(config), "output", "tick", "2026-01-01").exception
    assert isinstance(gone, NotFound)
    assert (tmp_path / "state/steersman/cron/steersman.db.runs").stat().st_mode & 0o777 == 0o700


def test_commands_are_refused_where_their_ledger_is_elsewhere(tmp_path: Path) -> None:
    config = tmp_path / "cron.yml"
    config.write_text(COMMANDS)
    for ledger in ("postgresql://ann:secret@db/x", "configmap:cron", "sqlite://"):
        found = _cron("--config", str(config), "--ledger", ledger)
        assert isinstance(found.exception, UserError)
        assert "and so must their ledger be" in str(found.exception)
        assert "secret" not in str(found.exception)


def test_a_configuration_that_needs_another_launcher_is_not_taken_up() -> None:
    def read(text: str) -> Entries:
        return reading.read(text, "cron.yml", reading.Reading("UTC", NOW)).entries or {}

    here, jobs = read(COMMANDS), read(FILE)
    assert cron_launching.lacking(cron_launching.whats(here), here) is None
    assert cron_launching.lacking(cron_launching.whats(here), {}) is None
    assert "it has a job" in str(cron_launching.lacking(cron_launching.whats(here), jobs))


def test_the_configuration_may_come_by_stdin() -> None:
    found = _cron("lint", text=FILE)
    assert found.output.startswith("1 schedules")


def test_the_environment_of_cronetes_names_the_configuration(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRONETES_CONFIG", str(config))
    assert _cron("lint").output.startswith("1 schedules")
    assert source(config, "UTC").text() == FILE


def test_old_flags_are_read_as_go_read_them() -> None:
    words = ["-kube-in-cluster", "cron", "--no-random-slug=true", "--config=/config.yml"]
    assert cronetes.old_words(words) == [
        "--kube-in-cluster", "cron", "--no-random-slug", "--config=/config.yml",
    ]  # fmt: skip
    assert cronetes.old_words(["reap", "--no-delete-dependents=false"]) == ["reap"]


@pytest.mark.parametrize("command", [cron.command, reap.command, cronetes.command])
def test_every_flag_of_cronetes_is_known(command: object) -> None:
    names = {name for each in command.params for name in each.opts}  # type: ignore[attr-defined]
    cluster = ("in-cluster", "endpoint", "username", "password", "token", "insecure", "ca-file",
               "key-file", "cert-file", "namespace")  # fmt: skip
    assert {f"--kube-{name}" for name in cluster} | {"--debug"} <= names


@pytest.mark.parametrize("size", ["64m", "much", ""])
def test_a_reaper_is_told_sizes_that_are_some(size: str) -> None:
    found = CliRunner().invoke(reap.command, ["--log-bytes", size])
    assert found.exit_code == 2
    assert "write for example 64Mi" in found.output


def test_a_reaper_without_a_cluster_leaves_with_three_or_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["--kube-endpoint", "http://127.0.0.1:1", "--age", "5m", "--no-delete-dependents"]
    found = CliRunner().invoke(reap.command, words, standalone_mode=False)
    assert getattr(found.exception, "exit_code", None) == 3
    assert "counts from the end of a Job here" in found.output
    assert "in Cronetes the flag did nothing" in found.output
