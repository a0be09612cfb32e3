"""The files of the built-in steps: fit, readable by every shell, documented."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from steersman.core import manifest_checks
from steersman.core.builtin_steps import ALIASES, GONE
from steersman.core.variables import property_name
from steersman.step_store import BUILT_IN, built_in_names
from tests.builtin_steps.page import PAGE, manifest, page

NAMES = built_in_names()
SCRIPTS = sorted(BUILT_IN.rglob("*.sh"))
SHELLS = (["dash"], ["busybox", "sh"], ["bash", "--posix"])


def test_the_page_is_what_the_manifests_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.builtin_steps.page"


@pytest.mark.parametrize("name", NAMES)
def test_a_manifest_is_fit_to_be_published(name: str) -> None:
    data = manifest(name)
    assert list(manifest_checks.check(data)) == []
    assert data["name"] == name


@pytest.mark.parametrize("name", NAMES)
def test_a_step_reads_just_the_properties_it_names(name: str) -> None:
    text = (BUILT_IN / name / "run.sh").read_text()
    own = property_name(name, "")
    # kubectl makes the names of its flags; what a step exports is no property.
    read = set(re.findall(rf"\b{own}\w+", text)) - {f"{own}ID"}
    named = {property_name(name, each["name"]) for each in manifest(name).get("properties", ())}
    assert read <= named
    without_effect = {
        property_name(name, each["name"])
        for each in manifest(name).get("properties", ())
        if "without effect" in each.get("description", "")
    }
    if name != "kubectl":
        assert named - read <= without_effect


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_every_shell_can_read_every_script(shell: list[str]) -> None:
    if not shutil.which(shell[0]) and os.environ.get("CI") != "true":
        pytest.skip(f"this machine has no {shell[0]}")
    for script in SCRIPTS:
        done = subprocess.run([*shell, "-n", script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), script


def test_every_alias_leads_to_a_step_and_no_step_is_gone() -> None:
    assert set(ALIASES.values()) <= set(NAMES)
    assert not {f"wercker/{name}" for name in NAMES} & (ALIASES.keys() | GONE.keys())
    assert not ALIASES.keys() & GONE.keys()


def test_the_25_steps_that_public_files_use_most_are_here() -> None:
    wanted = """bundle-install npm-install install-packages npm-test kubectl setup-go-workspace
    golint pip-install add-ssh-key add-to-known_hosts bash-template s3sync github-create-release
    validate-wercker-step create-file github-upload-asset hugo-build gh-pages heroku-deploy
    slack-notifier shellcheck rvm-use rails-database-yml pretty-slack-notify mktemp"""
    assert len(wanted.split()) == 25
    assert set(wanted.split()) <= set(NAMES)
