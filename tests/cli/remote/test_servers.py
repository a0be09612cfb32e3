"""Which server is meant, and how logins are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.cli.remote import servers
from steersman.cli.remote.servers import Server, Servers, Wanted
from steersman.core.errors import UserError

HOME = Server("https://home.example", "one", "ada")
WORK = Server("https://work.example", "two", "ada", "id")
BOTH = Servers("home", {"home": HOME, "work": WORK})
PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@given(name=PRINTABLE, token=PRINTABLE)
def test_what_is_written_is_read_again(
    name: str, token: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "servers" / "servers.toml"
    kept = Servers(name, {name: Server("https://x", token), "other.example:80": WORK})
    servers.write(path, kept)
    assert servers.read(path) == kept
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_file_means_no_servers(tmp_path: Path) -> None:
    assert servers.read(tmp_path / "none.toml") == Servers()


@pytest.mark.parametrize("text", ["= 1", "servers = 3", "[servers.x]\nurl = 'a'", "\udcff"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "servers.toml"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(UserError, match=r"servers\.toml"):
        servers.read(path)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), HOME),
        (Wanted(context="work"), WORK),
        (Wanted(server="https://work.example/"), WORK),
        (Wanted(token="three"), HOME._replace(token="three")),
        (Wanted(server="https://new.example", token="x"), Server("https://new.example", "x")),
    ],
)
def test_a_server_is_chosen_by_what_was_said(wanted: Wanted, found: Server) -> None:
    assert servers.choose(BOTH, wanted) == found


@pytest.mark.parametrize(
    ("known", "wanted", "words"),
    [
        (Servers(), Wanted(), "no server is known"),
        (BOTH._replace(current=""), Wanted(), "several servers are known"),
        (BOTH, Wanted(context="nowhere"), "no context 'nowhere'"),
        (BOTH, Wanted(server="https://other.example"), "no token is known"),
        (BOTH, Wanted(server="https://home.example", context="work"), "is at https://work"),
        (
            Servers("", {"a": HOME, "b": HOME._replace(name="bob")}),
            Wanted(server="https://home.example"),
            "several logins",
        ),
    ],
)
def test_a_token_goes_nowhere_it_was_not_meant_for(
    known: Servers, wanted: Wanted, words: str
) -> None:
    with pytest.raises(UserError, match=words) as error:
        servers.choose(known, wanted)
    assert error.value.hint
