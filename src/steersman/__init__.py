"""Steersman runs the pipelines of a wercker.yml on a laptop, one machine or Kubernetes."""

__version__ = "0.1.0"
