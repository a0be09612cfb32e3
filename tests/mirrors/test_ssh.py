"""What ssh is given, and what nothing that git starts may see."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from steersman.core.errors import SteersmanError, UserError
from steersman.mirrors import Credentials, Mirrors, Rules
from tests.mirrors.repositories import commit, repository, script

LOCAL = Rules(allow_local=True)
ABSENT = "1" * 40


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(tmp_path / "mirrors", rules=LOCAL)


def fetch(mirrors: Mirrors, url: Path | str, *refs: str, project: str = "p1") -> None:
    asyncio.run(mirrors.fetch(project, str(url), credentials=None, refs=refs))


def has(mirrors: Mirrors, sha: str, project: str = "p1") -> bool:
    return asyncio.run(mirrors.has(project, sha))


def test_hooks_and_settings_of_a_repository_are_never_used(
    tmp_path: Path, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = repository(tmp_path / "origin")
    fetch(mirrors, origin)
    trap = script(tmp_path / "trap", f"touch {tmp_path}/sprung")
    hooks = tmp_path / "mirrors" / "p1.git" / "hooks"
    for name in ("reference-transaction", "post-update", "fsmonitor-watchman"):
        script(hooks / name, f"touch {tmp_path}/sprung")
    (tmp_path / ".gitconfig").write_text(f"[core]\n\tsshCommand = {trap}\n\tfsmonitor = {trap}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_SSH_COMMAND", str(trap))
    monkeypatch.setenv("GIT_ASKPASS", str(trap))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    newer = commit(origin, "second")
    fetch(mirrors, origin)
    assert has(mirrors, newer)
    assert not (tmp_path / "sprung").exists()


def test_a_key_is_given_to_ssh_in_a_private_file_that_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = (
        f'printf "%s\\n" "$@" >{tmp_path}/words\n'
        "for word; do case $word in IdentityFile=*) file=${word#*=};; esac; done\n"
        'file=${file#\\"}; file=${file%\\"}\n'
        f'stat -c %a "$file" >{tmp_path}/mode; cat "$file" >{tmp_path}/key\n'
        f"env >{tmp_path}/env; tr '\\0' ' ' </proc/$PPID/cmdline >{tmp_path}/parent\n"
        "echo 'git@example.com: Permission denied (publickey).' >&2; exit 255"
    )
    script(tmp_path / "bin" / "ssh", record)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/somebody/else")
    mirrors = Mirrors(tmp_path / "mir rors")
    key = Credentials(key="-----BEGIN KEY-----\r\nSECRET\r\n-----END KEY-----")
    with pytest.raises(UserError, match="the login was refused") as caught:
        asyncio.run(mirrors.fetch("p1", "git@example.com:x.git", credentials=key))
    words = (tmp_path / "words").read_text()
    assert (tmp_path / "key").read_text() == "-----BEGIN KEY-----\nSECRET\n-----END KEY-----\n"
    assert (tmp_path / "mode").read_text() == "600\n"
    assert "BatchMode=yes" in words
    assert "StrictHostKeyChecking=accept-new" in words
    assert "SECRET" not in words + (tmp_path / "parent").read_text() + str(caught.value)
    assert "SSH_AUTH_SOCK" not in (tmp_path / "env").read_text()
    assert not list((tmp_path / "mir rors").glob(".login-*"))


def test_without_a_key_ssh_does_not_take_that_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "bin" / "ssh", f'printf "%s\\n" "$@" >{tmp_path}/words; exit 255')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    with pytest.raises(SteersmanError):
        fetch(Mirrors(tmp_path / "mirrors"), "ssh://git@example.com:22/x.git")
    assert {"IdentityFile=none", "IdentityAgent=none", "IdentitiesOnly=yes"} <= set(
        (tmp_path / "words").read_text().splitlines()
    )
