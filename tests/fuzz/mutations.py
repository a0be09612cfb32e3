"""Ways to spoil a pipeline file: most leave it nearly right, so that the reader gets far."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

# What users and attackers write where something else was meant.
VALUES = (
    "", "~", "null", "[]", "{}", "''", "true", "yes", "n", "0", "-1", "1.10", "010", "0x1F", ".inf",
    "1e999", "9" * 400, "*a", "&a b", "!tag x", "!!int x", "[a, b]", "[[a], {b: c}]", "{a: b}",
    "{a: {b: [c]}}", "- x", "| ", ">-", "$VAR", "${VAR:-x}", "a b c", "a: b", "'open", '"open',
    "internal/watch", "internal/nothing", "x@1", "a/b/c@", 'n "https://x/y"', "n `file:///x`",
    "wercker/nodejs", "Owner/Image", "localhost:5000/a:b", "a@sha256:00", "é", "\U0001f680", "\t",
    "\ufeff", "\x85", "\u2028", "%", "@x", "`x`", "? a", "<<", "sha256:" + "a" * 64, "x" * 3000,
)  # fmt: skip
KEYS = (
    "box", "services", "steps", "after-steps", "base-path", "docker", "workflows", "pipelines",
    "requires", "pipelineName", "artifactPipeline", "name", "cwd", "code", "script", "id", "tag",
    "cmd", "entrypoint", "env", "ports", "volumes", "url", "on", "schedules", "cron", "matrix",
    "include", "cache", "paths", "resources", "cpu", "memory", "retries", "approve", "concurrency",
    "group", "priority", "pool", "reports", "junit", "command-timeout", "source-dir", "x-a", "<<",
    "internal/docker-push", "internal/docker-run", "repository", "image-name", "aws-access-key",
)  # fmt: skip

Mutation = Callable[[list[str], Random], None]


def mutated(text: str, random: Random) -> str:
    """Return *text* after one to four mutations."""
    lines = text.split("\n")
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        random.choice(MUTATIONS)(lines, random)
        if not lines:
            lines.append("")
    return "\n".join(lines)


def _value(lines: list[str], random: Random) -> None:
    at = random.randrange(len(lines))
    key, colon, _ = lines[at].partition(":")
    lines[at] = f"{key}: {random.choice(VALUES)}" if colon else f"{key} {random.choice(VALUES)}"


def _item(lines: list[str], random: Random) -> None:
    at = random.randrange(len(lines))
    indent = len(lines[at]) - len(lines[at].lstrip())
    lines.insert(at, " " * indent + "- " + random.choice(VALUES))


def _key(lines: list[str], random: Random) -> None:
    at = random.randrange(len(lines))
    body = lines[at].lstrip()
    indent = lines[at][: len(lines[at]) - len(body)]
    dash = "- " if body.startswith("- ") else ""
    _, colon, value = body.partition(":")
    lines[at] = f"{indent}{dash}{random.choice(KEYS)}{colon or ':'}{value}"


def _insert(lines: list[str], random: Random) -> None:
    at = random.randrange(len(lines))
    indent = len(lines[at]) - len(lines[at].lstrip(" -"))
    lines.insert(at, f"{' ' * indent}{random.choice(KEYS)}: {random.choice(VALUES)}")


def _misspell(lines: list[str], random: Random) -> None:
    at = random.randrange(len(lines))
    line = lines[at]
    if len(line) > 1:
        cut = random.randrange(len(line) - 1)
        lines[at] = line[:cut] + line[cut + 1] + line[cut] + line[cut + 2 :]


def _remove(lines: list[str], random: Random) -> None:
    del lines[random.randrange(len(lines))]


def _double(lines: list[str], random: Random) -> None:
    at = random.randrange(len(lines))
    lines[at:at] = lines[at : at + random.choice((1, 1, 2, 5))]


def _swap(lines: list[str], random: Random) -> None:
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _indent(lines: list[str], random: Random) -> None:
    at = random.randrange(len(lines))
    line = lines[at]
    lines[at] = random.choice(("  " + line, line[2:], " " + line, "\t" + line, line.lstrip()))


def _character(lines: list[str], random: Random) -> None:
    at = random.randrange(len(lines))
    cut = random.randint(0, len(lines[at]))
    char = random.choice("'\"{}[]:,#&*!|>%@`-?<= \t\0\x1b\r\u2028\ud800$/\\")
    lines[at] = lines[at][:cut] + char + lines[at][cut + random.randint(0, 1) :]


def _anchor(lines: list[str], random: Random) -> None:
    at = random.randrange(len(lines))
    key, colon, value = lines[at].partition(": ")
    if colon:
        lines[at] = f"{key}: &a{value and ' '}{value}"
    lines.append(f"{random.choice(KEYS)}: {random.choice(('*a', '{<<: *a}', '[*a, *a]'))}")


def _cut(lines: list[str], random: Random) -> None:
    del lines[random.randint(1, len(lines)) :]


# The gentle ones stand more than once: they are drawn more often.
MUTATIONS: tuple[Mutation, ...] = (
    _value, _value, _value, _key, _key, _key, _insert, _insert, _remove, _double, _swap, _item,
    _misspell, _indent, _character, _anchor, _cut,
)  # fmt: skip
