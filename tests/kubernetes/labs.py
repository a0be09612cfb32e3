"""Faults on the nodes of a cluster, by a command that knows how they were started.

`STEERSMAN_TEST_LAB` names it. It has the verbs `fault NODE WHAT`, `heal NODE`, `load IMAGE`, which
gives nodes an image, and `status`, whose lines are a part, its pid and its log; beside the log of a
node's engine is its socket.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from steersman.core.errors import SteersmanError
from tests.kubernetes import clusters
from tests.platform.programs import until

PATIENCE = 120.0
ANSWERS = 5.0
"""Seconds within which an engine that is well answers, also on a busy machine."""


class Part(NamedTuple):
    """A program of the cluster; *pid* is None where it does not run."""

    pid: int | None
    log: Path


class Lab:
    """What can be done to the cluster."""

    def __init__(self, command: str) -> None:
        self._command = shlex.split(command)

    def _say(self, *words: str) -> str:
        # Not by pipes: what the lab starts would keep them open.
        done = subprocess.run(
            [*self._command, *words],
            stdout=subprocess.PIPE if words == ("status",) else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=True,
            text=True,
        )
        return done.stdout or ""

    def parts(self) -> dict[str, Part]:
        """Return what runs: `etcd`, `kube-apiserver`, `NODE docker`, `NODE kubelet` and others."""
        lines = (re.fullmatch(r"(.+?)\s+(\d+|-)\s+(/.+)", line) for line in self._lines())
        return {
            found[1]: Part(None if found[2] == "-" else int(found[2]), Path(found[3]))
            for found in lines
            if found is not None
        }

    def _lines(self) -> list[str]:
        return self._say("status").splitlines()

    def engine(self, node: str) -> Path:
        """Return the socket of the engine of *node*."""
        return self.parts()[f"{node} docker"].log.with_name("docker.sock")

    def engine_answers(self, node: str) -> bool:
        """Tell whether `docker ps` on *node* does."""
        try:
            said = subprocess.run(
                ["docker", "-H", f"unix://{self.engine(node)}", "ps", "-q"],
                capture_output=True,
                timeout=ANSWERS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return said.returncode == 0

    def load(self, image: str) -> None:
        """Let all nodes have an image of this machine's engine."""
        self._say("load", image)

    @contextmanager
    def fault(self, node: str, what: str) -> Iterator[None]:
        """Let a node be sick for a while, and be sure that it is."""
        try:
            self._say("fault", node, what)
            if what.endswith("-docker"):
                assert not self.engine_answers(node), "the fault bites"
            elif what == "kill-kubelet":
                part = f"{node} kubelet"
                until(lambda: self.parts()[part].pid is None, "the fault bites")
            yield
        finally:
            self.heal(node)

    def heal(self, node: str) -> None:
        """Let a node be well, and wait until its engine is."""
        self._say("heal", node)
        until(lambda: self.engine_answers(node), f"the engine of {node} answers", PATIENCE)

    def restart(self, name: str) -> None:
        """Kill a part of the control plane, and start it as it was started, until it is well."""
        part = self.parts()[name]
        assert part.pid is not None
        words = Path(f"/proc/{part.pid}/cmdline").read_bytes().decode().split("\0")[:-1]
        program = os.readlink(f"/proc/{part.pid}/exe")
        os.kill(part.pid, signal.SIGKILL)
        until(lambda: self.parts()[name].pid is None, f"{name} is gone")

        def well() -> bool:
            # Where it starts too slowly for itself, it ends: a real machine starts it again.
            if self.parts()[name].pid is None:
                _start(program, words, part.log)
            return control_plane_answers()

        until(well, f"{name} answers again", PATIENCE, 1.0)


def _start(program: str, words: list[str], log: Path) -> None:
    with log.open("ab") as said:
        new = subprocess.Popen(
            words,
            executable=program,
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    # It outlives us, and who started the others is to find it as its own.
    born = Path(f"/proc/{new.pid}/stat").read_text().rpartition(")")[2].split()[19]
    log.with_suffix(".pid").write_text(str(new.pid))
    log.with_suffix(".born").write_text(born)
    new.returncode = 0


def control_plane_answers() -> bool:
    """Tell whether the API server and its store do."""
    try:
        clusters.ask(lambda api: api.call("GET", "/api/v1/nodes"))
    except SteersmanError:
        return False
    return True


def required() -> Lab:
    """Return the means to make nodes sick; skip without, but fail in CI."""
    if command := os.environ.get("STEERSMAN_TEST_LAB"):
        return Lab(command)
    what = "STEERSMAN_TEST_LAB names no command that makes nodes sick"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and this is CI")
    pytest.skip(what)
