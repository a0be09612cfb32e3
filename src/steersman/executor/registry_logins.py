"""Turns credentials into what a registry takes: Amazon and Azure give out passwords for a while."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from steersman.containers.base import Login
from steersman.core import aws_signatures, references
from steersman.core.errors import Refused, Unavailable
from steersman.core.registry_logins import (
    AZURE_USER,
    Azure,
    Basic,
    Credentials,
    Ecr,
    ecr_endpoint,
)

DEADLINE = 30.0
LONGEST = 1 << 20
_AUTHORITY = "https://login.microsoftonline.com"
_SCOPE = "https://management.azure.com/.default"
_TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
_FORM = "application/x-www-form-urlencoded"


async def login(given: Credentials, environ: Mapping[str, str] = os.environ) -> Login | None:
    """Return a username and a password; None: whatever this machine's docker command knows.

    `AWS_ENDPOINT_URL_ECR`, `AWS_ENDPOINT_URL` and `AZURE_AUTHORITY_HOST` name other servers, as
    for the programs of Amazon and Microsoft.
    """
    if isinstance(given, Basic):
        return Login(given.username, given.password)
    if isinstance(given, Ecr):
        named = environ.get("AWS_ENDPOINT_URL_ECR") or environ.get("AWS_ENDPOINT_URL")
        return await _of_amazon(given, named or ecr_endpoint(given.region), datetime.now(UTC))
    if isinstance(given, Azure):
        return await _of_azure(given, environ.get("AZURE_AUTHORITY_HOST") or _AUTHORITY)
    return None


async def _of_amazon(given: Ecr, endpoint: str, now: datetime) -> Login:
    """Ask for an authorization token: user and password of the registry, for twelve hours."""
    body = json.dumps({"registryIds": [given.registry_id]}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": _TARGET}
    key = aws_signatures.Key(given.access_key, given.secret_key, given.region, "ecr")
    host = endpoint.partition("://")[2].partition("/")[0]
    said = await _post(
        f"{endpoint.rstrip('/')}/",
        aws_signatures.signed(key, host, headers, body, now),
        body,
        "Amazon gives no password for its registry",
    )
    try:
        token = base64.b64decode(said["authorizationData"][0]["authorizationToken"]).decode()
    except (KeyError, IndexError, TypeError, binascii.Error, UnicodeDecodeError) as error:
        raise Refused(f"{endpoint} answers without an authorization token") from error
    username, _, password = token.partition(":")
    return Login(username, password)


async def _of_azure(given: Azure, authority: str) -> Login:
    """Take a token of the directory, and change it for a refresh token of the registry."""
    told = await _form(
        f"{authority.rstrip('/')}/{given.tenant_id}/oauth2/v2.0/token",
        {
            "grant_type": "client_credentials",
            "client_id": given.client_id,
            "client_secret": given.client_secret,
            "scope": _SCOPE,
        },
        "Azure does not know the service principal (azure-client-id and its secret)",
    )
    changed = await _form(
        f"{_scheme(given.login_server)}://{given.login_server}/oauth2/exchange",
        {
            "grant_type": "access_token",
            "service": given.login_server,
            "tenant": given.tenant_id,
            "access_token": str(told.get("access_token", "")),
        },
        f"the registry {given.login_server} does not take Azure's token",
    )
    token = str(changed.get("refresh_token", ""))
    if not token:
        raise Refused(f"{given.login_server} answers without a refresh token")
    return Login(AZURE_USER, token)


def _scheme(host: str) -> str:
    """Speak plainly with this machine alone, as engines do."""
    return "http" if references.is_loopback(host) else "https"


async def _form(url: str, fields: Mapping[str, str], trouble: str) -> dict[str, Any]:
    return await _post(url, {"Content-Type": _FORM}, urlencode(fields).encode(), trouble)


async def _post(url: str, headers: Mapping[str, str], body: bytes, trouble: str) -> dict[str, Any]:
    return await asyncio.to_thread(_answer, url, headers, body, trouble)


def _answer(url: str, headers: Mapping[str, str], body: bytes, trouble: str) -> dict[str, Any]:
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    where = url.partition("?")[0]
    request = Request(url, body, dict(headers), method="POST")  # noqa: S310 - ours, or the admin's
    try:
        with urlopen(request, timeout=DEADLINE) as answer:  # noqa: S310
            data = json.loads(answer.read(LONGEST))
    except HTTPError as error:
        raise Refused(f"{trouble}: {_why(error.read(LONGEST)) or error.reason}") from error
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", None) or error
        raise Unavailable(f"{trouble}: {where} does not answer: {why}") from error
    except ValueError as error:
        raise Refused(f"{trouble}: {where} answers with no JSON") from error
    return data if isinstance(data, dict) else {}


def _why(body: bytes) -> str:
    """Return what an error says, in whichever of the three forms."""
    try:
        data = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(data, dict):
        return ""
    if errors := data.get("errors"):
        data = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else data
    words = (data.get(name) for name in ("message", "Message", "error_description", "error"))
    return str(next((word for word in words if word), data.get("__type", "")))[:500]
