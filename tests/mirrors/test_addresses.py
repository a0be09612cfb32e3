"""What may be fetched from, and what git is told."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from steersman.core.errors import Refused, SteersmanError, Unavailable, UserError
from steersman.mirrors import Credentials, Rules, commands, complaints
from steersman.mirrors.addresses import Address, masked, of_submodule, parse

ALL = Rules(allow_http=True, allow_git=True, allow_local=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a/b.git",
        "https://example.com:8443/a",
        "https://[::1]:8443/a",
        "ssh://git@example.com:22/a/b",
        "ssh://example.com/~ada/b",
        "git@example.com:a/b.git",
        "example.com:a",
    ],
)
def test_https_and_ssh_are_always_allowed_and_given_to_git_as_written(url: str) -> None:
    assert parse(url, Rules()) == (parse(url, ALL)[0], None)
    assert parse(url, Rules())[0].text == url


@pytest.mark.parametrize(
    ("url", "rules"),
    [
        ("http://example.com/a", Rules(allow_http=True)),
        ("git://example.com/a", Rules(allow_git=True)),
        ("/srv/a", Rules(allow_local=True)),
        ("file:///srv/a", Rules(allow_local=True)),
    ],
)
def test_other_ways_are_allowed_by_their_flag_alone(url: str, rules: Rules) -> None:
    assert parse(url, rules)[0].text == url
    with pytest.raises(UserError, match="this server does not fetch from"):
        parse(url, Rules())
    http, git, local = (not flag for flag in (rules.allow_http, rules.allow_git, rules.allow_local))
    others = Rules(allow_http=http, allow_git=git, allow_local=local)
    with pytest.raises(UserError, match="this server does not fetch from"):
        parse(url, others)


HOSTILE = [
    "",
    "-x",
    "--upload-pack=touch x",
    "ext::sh -c touch% x",
    "ext::sh",
    "fd::17",
    "transport::https://example.com/a",
    "ext://example.com/a",
    "ftp://example.com/a",
    "ssh://-oProxyCommand=touch/x",
    "ssh://git@-oProxyCommand=touch/x",
    "ssh://-l@example.com/x",
    "-oProxyCommand=x:a",
    "git@-oProxyCommand=x:a",
    "example.com:-x",
    "ssh://git:password@example.com/x",
    "https:///x",
    "https://example.com",
    "https://exa mple.com/x",
    "https://example.com/x\n",
    "https://example.com/x%0ahost=evil.example",
    "https://example.com/x%00",
    "https://a@b@example.com/x",
    "https://example.com\\@evil.example/x",
    "https://example.com/x?y",
    "https://example.com/x#y",
    "https://example.com:port/x",
    "file://example.com/x",
    "relative/path",
    "./relative",
    "../relative",
    "~/x",
    "git@example.com:a\0b",
    "https://example.com/" + "x" * 3000,
]


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_refused_even_when_all_is_allowed(url: str) -> None:
    with pytest.raises(UserError):
        parse(url, ALL)


@given(some.one_of(some.text(), some.sampled_from(HOSTILE).flatmap(lambda one: some.just(one[1:]))))
def test_whatever_is_allowed_is_no_option_no_helper_and_one_line(url: str) -> None:
    try:
        text = parse(url, ALL)[0].text
    except UserError:
        return
    assert not text.startswith("-")
    assert not re.match(r"[\w+.-]+::", text)
    assert min(map(ord, text)) > 32


def test_a_login_is_taken_out_of_an_address() -> None:
    address, given_login = parse("https://ada:p%40ss@example.com/x", Rules())
    assert address.text == "https://example.com/x"
    assert given_login == Credentials("ada", "p@ss")
    assert "p@ss" not in repr(given_login)
    with pytest.raises(UserError) as caught:
        parse("ftp://ada:hunter22@example.com/x", Rules())
    assert "hunter22" not in str(caught.value)
    assert masked("fatal: https://ada:hunter22@example.com/x") == "fatal: https://example.com/x"


@pytest.mark.parametrize(
    ("parent", "url", "expected"),
    [
        ("https://example.com/a/b.git", "../c.git", "https://example.com/a/c.git"),
        ("https://example.com/a/b/", "../../c", "https://example.com/c"),
        ("https://example.com/a/b", "./c", "https://example.com/a/b/c"),
        ("git@example.com:a/b", "../c", "git@example.com:a/c"),
        ("git@example.com:b", "../c", "git@example.com:c"),
        ("https://example.com/a", "https://ada:x@other.example/c", "https://other.example/c"),
        ("/srv/a", "../b", "/srv/b"),
        ("/srv/a", "file:///srv/c", "file:///srv/c"),
    ],
)
def test_a_submodule_is_found_from_its_parent(parent: str, url: str, expected: str) -> None:
    assert of_submodule(parse(parent, ALL)[0], url, ALL).text == expected


@pytest.mark.parametrize(
    "url", ["/srv/secret", "file:///srv/secret", "../../../x", "ext::sh", "-x"]
)
def test_a_submodule_does_not_reach_the_disk_or_above_its_host(url: str) -> None:
    with pytest.raises(UserError):
        of_submodule(parse("https://example.com/a/b", ALL)[0], url, ALL)


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "-x",
        "--all",
        "a..b",
        "a b",
        "a^",
        "a~1",
        "a:b",
        "a@{1}",
        "@",
        "a*",
        "a?",
        "[a]",
        "a\\b",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a.lock/b",
        "a.",
        "a\nb",
        "a\x00",
        "\x7f",
    ],
)
def test_what_cannot_be_a_ref_is_refused(ref: str) -> None:
    with pytest.raises(UserError):
        commands.check_ref(ref)
    with pytest.raises(UserError):
        commands.refspecs([f"refs/pull/{ref}/head^"])


@given(some.text(max_size=20))
def test_what_passes_as_a_ref_is_a_name_and_not_an_expression(text: str) -> None:
    try:
        ref = commands.check_ref(text)
    except UserError:
        return
    assert not ref.startswith(("-", "/", "."))
    assert not set(ref) & set(" ~^:?*[\\\0\n\x7f")
    assert ".." not in ref


@pytest.mark.parametrize(
    "ref", ["main", "refs/replace/x", "refs/*/*/head", "+refs/heads/x", "refs/heads/a:refs/heads/b"]
)
def test_only_whole_names_can_be_fetched_beside_heads_and_tags(ref: str) -> None:
    with pytest.raises(UserError):
        commands.refspecs([ref])


def test_the_environment_is_built_from_nothing() -> None:
    inherited = {
        "PATH": "/bin",
        "https_proxy": "http://proxy:1",
        "GIT_DIR": "/x",
        "GIT_SSH": "/x",
        "GIT_EXEC_PATH": "/x",
        "LD_PRELOAD": "/x",
        "STEERSMAN_KEY": "secret",
        "HOME": "/root",
        "GIT_TRACE": "1",
    }
    environment = commands.environment(inherited, Rules())
    taken = {name for name, value in inherited.items() if environment.get(name) == value}
    assert taken == {"PATH", "https_proxy"}
    assert environment["GIT_ALLOW_PROTOCOL"] == "https:ssh"
    assert commands.environment({}, ALL)["GIT_ALLOW_PROTOCOL"] == "https:ssh:http:git:file"
    count = int(environment["GIT_CONFIG_COUNT"])
    settings = {
        environment[f"GIT_CONFIG_KEY_{number}"]: environment[f"GIT_CONFIG_VALUE_{number}"]
        for number in range(count)
    }
    assert settings["core.hooksPath"] == "/dev/null"
    assert settings["safe.directory"] == "*"


@pytest.mark.parametrize("secret", ["two\nlines", "nul\0", "bell\a"])
def test_credentials_that_cannot_be_said_on_one_line_are_refused(secret: str) -> None:
    login = commands.Login(Address("https", "", "h", "/x"), Credentials("a", secret), "a", "", "k")
    with pytest.raises(UserError, match="control characters"):
        commands.login_environment(login, Rules())


@pytest.mark.parametrize(
    ("err", "kind", "message"),
    [
        ("fatal: write error: No space left on device", Unavailable, "the disk of the mirrors"),
        ("fatal: unable to access 'x': Could not resolve host: h", Unavailable, "does not answer"),
        ("ssh: connect to host h port 22: Connection refused", Unavailable, "does not answer"),
        ("fatal: unable to access: The requested URL returned error: 503", Unavailable, "answer"),
        ("fatal: Authentication failed for 'https://h/'", UserError, "the login was refused"),
        ("fatal: could not read Username for 'https://h'", UserError, "the login was refused"),
        ("fatal: repository 'https://h/x/' not found", UserError, "was not found"),
        ("remote: ERROR: Repository not found.\nfatal: Could not", UserError, "was not found"),
        ("fatal: 'x' does not appear to be a git repository", UserError, "no git repository"),
        ("fatal: couldn't find remote ref refs/pull/1/head", UserError, "no such ref"),
        ("Host key verification failed.\nfatal: Could not read", Refused, "ssh key"),
        ("error: object 1: gitmodulesUrl: disallowed\nfatal: fsck error", Refused, "hostile"),
        ("fatal: not a git repository: '/m/p.git'", complaints.Damaged, "the mirror is damaged"),
        ("fatal: something new", Unavailable, "something new"),
        ("", Unavailable, "git failed without a word"),
    ],
)
def test_what_git_says_is_told_in_words(err: str, kind: type[SteersmanError], message: str) -> None:
    error = complaints.error("cannot fetch x", err)
    assert type(error) is kind
    assert str(error).startswith("cannot fetch x: ")
    assert message in str(error)
    assert error.hint


def test_secrets_and_control_characters_are_not_told() -> None:
    err = "fatal: odd \x1b[31mthing at https://ada:hunter22@h/x with token-4711"
    error = str(complaints.error("cannot fetch", err, "token-4711"))
    assert "hunter22" not in error
    assert "token-4711" not in error
    assert error.isprintable()
    assert "odd" in error


def test_what_the_other_side_complains_of_is_not_our_damage() -> None:
    assert not complaints.is_damage("remote: fatal: bad object HEAD")
    assert complaints.is_damage("fatal: bad object HEAD")
    assert not complaints.is_damage(f"fatal: bad object {'1' * 40}")
