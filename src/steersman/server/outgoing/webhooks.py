"""Requests to addresses that a project names: webhooks, and what speaks as Slack does.

Such an address may be a trap: one inside our own network. The name is resolved here, every address
it has must be public, and the connection goes to the very address that was looked at.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import re
import socket
from collections.abc import Mapping
from typing import NamedTuple

import httpx2

from steersman.core import announcements
from steersman.core.alerts import Alerts
from steersman.core.errors import Refused, Unavailable
from steersman.core.forges.statuses import Request
from steersman.core.notifications import Change, Target

SECONDS = 10.0
"""How long a step of a request may take: to connect, to send, to hear the next bytes."""
LONGEST = 3 * SECONDS
MOST_BYTES = 64 * 1024
_TRIED_ADDRESSES = 3
_LATER = frozenset({408, 409, 425, 429})
_LONGEST_PAUSE = 3600.0
# Public by their numbers, or so older Pythons say, and yet doors of clouds to what they keep.
_CLOUDS = tuple(map(ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24", "64:ff9b:1::/48")))
_UNSPEAKABLE = (
    httpx2.LocalProtocolError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
    UnicodeError,
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Later(Unavailable):
    """It may go through once more, but not before *after* seconds."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class Answer(NamedTuple):
    """What came back: at most 64 KiB of it. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Guard(httpx2.AsyncBaseTransport):
    """Lets requests through to public addresses only."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.raw_host.decode("ascii")
        addresses = await _addresses(host)
        if hidden := next((each for each in addresses if not is_public(each)), None):
            raise Refused(
                f"{host} is inside a private network ({hidden})",
                hint="let the server's settings allow private targets, if that is meant",
            )
        failure: Exception = Unavailable(f"{host} has no address")
        for address in addresses[:_TRIED_ADDRESSES]:
            try:
                return await self._inner.handle_async_request(_pinned(request, host, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def aclose(self) -> None:
        await self._inner.aclose()


def _pinned(request: httpx2.Request, host: str, address: str) -> httpx2.Request:
    """Return *request* to one address; certificate and `Host` are still those of the name."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


async def _addresses(host: str) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"the name {host} cannot be resolved") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def is_public(address: str) -> bool:
    """Tell whether *address* is one that anybody on the internet could reach."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and (inner := _inside(found)) is not None:
        found = inner
    hidden = found.is_multicast or any(found in network for network in _CLOUDS)
    return found.is_global and not hidden


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the old address that a new one stands for."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


def client(
    *,
    allow_private: bool,
    seconds: float = SECONDS,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> httpx2.AsyncClient:
    """Return a client that follows nothing, keeps nothing and reads no variables of proxies."""
    # It logs addresses, and that of Slack is a secret.
    for name in ("httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # A connection that is kept is known by its address: another name's request might take it.
    inner = transport or httpx2.AsyncHTTPTransport(
        trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
    )
    return httpx2.AsyncClient(
        transport=inner if allow_private else Guard(inner),
        timeout=seconds,
        trust_env=False,
        follow_redirects=False,
    )


async def exchange(client: httpx2.AsyncClient, request: Request) -> Answer:
    """Send *request* and return the answer, whatever it is."""
    headers = {**request.headers, "accept-encoding": "identity"}
    try:
        url = _address(request.url)
        sending = client.stream(request.method, url, headers=headers, content=request.body)
        async with asyncio.timeout(LONGEST), sending as response:
            body = await _body(response)
            return Answer(response.status_code, dict(response.headers), body)
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise Unavailable("there was no answer in time") from error
    except _UNSPEAKABLE as error:
        # What is wrong is not quoted: it may be a token.
        raise Refused("no such request can be made", hint="check address and secret") from error
    except httpx2.HTTPError as error:
        said = shown(str(error).encode()) or type(error).__name__
        raise Unavailable(f"it cannot be reached: {said}") from error


def _address(text: str) -> httpx2.URL:
    """Read an address; a port that cannot be is found by nobody else before the system."""
    url = httpx2.URL(text)
    if url.port is not None and not 0 < url.port < 65536:
        raise httpx2.InvalidURL("no such port")
    return url


async def _body(response: httpx2.Response) -> bytes:
    """Return the beginning of the body: who sends more is not worth more memory."""
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) >= MOST_BYTES:
            break
    return body[:MOST_BYTES]


def shown(body: bytes) -> str:
    """Return the beginning of what a stranger says, fit to be shown."""
    words = " ".join(body[:1000].decode("utf-8", "replace").split())
    return re.sub(r"[^ -~]", "?", words)[:200]


def accepted(answer: Answer) -> str:
    """Return what to note of an answer that is good; raise for any other."""
    said = f"{answer.status} {shown(answer.body)}".strip()
    if 200 <= answer.status < 300:
        return said
    if answer.status >= 500 or answer.status in _LATER:
        raise Later(f"the answer was {said}", _pause(answer.headers))
    if 300 <= answer.status < 400:
        hint = "give the target the address it leads to"
        raise Refused(f"the answer was a redirection ({answer.status})", hint=hint)
    raise Refused(f"the answer was {said}", hint="check address and secret, then send it again")


def _pause(headers: Mapping[str, str]) -> float:
    given = headers.get("retry-after", "")
    return min(float(given), _LONGEST_PAUSE) if re.fullmatch(r"[0-9]{1,9}", given) else 0.0


class Envelope(NamedTuple):
    """What a message is sent with: its *id*, the moment, its target's secret and our address."""

    id: str
    now: float
    secret: str
    base_url: str

    def page(self, change: Change | Alerts) -> str:
        """Return the page that shows more."""
        return announcements.page(change, self.base_url)


def webhook(target: Target, change: Change | Alerts, envelope: Envelope) -> Request:
    """Return the signed event for the program behind *target*."""
    event = announcements.cloud_event(change, envelope.id, envelope.base_url)
    body = json.dumps(event).encode()
    headers = announcements.signed(envelope.id, envelope.now, body, envelope.secret)
    kind = {"content-type": "application/cloudevents+json", "user-agent": "steersman"}
    return Request("POST", target.url, {**kind, **headers}, body)


def slack(target: Target, change: Change | Alerts, envelope: Envelope) -> Request:
    """Return the message for a channel; the address of *target* is its secret."""
    body = json.dumps(announcements.slack(change, envelope.page(change))).encode()
    headers = {"content-type": "application/json", "user-agent": "steersman"}
    url = envelope.secret or target.url
    if not url:
        raise Refused("the target has no address", hint="give the target its address anew")
    return Request("POST", url, headers, body)
