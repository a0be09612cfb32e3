"""Why an image is not there: the registry's own words, and whether waiting may help."""

from __future__ import annotations

import re
from typing import NamedTuple

WAITING = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError"}
)
NEVER = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_NOISE = re.compile(
    r"^(?:rpc error: code = \w+ desc = |Error response from daemon: |"
    r"failed to pull and unpack image \S+: |failed to resolve (?:reference|image) \S+: |"
    r"Failed to pull image \S+: |\S+: failed to do request: )+"
)
_HOPELESS = re.compile(
    r"not found|manifest unknown|does not exist|name unknown|repository name|unauthorized|"
    r"denied|authentication required|no basic auth|invalid reference|no match(?:ing manifest)?|"
    r"unsupported (?:media|platform)|\b40[0134]\b",
    re.IGNORECASE,
)
_PASSING = re.compile(
    r"too ?many ?requests|rate limit|\b429\b|\b50[0-9]\b|time-?out|timed out|deadline|"
    r"connection (?:refused|reset)|no such host|temporary|unexpected EOF|unavailable|no space|"
    r"TLS handshake|network is unreachable|server misbehaving|i/o",
    re.IGNORECASE,
)


class Failure(NamedTuple):
    """Why a pull failed, in *words*; *permanent* where the same image will not come later."""

    words: str
    permanent: bool


def failure(reason: str, message: str) -> Failure | None:
    """Read what a container waits for; None for what is no failure of a pull."""
    if reason == "ErrImageNeverPull":
        return Failure("it is not on the node, and this pool never fetches images", permanent=True)
    if reason not in WAITING | NEVER:
        return None
    words = _NOISE.sub("", message.strip())
    if words.startswith("Back-off pulling"):
        words = "nobody says why"
    permanent = reason in NEVER or (bool(_HOPELESS.search(words)) and not _PASSING.search(words))
    return Failure(words[:600], permanent)
