"""No address of a project leads into our own network."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from steersman.core.errors import Refused, Unavailable
from steersman.core.forges.statuses import Request
from steersman.server.outgoing import webhooks
from steersman.server.outgoing.webhooks import Answer

HIDDEN = """
127.0.0.1 127.9.9.9 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1
100.100.100.200 192.0.0.192 168.63.129.16 224.0.0.1 255.255.255.255 240.0.0.1 198.18.0.1
:: ::1 fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 ::ffff:10.0.0.1 64:ff9b::a00:1
64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:7f00:1:: 2001:db8::1 localhost 010.0.0.1
"""


@pytest.mark.parametrize("address", HIDDEN.split())
def test_what_is_ours_alone_is_not_public(address: str) -> None:
    assert not webhooks.is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_what_everybody_reaches_is_public(address: str) -> None:
    assert webhooks.is_public(address)


@pytest.mark.parametrize("host", ["93.184.216.34", "[2606:4700::1111]"])
def test_the_address_that_was_looked_at_is_the_one_that_is_used(host: str) -> None:
    seen: list[httpx2.Request] = []

    def heard(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, stream=httpx2.ByteStream(b"ok"))

    async def scenario() -> Answer:
        client = webhooks.client(allow_private=False, transport=httpx2.MockTransport(heard))
        async with client:
            url = f"https://{host}:8443/ci?x=1"
            return await webhooks.exchange(client, Request("POST", url, {}, b"body"))

    assert asyncio.run(scenario()).body == b"ok"
    [request] = seen
    assert str(request.url) == f"https://{host}:8443/ci?x=1"
    assert request.headers["host"] == f"{host}:8443"
    assert request.extensions["sni_hostname"] == host.strip("[]")
    assert request.content == b"body"


def test_a_name_without_addresses_may_get_one_later() -> None:
    async def scenario() -> None:
        async with webhooks.client(allow_private=False) as client:
            await webhooks.exchange(client, Request("POST", "http://nowhere.invalid/", {}, b""))

    with pytest.raises(Unavailable, match="cannot be resolved"):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:1/", {"authorization": "Bearer hush\r\nx: y"}),
        ("ftp://127.0.0.1/hush", {}),
        ("http://127.0.0.1:99999999/hush", {}),
        ("/hush", {}),
        (f"http://{'a' * 70}.example/hush", {}),
    ],
)
def test_a_request_that_cannot_be_made_is_refused_without_its_secret(
    url: str, headers: dict[str, str]
) -> None:
    async def scenario() -> None:
        async with webhooks.client(allow_private=True) as client:
            await webhooks.exchange(client, Request("POST", url, headers, b""))

    with pytest.raises((Refused, Unavailable)) as caught:
        asyncio.run(scenario())
    assert "hush" not in f"{caught.value} {caught.value.hint}"
