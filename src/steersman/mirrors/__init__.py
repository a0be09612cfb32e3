"""Mirrors: bare copies of projects' repositories, fetched and read with git, hardened."""

from steersman.mirrors.base import Commit, Credentials, HostKeys, Rules
from steersman.mirrors.git import Mirrors

__all__ = ["Commit", "Credentials", "HostKeys", "Mirrors", "Rules"]
