"""What columns of ours are like."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# SQLite counts rows by itself only in a column of exactly this type.
BIG = BigInteger().with_variant(Integer, "sqlite")


def key(name: str = "id") -> Column[str]:
    """Return a text by which rows are known."""
    return Column(name, Text, primary_key=True)


def words(name: str, *, null: bool = False) -> Column[str]:
    """Return a text, empty unless it may be *null*."""
    return Column(name, Text, nullable=null, server_default=None if null else "")


def time(name: str, *, null: bool = False) -> Column[float]:
    """Return a moment in seconds since the epoch."""
    return Column(name, Float(53), nullable=null)


def number(name: str, default: int = 0) -> Column[int]:
    """Return a whole number."""
    return Column(name, BIG, nullable=False, server_default=str(default))


def flag(name: str) -> Column[bool]:
    """Return a yes or no."""
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def json(name: str) -> Column[Any]:
    """Return what only people and programs outside of the database read."""
    return Column(name, JSON, nullable=True)


def of(name: str, target: str, *, key: bool = False) -> Column[str]:
    """Return what belongs to a row of another table, and goes with it."""
    return Column(
        name, Text, ForeignKey(target, ondelete="CASCADE"), nullable=False, primary_key=key
    )


def counted(name: str) -> Column[int]:
    """Return a number the database counts up."""
    return Column(name, BIG, Identity(), primary_key=True)
