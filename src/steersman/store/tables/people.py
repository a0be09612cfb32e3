"""Projects, their people, and what these may do."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from steersman.store.tables import columns

settings = Table("settings", columns.metadata, columns.key("name"), columns.json("value"))

projects = Table(
    "projects",
    columns.metadata,
    columns.key(),
    Column("name", Text, nullable=False, unique=True),
    columns.words("repository"),
    columns.words("forge"),
    columns.words("default_branch"),
    columns.json("settings"),
    Column("credentials", LargeBinary),
    columns.number("runs"),
    columns.number("version", 1),
    columns.time("created"),
)

users = Table(
    "users",
    columns.metadata,
    columns.key(),
    Column("name", Text, nullable=False, unique=True),
    columns.words("email"),
    Column("subject", Text, unique=True),
    columns.words("password", null=True),
    columns.flag("admin"),
    columns.flag("disabled"),
    columns.time("created"),
)

members = Table(
    "members",
    columns.metadata,
    columns.of("project_id", "projects.id", key=True),
    columns.of("user_id", "users.id", key=True),
    columns.words("role"),
)

tokens = Table(
    "tokens",
    columns.metadata,
    columns.key(),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE")),
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE")),
    columns.words("kind"),
    columns.words("name"),
    Column("digest", Text, nullable=False, unique=True),
    columns.json("scopes"),
    columns.time("created"),
    columns.time("expires", null=True),
    columns.time("used", null=True),
    columns.time("revoked", null=True),
)

secrets = Table(
    "secrets",
    columns.metadata,
    columns.key(),
    columns.of("project_id", "projects.id"),
    columns.words("name"),
    Column("sealed", LargeBinary, nullable=False),
    columns.json("pipelines"),
    columns.json("branches"),
    columns.json("events"),
    columns.words("author"),
    columns.time("changed"),
    Index(None, "project_id", "name"),
)

audit = Table(
    "audit",
    columns.metadata,
    columns.counted("number"),
    columns.time("at"),
    columns.words("author"),
    columns.words("action"),
    columns.words("subject"),
    columns.json("detail"),
    columns.words("address"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

answers = Table(
    "answers",
    columns.metadata,
    columns.key("key"),
    columns.words("request"),
    Column("status", Integer, nullable=False),
    columns.json("body"),
    columns.time("created"),
    Index(None, "created"),
)
