"""Pods without Kubernetes: the same containers, volumes and one network on the local engine."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from steersman.cluster.base import RunnerSpec
from steersman.cluster.kubernetes import manifests, preparing
from steersman.cluster.kubernetes.containers import RUN
from steersman.sessions import script

ROOT = Path(__file__).resolve().parents[2]
GROUP = 65532
OURS = "python:3.11-slim"
LACKING = ("NET_RAW", "MKNOD")
PACKAGES = "/packages"


def docker(*words: str, check: bool = True, seconds: float = 120) -> str:
    """Ask the engine; what it says of an error is the test's error."""
    done = subprocess.run(
        ["docker", *words], check=False, capture_output=True, text=True, timeout=seconds
    )
    assert not check or done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
    return done.stdout.strip()


def gateway() -> str:
    """Return the address at which containers reach this machine."""
    words = docker("run", "--rm", "busybox", "ip", "route").split()
    return words[words.index("via") + 1]


class EnginePod:
    """One pod: what its volumes hold stands below *folder*."""

    def __init__(self, folder: Path, order: Mapping[str, Any]) -> None:
        self.folder = folder
        self.order = order
        self.wanted: Mapping[str, Any] = order["wanted"]
        self.name = f"steer-{order['attempt']}"
        for name in ("session", "work", "given", "spool"):
            volume = folder / name
            volume.mkdir(parents=True)
            os.chown(volume, 0, GROUP)
            volume.chmod(0o2777)
        (folder / "order").mkdir()
        (folder / "order" / "spec.json").write_text(manifests.order(RunnerSpec(**order)))
        self.started: list[str] = []

    def prepare(self) -> int:
        """Make the network and let the first of our containers run to its end."""
        hosts = [f"--add-host={each['name']}:127.0.0.1" for each in self.wanted["services"]]
        self._start("pause", "--network=bridge", *hosts, image="busybox", words=["sleep", "600"])
        self._start_ours(
            "prepare",
            preparing.command("/steersman", "/src/steersman"),
            f"-v={self.folder}/session:/steersman/session",
            f"-v={self.folder}/work:/steersman/work",
        )
        return self.code("prepare")

    def start(self, *, box: bool = True) -> None:
        """Start what comes then, in a pod's order."""
        self._start_ours(
            "runner",
            ["python", "-c", RUN[-1]],
            f"-v={self.folder}/session:/steersman/session",
            f"-v={self.folder}/work:/steersman/work:ro",
            f"-v={self.folder}/given:/steersman/given",
            f"-v={self.folder}/spool:/steersman/spool",
            f"-v={self.folder}/order:/steersman/order:ro",
        )
        if box:
            self.start_box()
        for each in self.wanted["services"]:
            self._start(
                f"svc-{each['name']}",
                *self._network(),
                *self._env(each),
                image=each["image"],
                words=each["cmd"] or [],
            )

    def start_box(self, *more: str) -> None:
        """Start the box."""
        box = self.wanted["box"]
        shell = tuple(box["cmd"]) if box["cmd"] else None
        place = "/steersman/session"
        words = script.fifo_command(shell, script=f"{place}/session.sh", directory=place)
        entrypoint: list[str] = box["entrypoint"] or []
        first, *rest = [*entrypoint, *words]
        self._start(
            "box",
            *self._network(),
            *(f"--cap-drop={each}" for each in LACKING),
            *([f"--user={box['user']}"] if box["user"] else []),
            *self._env(box),
            f"--group-add={GROUP}",
            f"-v={self.folder}/session:{place}:ro",
            f"-v={self.folder}/given:/steersman/given:ro",
            f"-v={self.folder}/work/pipeline:/pipeline",
            f"-v={self.folder}/work/report:/report",
            f"--entrypoint={first}",
            *more,
            image=box["image"],
            words=rest,
        )

    def code(self, name: str, seconds: float = 120) -> int:
        """Wait until a container has ended, and return its exit code."""
        docker("wait", f"{self.name}-{name}", seconds=seconds)
        return int(docker("inspect", "-f", "{{.State.ExitCode}}", f"{self.name}-{name}"))

    def printed(self, name: str) -> str:
        """Return what a container printed."""
        done = subprocess.run(
            ["docker", "logs", f"{self.name}-{name}"], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def kill(self, name: str, number: str = "KILL") -> None:
        """Send a signal to the first process of a container."""
        docker("kill", "-s", number, f"{self.name}-{name}")

    def close(self) -> None:
        """Remove all of it."""
        if self.started:
            docker("rm", "-f", "-v", *reversed(self.started), check=False)

    def _network(self) -> list[str]:
        return [f"--network=container:{self.name}-pause"]

    def _env(self, wanted: Mapping[str, Any]) -> list[str]:
        both = {**wanted["env"], **wanted["secret_env"]}
        return [f"-e={name}={value}" for name, value in both.items()]

    def _start_ours(self, name: str, program: Sequence[str], *volumes: str) -> None:
        self._start(
            name,
            *self._network(),
            f"--user={GROUP}:{GROUP}",
            "--read-only",
            "--cap-drop=ALL",
            *volumes,
            f"-v={ROOT}/src:/src:ro",
            f"-v={sysconfig.get_paths()['purelib']}:{PACKAGES}:ro",
            f"-e=PYTHONPATH=/src:{PACKAGES}",
            "-e=PYTHONDONTWRITEBYTECODE=1",
            "-e=TMPDIR=/steersman/spool",
            image=OURS,
            words=program,
        )

    def _start(self, name: str, *options: str, image: str, words: Sequence[str]) -> None:
        full = f"{self.name}-{name}"
        self.started.append(full)
        docker("run", "-d", "--name", full, *options, short(image), *words)


def short(image: str) -> str:
    """Return the name under which the engine has an image of the hub."""
    return image.removeprefix("docker.io/").removeprefix("library/")
