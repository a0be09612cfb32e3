"""Runs all cases of a place at once, in one box, with the very texts that the executor sends."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from steersman.core import scripts, variables
from steersman.core.pipelines.model import Step, StepKind
from steersman.core.pipelines.step_ids import parse
from steersman.core.problems import Place
from steersman.core.variables import Command, RunFacts, Variable
from steersman.step_store import FetchedStep, StepStore
from tests.builtin_steps.cases import BUSYBOX, HOST, PYTHON, Case

COMMIT = "0123456789abcdef0123456789abcdef01234567"
# What a POSIX system has, and the few common programs that our steps use besides.
TOOLS = """
awk basename cat chmod cp cut date dirname echo env false find grep head id ln ls mkdir
mkfifo mktemp mv printf rm sed sh sha256sum sha512sum sort tail tar test touch tr true
uname wc
"""
# All cases of a place take some seconds; a machine that tests much at once is patient.
TIMEOUT = 300
STORE = StepStore(Path("nowhere"))


class Ended(NamedTuple):
    """How a case ended: its status, all output, the words of stand-ins, and its files.

    The case's folder is spelled `$CASE` everywhere, and what differs by chance by a word.
    """

    status: int
    said: str
    calls: tuple[str, ...]
    files: dict[str, str]


Runs = Callable[[str], dict[str, Ended]]
"""How the cases of a place ended, by their names."""


def shipped_name(case: Case) -> str:
    name = STORE.fetch(step_of(case)).name
    assert name is not None
    return name


def step_of(case: Case) -> Step:
    parts = parse(case.step)
    return Step(
        id=case.step, owner=parts.owner, name=parts.name, version=parts.version, url=parts.url,
        place=Place("wercker.yml", 3, 5), kind=StepKind.FETCHED, display_name=parts.name,
        properties=dict(case.properties),
    )  # fmt: skip


def run_all(place: str, cases: Iterable[Case], folder: Path) -> list[Ended]:
    """Run *cases*, one after the other, in one box of *place*."""
    cases = list(cases)
    root = str(folder) if place == HOST else "/cases"
    shell = {HOST: shutil.which("dash") or "sh", BUSYBOX: "sh", PYTHON: "bash"}.get(place, "dash")
    archive = _packed(cases, root, shell, place)
    if place == HOST:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="tar")
        subprocess.run([shell, folder / "drive"], check=True, capture_output=True, timeout=TIMEOUT)
        return [
            _ended(_on_disk(folder / str(number)), f"{root}/{number}")
            for number in range(len(cases))
        ]
    work = "mkdir /cases && cd /cases && tar -xf - && sh ./drive >&2 && tar -cf - ."
    words = ["docker", "run", "--rm", "--interactive", "--network", "none", place, "sh", "-c", work]
    done = subprocess.run(words, input=archive, check=True, capture_output=True, timeout=TIMEOUT)
    found: dict[int, dict[str, bytes]] = {number: {} for number in range(len(cases))}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        for member in tar:
            number, _, name = member.name.removeprefix("./").partition("/")
            if member.isfile() and number.isdigit():
                file = tar.extractfile(member)
                assert file is not None
                found[int(number)][name] = file.read()
    return [_ended(found[number], f"{root}/{number}") for number in range(len(cases))]


def _ended(files: dict[str, bytes], at: str) -> Ended:
    texts = {name: _plain(data.decode(errors="replace"), at) for name, data in files.items()}
    calls = tuple(texts.get("calls", "").splitlines())
    return Ended(int(texts["status"]), texts["said"], calls, texts)


def _plain(text: str, at: str) -> str:
    text = text.replace(at, "$CASE")
    text = re.sub(r"\$CASE/tmp/tmp\.\w+", "$SCRATCH", text)
    return re.sub(r"install-packages/[^/\]]+", "install-packages/SYSTEM", text)


def _on_disk(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def _packed(cases: list[Case], root: str, shell: str, place: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        _add(tar, "drive", _drive(cases, root, shell, place))
        _add(tar, "init.sh", STORE.init_script)
        for number, case in enumerate(cases):
            for name, content in _files(case, f"{root}/{number}", root).items():
                _add(tar, f"{number}/{name}", content)
    return out.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o755
    tar.addfile(info, io.BytesIO(data))


LINKS = """\
for name in {names}; do
  if way=$(command -v "$name") && [ -x "$way" ]; then ln -s "$way" "tools/$name"; fi
done
"""


def _drive(cases: list[Case], root: str, shell: str, place: str) -> str:
    lines = [f"cd {root} && mkdir tools", LINKS.format(names=" ".join(TOOLS.split()))]
    for number, case in enumerate(cases):
        at = f"{root}/{number}"
        lines.append(f"mkdir -p {at}/home {at}/source {at}/cache {at}/output {at}/tmp {at}/bin")
        lines += [f'ln -s "{_way(name, place)}" {at}/bin/{name}' for name in case.real]
        lines.append(
            f"(cd {at}/source && env -i CASE={at} HOME={at}/home TMPDIR={at}/tmp"
            f' PATH="{at}/bin:{root}/tools" "$(command -v {shell})" {at}/script'
            f" >{at}/said 2>&1 </dev/null; echo $? >{at}/status)"
        )
    return "\n".join([*lines, ""])


def _way(name: str, place: str) -> str:
    # Here `python3` may be anything, such as a script that needs more than a box has.
    if place == HOST and name == "python3":
        return os.path.realpath(sys.executable)
    return f"$(command -v {name})"


def _files(case: Case, at: str, root: str) -> dict[str, str | bytes]:
    fetched = STORE.fetch(step_of(case))
    files: dict[str, str | bytes] = {"script": _script(case, fetched, at, root)}
    files |= {f"source/{name}": content for name, content in case.files.items()}
    for entry in fetched.entries:
        if entry.name:
            source = entry.source
            assert source is not None
            files[f"step/{entry.name}"] = (
                source if isinstance(source, bytes) else Path(source).read_bytes()
            )
    # A busybox may take programs of its own before those on PATH: it really sleeps.
    shebang = "#!/bin/sh\n"
    files["bin/sleep"] = shebang
    for name, code in case.programs.items():
        words = f'{{ printf %s {name}; for word in "$@"; do printf " [%s]" "$word"; done; echo; }}'
        files[f"bin/{name}"] = f"{shebang}{words} >>{at}/calls\n{code}\n"
    return files


def _script(case: Case, fetched: FetchedStep, at: str, root: str) -> str:
    step = step_of(case)
    step = step._replace(name=fetched.name or step.name)
    exported = variables.step_variables(
        step, fetched.manifest, root=f"{at}/step", report=f"{at}/report"
    )
    facts = RunFacts(
        command=Command.BUILD, run_id="run-1", pipeline="build", base_path=f"{at}/source",
        application_name="shop", started_by="ann", git_domain="github.com", git_owner="acme",
        git_repository="shop", git_branch="main", git_commit=COMMIT,
    )  # fmt: skip
    places = {"WERCKER_CACHE_DIR": f"{at}/cache", "WERCKER_OUTPUT_DIR": f"{at}/output"}
    places["WERCKER_PIPELINE_DIR"] = at
    known = [
        *variables.of_run(facts),
        *(Variable(*pair) for pair in {**places, **case.env}.items()),
    ]
    return (
        f"mkdir -p {at}/report\n"
        + scripts.prelude("run-1", known, f"{root}/init.sh")
        + f"{case.before}\n"
        + scripts.step(
            variables=exported.exported, unset=(), cwd=None, has_init=False, has_run=True
        )
        + "steer_ended=$?\n"
        + f"{case.then}\nexit $steer_ended\n"
    )
