"""When things run by themselves: expressions, zones, and what becomes of each planned instant.

An *instant* is a whole second since the epoch. Nothing here reads a clock; the rules of zones come
from Python's `zoneinfo`.
"""
