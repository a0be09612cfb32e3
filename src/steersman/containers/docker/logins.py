"""Credentials for registries: those of the pipeline, else those the docker command keeps."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from steersman.containers.base import Login
from steersman.core import image_builds, references

_HUB_KEY = "https://index.docker.io/v1/"
_HELPER_DEADLINE = 15.0


def header(login: Login, registry: str) -> str:
    """Return the value of X-Registry-Auth."""
    server = _HUB_KEY if registry == references.DOCKER_HUB else registry
    data = {"username": login.username, "password": login.password, "serveraddress": server}
    if login.username == "<token>":
        data = {"identitytoken": login.password, "serveraddress": server}
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode()


async def of_user(config: Mapping[str, Any], registry: str) -> Login | None:
    """Return what config.json knows for *registry*, asking the credential helper it names."""
    keys = [registry, f"https://{registry}", f"https://{registry}/v2/"]
    if registry == references.DOCKER_HUB:
        keys = [_HUB_KEY, *keys]
    helpers = config.get("credHelpers") or {}
    helper = next((helpers[key] for key in keys if key in helpers), config.get("credsStore"))
    if helper:
        for key in keys:
            if login := await _ask_helper(str(helper), key):
                return login
    auths = config.get("auths") or {}
    return next((login for key in keys if (login := _stored(auths.get(key)))), None)


async def for_build(
    config: Mapping[str, Any], given: Mapping[str, image_builds.Login]
) -> dict[str, dict[str, str]]:
    """Return what X-Registry-Config holds: a build may pull from any registry.

    Those *given* go before what config.json knows.
    """
    found: dict[str, dict[str, str]] = {}
    for key, entry in (config.get("auths") or {}).items():
        if login := _stored(entry):
            found[key] = _for_build(login)
    for key, helper in (config.get("credHelpers") or {}).items():
        if login := await _ask_helper(str(helper), key):
            found[key] = _for_build(login)
    for registry, one in given.items():
        key = _HUB_KEY if registry == references.DOCKER_HUB else registry
        found[key] = {"username": one.username, "password": one.password}
    return found


def _for_build(login: Login) -> dict[str, str]:
    if login.username == "<token>":
        return {"identitytoken": login.password}
    return {"username": login.username, "password": login.password}


def _stored(entry: Any) -> Login | None:
    if not isinstance(entry, dict):
        return None
    if token := entry.get("identitytoken"):
        return Login(username="<token>", password=str(token))
    try:
        text = base64.b64decode(str(entry.get("auth") or "")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    username, colon, password = text.partition(":")
    return Login(username=username, password=password.rstrip("\0")) if colon else None


async def _ask_helper(helper: str, key: str) -> Login | None:
    """Ask a helper; one that is missing, fails or hangs knows nothing."""
    try:
        program = await asyncio.create_subprocess_exec(
            f"docker-credential-{helper}", "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return None
    try:
        async with asyncio.timeout(_HELPER_DEADLINE):
            said, _ = await program.communicate(key.encode())
        data = json.loads(said)
        return Login(username=data["Username"], password=data["Secret"])
    except TimeoutError:
        program.kill()
        await program.wait()
        return None
    except (ValueError, KeyError, TypeError):
        return None
