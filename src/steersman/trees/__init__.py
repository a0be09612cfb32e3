"""Trees of files: scanned, packed, unpacked and copied, with nothing taken from outside of them."""

from steersman.trees.base import Collected, Entry, Kind, Limits, TooLarge
from steersman.trees.collecting import collect, collect_below
from steersman.trees.copying import copy
from steersman.trees.packing import pack
from steersman.trees.scanning import names, scan
from steersman.trees.spelling import spell
from steersman.trees.unpacking import unpack

__all__ = [
    "Collected",
    "Entry",
    "Kind",
    "Limits",
    "TooLarge",
    "collect",
    "collect_below",
    "copy",
    "names",
    "pack",
    "scan",
    "spell",
    "unpack",
]
