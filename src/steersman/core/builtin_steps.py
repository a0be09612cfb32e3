"""The steps that come with us: which old names they answer to, and which can be no more."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from steersman.core.pipelines.step_ids import DEFAULT_OWNER

OURS = DEFAULT_OWNER
"""The owner under whose name all of ours are found."""


class Gone(NamedTuple):
    """Why a step can do nothing any more, and what to use instead."""

    why: str
    instead: str


ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "adrien/slack-notifier-bl": "slack-notifier",
        "appnific/expandenv": "expandenv",
        "arjen/hugo-build": "hugo-build",
        "bashaus/yarn-install": "yarn",
        "eiel/pretty-slack-notify": "pretty-slack-notify",
        "hgen/bower-install": "bower-install",
        "hgen/gulp": "gulp",
        "leipert/git-push": "git-push",
        "lukevivier/gh-pages": "gh-pages",
        "lvivier/gh-pages": "gh-pages",
        "pasonatquila/pretty-slack-notify": "pretty-slack-notify",
        "tcnksm/goveralls": "goveralls",
        "uetchy/gh-pages": "gh-pages",
        "wantedly/pretty-slack-notify": "pretty-slack-notify",
        "wercker/yarn-install": "yarn",
    }
)
"""The shipped step that answers to another owner's step."""

_HIPCHAT = Gone(
    "HipChat was closed in February 2019",
    "use slack-notifier, whose webhooks Mattermost and Rocket.Chat understand too",
)
_BOXES = Gone("boxes that are no images went with Wercker", "take it out; boxes are images now")

GONE: Mapping[str, Gone] = MappingProxyType(
    {
        "aussiegeek/install-phantomjs": Gone(
            "PhantomJS has not been developed since 2018",
            "use a box with a browser that runs without a screen, such as Chromium or Firefox",
        ),
        "nabetama/hipchat-notify-v2": _HIPCHAT,
        "wercker/hipchat-notify": _HIPCHAT,
        "wercker/wercker-step-hipchat-notify": _HIPCHAT,
        "wercker/validate-wercker-box": _BOXES,
    }
)
"""Steps whose service or purpose is no more."""


def shipped_as(owner: str, name: str) -> str | None:
    """Return the name under which we would ship this step; whether we do is for files to say."""
    return ALIASES.get(f"{owner}/{name}") or (name if owner == OURS else None)


def gone(owner: str, name: str) -> Gone | None:
    """Tell why a step can do nothing any more; None for all others."""
    return GONE.get(f"{owner}/{name}")
