"""Parts of a whole machine go away for a while; its jobs run on, and none of them notices.

OUTAGE (seconds) and OUTAGE_JOBS make the absence of the server long.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests import postgresql
from tests.platform.faults import PIPELINE, Work, begin, check_green, tries
from tests.platform.programs import Machine, machine, repository, runner_pids, until

OUTAGE = float(os.environ.get("OUTAGE", "8"))
JOBS = int(os.environ.get("OUTAGE_JOBS", "6"))
LOCKED = 6
pytestmark = pytest.mark.timeout(120 + 3 * int(OUTAGE))


@contextmanager
def _started(folder: Path, database: str = "", slots: int = JOBS) -> Iterator[Machine]:
    source = repository(folder / "shop", {"wercker.yml": PIPELINE})
    with machine(folder, database=database, slots=slots) as here:
        here.start()
        here.add_project("shop", source)
        here.start_worker()
        yield here


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Machine]:
    """A machine on SQLite."""
    with _started(tmp_path) as found:
        yield found


def _spooled(here: Machine) -> int:
    """Count the bytes that runners wrote down, sent or not."""
    return sum(path.stat().st_size for path in (here.folder / "worker").glob("runners/*/log"))


def test_jobs_run_on_while_the_server_is_dead(here: Machine) -> None:
    work = Work(lines=60, pause=max(OUTAGE, 4) / 60)
    made = begin(here, JOBS, work)
    here.server.kill()
    before = _spooled(here)
    time.sleep(OUTAGE)
    assert not here.answers(), "the fault bites"
    assert _spooled(here) > before, "they went on"
    assert len(runner_pids(here.folder, alone=True)) >= JOBS, "none left without its record"
    here.start()
    check_green(here, made, work)


HOLDER = """
import sqlite3, sys, time
holder = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
holder.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
holder.execute("ROLLBACK")
"""


def test_requests_wait_for_somebody_who_holds_the_database(here: Machine) -> None:
    work = Work(lines=30, pause=0.1)
    made = begin(here, 2, work)
    database = here.data / "steersman.db"
    words = [sys.executable, "-c", HOLDER, str(database), str(LOCKED)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            sqlite3.connect(database, isolation_level=None, timeout=0) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")
        asked = {"name": "waits", "repository": "https://git.example.com/waits.git"}
        answer = httpx2.post(
            f"{here.url}/api/v1/projects",
            json=asked,
            headers={"Authorization": f"Bearer {here.admin}"},
            timeout=60,
        )
        assert answer.status_code == 201, answer.text
        assert holder.wait(10) == 0, "it was let go before the answer came"
    check_green(here, made, work)


def test_large_logs_and_artifacts_wait_for_the_blobs(here: Machine) -> None:
    work = Work(lines=30, pause=0.1, pad=40_000)
    made = begin(here, 3, work)
    blobs, aside = here.data / "blobs", here.data / "blobs.aside"
    blobs.rename(aside)
    blobs.write_bytes(b"a file where the folder was")
    assert not here.is_whole(), "the fault bites"
    before = [tries(here, run)[0]["log_size"] for run in made]
    time.sleep(4)
    assert [tries(here, run)[0]["state"] for run in made] == ["running"] * 3
    after = [tries(here, run)[0]["log_size"] for run in made]
    assert all(late - soon < 100_000 for soon, late in zip(before, after, strict=True))
    blobs.unlink()
    aside.rename(blobs)
    check_green(here, made, work)


class _Reader(threading.Thread):
    """Reads a stream until the server ends it; *error* is how else it ended."""

    def __init__(self, here: Machine, path: str) -> None:
        super().__init__(daemon=True)
        self.here = here
        self.path = path
        self.began = threading.Event()
        self.error: Exception | None = None
        self.text = b""

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {self.here.admin}"}
        url = f"{self.here.url}{self.path}"
        try:
            with httpx2.stream("GET", url, headers=headers, timeout=60) as answer:
                for piece in answer.iter_bytes():
                    self.text += piece
                    self.began.set()
        except httpx2.HTTPError as error:
            self.error = error


def test_a_server_that_is_asked_to_end_lets_go_of_all_in_order(here: Machine) -> None:
    work = Work(lines=30, pause=0.1)
    [run] = made = begin(here, 1, work)
    log = f"/api/v1/attempts/{tries(here, run)[0]['id']}/log"
    paths = ("/api/v1/events", f"{log}/stream", f"{log}?follow=true")
    readers = [_Reader(here, path) for path in paths]
    for reader in readers:
        reader.start()
        assert reader.began.wait(30)
    process, said = here.server.process, len(here.server.text)
    here.server.kill(signal.SIGTERM)
    assert process is not None
    assert process.returncode == 0
    assert not here.answers()
    for reader in readers:
        reader.join(10)
        assert (reader.is_alive(), reader.error) == (False, None), reader.path
        assert b"event: end" not in reader.text, "the log has not ended"
    last = here.server.text[said:]
    assert "Traceback" not in last
    assert "graceful shutdown exceeded" not in last
    assert runner_pids(here.folder, alone=True)
    here.start()
    check_green(here, made, work)


def _leases(here: Machine) -> list[int]:
    """Return how often each attempt was leased or adopted."""
    with closing(sqlite3.connect(here.data / "steersman.db")) as store:
        return [number for (number,) in store.execute("SELECT leases FROM attempts")]


def test_a_worker_that_is_asked_to_end_leaves_its_runners_to_the_next(here: Machine) -> None:
    work = Work(lines=40, pause=0.1)
    made = begin(here, 2, work)
    worker = here.worker
    assert worker is not None
    process = worker.process
    assert _leases(here) == [1, 1]
    running = set(runner_pids(here.folder, alone=True))
    worker.kill(signal.SIGTERM)
    assert process is not None
    assert process.returncode == 0
    size = sum(tries(here, run)[0]["log_size"] for run in made)
    until(lambda: sum(tries(here, run)[0]["log_size"] for run in made) > size, "they go on")
    assert running & set(runner_pids(here.folder, alone=True))
    worker.start()
    until(lambda: _leases(here) == [2, 2], "they are taken over")
    check_green(here, made, work)


def test_jobs_run_on_while_postgresql_is_away(tmp_path: Path) -> None:
    work = Work(lines=30, pause=0.1)
    with postgresql.started() as database:
        url = database.new_database()
        with _started(tmp_path, url, slots=4) as here:
            made = begin(here, 4, work)
            database.stop(signal.SIGQUIT)
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(url)
            with httpx2.Client(base_url=here.url, timeout=60) as http:
                headers = {"Authorization": f"Bearer {here.admin}"}
                back = threading.Timer(3, database.start)
                back.start()
                # It waits for the database, which is not there when it asks.
                answer = http.get("/api/v1/runs?project=shop", headers=headers)
                back.join()
            assert answer.status_code in (200, 503), answer.text
            assert "listening_lost" in here.server.text, "the fault bites"
            check_green(here, made, work)
            assert len(here.runs("shop")) == 4
