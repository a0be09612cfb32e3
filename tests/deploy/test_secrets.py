"""The Secrets that are made once: the keys, the first tokens, the runner port's certificate."""

from __future__ import annotations

import base64
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from steersman import keyring
from steersman.cli import main
from steersman.cli.installing import certificates, secrets
from steersman.core import tokens
from tests.deploy.wanted import LEAST, one

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def printed(capsys: pytest.CaptureFixture[str], *more: str) -> list[dict[str, Any]]:
    assert main.run(["install", "--dry-run", "--secrets", *more]) == 0
    return [each for each in yaml.safe_load_all(capsys.readouterr().out) if each]


def values(secret: dict[str, Any]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_keys_and_tokens_are_such_that_servers_take_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = printed(capsys)
    keys = values(one(found, "Secret", "steersman-keys"))
    ring = keyring.parse(keys["keyring"], "the Secret")
    assert ring.open("p", "n", ring.seal("p", "n", b"hidden")) == b"hidden"
    assert len(keys["attempt-key"]) >= tokens.LEAST_KEY_BYTES
    said = values(one(found, "Secret", "steersman-tokens"))
    assert tokens.kind_of(said["admin"]) is tokens.Kind.PERSONAL
    assert tokens.kind_of(said["worker"]) is tokens.Kind.WORKER


def test_keys_cannot_be_changed_in_place_since_what_they_sealed_would_be_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert one(printed(capsys), "Secret", "steersman-keys")["immutable"] is True


def test_no_two_installations_share_anything_secret(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (
        {value for each in printed(capsys) for value in each["data"].values()} for _ in range(2)
    )
    assert first.isdisjoint(second)


def test_they_stand_in_the_namespace_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "--namespace", "ci")
    assert {each["metadata"]["namespace"] for each in found} == {"ci"}


def test_a_release_of_another_name_gets_a_certificate_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "blue-steersman-runners.ci.svc"
    tls = values(one(printed(capsys, "--runner-host", name), "Secret", "steersman-runners-tls"))
    certificate = x509.load_pem_x509_certificate(tls["tls.crt"].encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert name in names.get_values_for_type(x509.DNSName)


def made() -> certificates.Certificate:
    return certificates.make(secrets.served_names(LEAST.wishes), NOW)


def handshake(certificate: certificates.Certificate, trusted: str, name: str, folder: Path) -> None:
    """Let a client that trusts one authority and is strict about it greet the server."""
    for file, text in zip(("crt", "key"), certificate, strict=False):
        (folder / file).write_text(text)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "crt", folder / "key")
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.load_verify_locations(cadata=trusted)
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = serving.wrap_bio(up, down, server_side=True)
    client = asking.wrap_bio(down, up, server_hostname=name)
    waiting = [client, server]
    while waiting:
        one_side = waiting.pop(0)
        try:
            one_side.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(one_side)


@pytest.mark.parametrize("name", secrets.served_names(LEAST.wishes))
def test_runners_know_the_server_under_each_of_its_names(name: str, tmp_path: Path) -> None:
    today = certificates.make(secrets.served_names(LEAST.wishes), datetime.now(UTC))
    handshake(today, today.authority, name, tmp_path)


@pytest.mark.parametrize("name", ["steersman.steersman.svc", "example.org"])
def test_the_certificate_is_for_no_other_name(name: str, tmp_path: Path) -> None:
    today = certificates.make(secrets.served_names(LEAST.wishes), datetime.now(UTC))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(today, today.authority, name, tmp_path)


def test_a_runner_believes_no_other_installation(tmp_path: Path) -> None:
    mine, other = (
        certificates.make(secrets.served_names(LEAST.wishes), datetime.now(UTC)) for _ in range(2)
    )
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(mine, other.authority, secrets.served_names(LEAST.wishes)[0], tmp_path)


def test_the_certificate_signs_no_others_and_its_authority_only_such() -> None:
    certificate, authority = (
        x509.load_pem_x509_certificate(text.encode())
        for text in (made().certificate, made().authority)
    )
    of = {
        each: each.extensions.get_extension_for_class(x509.BasicConstraints).value
        for each in (certificate, authority)
    }
    assert not of[certificate].ca
    assert of[authority].path_length == 0


def test_the_certificate_holds_for_years_from_a_little_before_now() -> None:
    certificate = x509.load_pem_x509_certificate(made().certificate.encode())
    assert certificate.not_valid_before_utc < NOW
    assert certificate.not_valid_after_utc >= NOW + timedelta(days=9 * 365)
