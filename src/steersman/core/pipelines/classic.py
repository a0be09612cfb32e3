"""The boxes of Wercker's first years, which no registry has any more, and what to use instead."""

from __future__ import annotations

# They were Ubuntu machines with a user, sudo and several languages; these are the nearest images.
REPLACEMENTS = {
    "wercker/default": "buildpack-deps:bookworm",
    "wercker/ubuntu": "buildpack-deps:bookworm",
    "wercker/rvm": "ruby:3",
    "wercker/ruby": "ruby:3",
    "wercker/nodejs": "node:22",
    "wercker/golang": "golang:1",
    "wercker/python": "python:3",
    "wercker/php": "php:8-cli",
    "wercker/java": "eclipse-temurin:21",
    "wercker-labs/docker": "docker:dind",
    "wercker/mongodb": "mongo:7",
    "wercker/mysql": "mysql:8",
    "wercker/postgresql": "postgres:16",
    "wercker/redis": "redis:7",
    "wercker/rabbitmq": "rabbitmq:3",
}


def replacement(repository: str) -> str | None:
    """Return the image to use instead of a classic box; None for every other name."""
    return REPLACEMENTS.get(repository.lower())


def guess(repository: str) -> str:
    """Return an image for a classic box `owner/name`: by its name, else a box with most tools."""
    name = repository.lower().rpartition("/")[2]
    for classic, image in REPLACEMENTS.items():
        if classic.rpartition("/")[2] in name:
            return image
    return REPLACEMENTS["wercker/default"]
