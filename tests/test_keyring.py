"""Secrets come back for whom they were sealed, and for nobody else."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="the server's packages are not installed")

from hypothesis import given
from hypothesis import strategies as st

from steersman import keyring
from steersman.core.errors import Refused, UserError
from steersman.keyring import Key, Keyring

OLD = Key("2024", bytes(range(32)))
NEW = Key("2025", bytes(range(32, 64)))
RING = Keyring([NEW, OLD])
LINE = f"a:{base64.b64encode(bytes(32)).decode()}"
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PROJECTS = NAMES.filter(lambda text: "\0" not in text)


@given(PROJECTS, NAMES, st.binary(max_size=200))
def test_what_was_sealed_opens(project: str, name: str, value: bytes) -> None:
    assert RING.open(project, name, RING.seal(project, name, value)) == value


@given(PROJECTS, NAMES, PROJECTS, NAMES)
def test_it_opens_for_no_other_project_or_name(a: str, b: str, c: str, d: str) -> None:
    sealed = RING.seal(a, b, b"hush")
    if (a, b) != (c, d):
        with pytest.raises(Refused, match="sealed for another project or name"):
            RING.open(c, d, sealed)


def test_every_flipped_bit_is_refused() -> None:
    sealed = RING.seal("shop", "TOKEN", b"hush")
    for at in range(8 * len(sealed)):
        broken = bytearray(sealed)
        broken[at // 8] ^= 1 << at % 8
        with pytest.raises(Refused):
            RING.open("shop", "TOKEN", bytes(broken))


def test_every_shortened_secret_is_refused() -> None:
    sealed = RING.seal("shop", "TOKEN", b"hush")
    for length in range(len(sealed)):
        with pytest.raises(Refused):
            RING.open("shop", "TOKEN", sealed[:length])


@given(st.binary(max_size=80))
def test_any_bytes_at_all_are_refused(sealed: bytes) -> None:
    with pytest.raises(Refused):
        RING.open("shop", "TOKEN", sealed)


def test_the_value_does_not_show_and_no_two_seals_are_alike() -> None:
    first, second = (RING.seal("shop", "TOKEN", b"hush-hush") for _ in range(2))
    assert b"hush" not in first
    assert first != second


def test_the_form_never_changes() -> None:
    sealed = bytes.fromhex(
        "010432303234" + "000102030405060708090a0b" + "ffe3d01f729db30e14aeebb1cfb38b62ac7fe58c"
    )
    assert Keyring([OLD]).open("shop", "TOKEN", sealed) == b"hush"


def test_an_older_key_still_opens_and_its_secrets_are_rotated() -> None:
    sealed = Keyring([OLD]).seal("shop", "TOKEN", b"hush")
    assert RING.open("shop", "TOKEN", sealed) == b"hush"
    assert RING.needs_rotation(sealed)
    rotated = RING.rotate("shop", "TOKEN", sealed)
    assert not RING.needs_rotation(rotated)
    assert Keyring([NEW]).open("shop", "TOKEN", rotated) == b"hush"


def test_rotating_what_is_new_changes_nothing() -> None:
    sealed = RING.seal("shop", "TOKEN", b"hush")
    assert RING.rotate("shop", "TOKEN", sealed) is sealed


def test_rotating_moves_nothing_to_another_name() -> None:
    sealed = Keyring([OLD]).seal("shop", "TOKEN", b"hush")
    with pytest.raises(Refused):
        RING.rotate("shop", "OTHER", sealed)


def test_a_key_that_is_gone_is_named() -> None:
    sealed = Keyring([OLD]).seal("shop", "TOKEN", b"hush")
    with pytest.raises(Refused, match="'2024', which is not in the keyring") as caught:
        Keyring([NEW]).open("shop", "TOKEN", sealed)
    assert "put that key back" in str(caught.value.hint)


def test_another_key_of_the_same_name_does_not_open() -> None:
    sealed = Keyring([OLD]).seal("shop", "TOKEN", b"hush")
    with pytest.raises(Refused, match="another key called '2024'"):
        Keyring([NEW._replace(id="2024")]).open("shop", "TOKEN", sealed)


def test_a_project_with_a_nul_is_not_sealed_for() -> None:
    with pytest.raises(ValueError, match="NUL"):
        RING.seal("shop\0TOKEN", "", b"hush")


def test_a_key_does_not_show_when_printed() -> None:
    assert repr(NEW) == str(NEW) == "Key('2025', ...)"


def test_a_keyring_is_read_newest_first() -> None:
    ring = keyring.parse(f"# ours\n\n{keyring.written([NEW, OLD])}", "KEYS")
    assert not ring.needs_rotation(Keyring([NEW]).seal("p", "n", b""))
    assert ring.needs_rotation(Keyring([OLD]).seal("p", "n", b""))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "KEYS: there is no key"),
        ("# none\n", "KEYS: there is no key"),
        (f"{LINE}\nb", "KEYS, line 2: this is no key"),
        ("a:", "line 1: this is no key"),
        (f"{LINE[:-4]}", "line 1: this is no key"),
        (f"{LINE}!", "line 1: this is no key"),
        (LINE.replace("a:", "ä:"), "line 1: this is no key"),
        (f"{'a' * 33}{LINE[1:]}", "line 1: this is no key"),
        (LINE.replace(":", "="), "line 1: this is no key"),
        (f"{LINE}\n{LINE}", "KEYS: two keys are called 'a'"),
    ],
)
def test_what_is_no_keyring_is_refused_without_showing_it(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        keyring.parse(text, "KEYS")
    assert "AAAA" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.hint


def test_a_new_keyring_is_its_owners_alone_and_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    before = os.umask(0)
    try:
        made = keyring.create(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keyring.read(path).open("p", "n", made.seal("p", "n", b"hush")) == b"hush"


def test_a_keyring_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    keyring.create(path)
    before = path.read_bytes()
    with pytest.raises(UserError, match="already a keyring"):
        keyring.create(path)
    assert path.read_bytes() == before


def test_a_new_keyring_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "keys").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="already a keyring"):
        keyring.create(tmp_path / "keys")
    assert not (tmp_path / "elsewhere").exists()


def test_a_keyring_is_not_made_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot write the keyring"):
        keyring.create(tmp_path / "no" / "keys")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_keyring_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys"
    keyring.create(path)
    path.chmod(mode)
    with pytest.raises(UserError, match=f"mode {mode:04o}") as caught:
        keyring.read(path)
    assert "chmod 600" in str(caught.value.hint)


def test_what_is_no_file_is_no_keyring(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("pipe", "."):
        with pytest.raises(UserError, match="is not a file"):
            keyring.read(tmp_path / name)
    with pytest.raises(UserError, match="cannot read the keyring"):
        keyring.read(tmp_path / "missing")
