"""The language: what a wercker.yml may say, and what it means."""

from steersman.core.pipelines.pick import pick

__all__ = ["pick"]
