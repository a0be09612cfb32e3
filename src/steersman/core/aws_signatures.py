"""Amazon's signature of a request, version 4, as far as one POST of JSON needs it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple


class Key(NamedTuple):
    """An access key, for one service in one region."""

    access_key: str
    secret_key: str
    region: str
    service: str


def signed(
    key: Key, host: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> dict[str, str]:
    """Return *headers* of a POST to `/` at *host* with its signature; *now* is in UTC."""
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    signing = {name.lower(): value.strip() for name, value in headers.items()}
    signing |= {"host": host, "x-amz-date": moment}
    names = ";".join(sorted(signing))
    lines = "".join(f"{name}:{signing[name]}\n" for name in sorted(signing))
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{key.region}/{key.service}/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    signature = hmac.new(_derived(key, moment[:8]), text.encode(), "sha256").hexdigest()
    credential = f"Credential={key.access_key}/{scope}"
    return {
        **headers,
        "X-Amz-Date": moment,
        "Authorization": (
            f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
        ),
    }


def _derived(key: Key, day: str) -> bytes:
    derived = f"AWS4{key.secret_key}".encode()
    for part in (day, key.region, key.service, "aws4_request"):
        derived = hmac.digest(derived, part.encode(), "sha256")
    return derived
