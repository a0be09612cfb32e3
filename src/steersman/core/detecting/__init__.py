"""What a repository is written in, told by its names and a few files, and how to build it."""

from steersman.core.detecting.base import Run, Sight, Stack
from steersman.core.detecting.choosing import DEPTH, Answer, Note, detect, is_read

__all__ = ["DEPTH", "Answer", "Note", "Run", "Sight", "Stack", "detect", "is_read"]
