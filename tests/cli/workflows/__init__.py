"""Workflows on this machine."""
