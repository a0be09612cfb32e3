"""What a repository is written in, told by its names and a few files, and how to build it."""

from steersman.core.detecting.base import Run, Sight, Stack
from steersman.core.detecting.choosing import DEPTH, Answer, Note, detect, is_read
from steersman.core.detecting.go import needs_address

__all__ = ["DEPTH", "Answer", "Note", "Run", "Sight", "Stack", "detect", "is_read", "needs_address"]
