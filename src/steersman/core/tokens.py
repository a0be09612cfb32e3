"""Tokens: what they look like, what is stored of them, and which still work.

A token says its kind at its beginning, so that people and scanners for leaked secrets know what
they look at. It ends in a checksum, by which a mistyped token is told from a wrong one without
asking the store. The token of an attempt is derived instead of stored: whoever adopts the lease
can make it again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import zlib
from enum import StrEnum
from typing import NamedTuple

from steersman.core.permissions import Scope

LEAST_RANDOM_BYTES = 16
LEAST_KEY_BYTES = 16
# Any other use of the same key signs something else than this and an id.
_SIGNED_FOR = b"steersman attempt token\0"
_MADE = re.compile(r"(?P<body>steer_[a-z]+_[a-z2-7]{26,})(?P<checksum>[a-z2-7]{7})")
_DERIVED = re.compile(r"steer_att_(?P<attempt>[A-Za-z0-9.-]{1,100})_(?P<mac>[a-z2-7]{52})")


class Kind(StrEnum):
    """What a token is for; the value is how it begins."""

    PERSONAL = "steer_pat_"
    SESSION = "steer_ses_"
    WORKER = "steer_wrk_"
    ATTEMPT = "steer_att_"
    HOOK = "steer_hook_"


class Token(NamedTuple):
    """What is stored of a token of *user*: everything but the token itself.

    *expires* is None for one that lasts, *revoked* is when it was taken back.
    """

    id: str
    user: str
    name: str
    digest: str
    scopes: frozenset[Scope]
    created: float
    expires: float | None = None
    last_used: float | None = None
    revoked: float | None = None


def make(kind: Kind, randomness: bytes) -> str:
    """Make a token of *kind*; 20 bytes of *randomness* are plenty, less than 16 are refused."""
    if kind is Kind.ATTEMPT:
        raise ValueError("the token of an attempt is derived from its id")
    if len(randomness) < LEAST_RANDOM_BYTES:
        raise ValueError(f"{len(randomness)} random bytes are too few for a token")
    body = kind + _spelled(randomness)
    return body + _checksum(body)


def kind_of(text: str) -> Kind | None:
    """Return the kind of the token *text*, None when it is none or was mistyped.

    What is returned says nothing of whether the token works.
    """
    if _DERIVED.fullmatch(text):
        return Kind.ATTEMPT
    found = _MADE.fullmatch(text)
    if found is None or found["checksum"] != _checksum(found["body"]):
        return None
    kind = _prefix_of(text)
    return None if kind is Kind.ATTEMPT else kind


def is_mistyped(text: str) -> bool:
    """Tell whether *text* begins like a token of ours, and yet can never have been one."""
    return _prefix_of(text) is not None and kind_of(text) is None


def digest(token: str) -> str:
    """Return what is stored of *token*: it has so many random bits that a plain hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def attempt_token(key: bytes, attempt_id: str) -> str:
    """Derive the token of one attempt; the id can be read from it, the rest needs *key*."""
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"a key of {len(key)} bytes is too short to sign tokens")
    mac = hmac.digest(key, _SIGNED_FOR + attempt_id.encode(), "sha256")
    token = f"{Kind.ATTEMPT}{attempt_id}_{_spelled(mac)}"
    if not _DERIVED.fullmatch(token):
        raise ValueError(f"{attempt_id[:40]!r} cannot stand in a token")
    return token


def attempt_of(key: bytes, token: str) -> str | None:
    """Return the id of the attempt that *token* was derived for, None when *key* did not do it."""
    found = _DERIVED.fullmatch(token)
    if found is None:
        return None
    attempt = found["attempt"]
    right = hmac.compare_digest(token.encode(), attempt_token(key, attempt).encode())
    return attempt if right else None


def usable(token: Token, now: float) -> bool:
    """Tell whether *token* still opens anything."""
    return token.revoked is None and (token.expires is None or now < token.expires)


def _prefix_of(text: str) -> Kind | None:
    return next((kind for kind in Kind if text.startswith(kind)), None)


def _spelled(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()


def _checksum(body: str) -> str:
    return _spelled(zlib.crc32(body.encode()).to_bytes(4))
