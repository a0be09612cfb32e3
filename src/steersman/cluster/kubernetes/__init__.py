"""Runners that are pods: one for each attempt, seen through one watch."""
