"""Databases and their like, which the tests of a project that has their library may need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from steersman.core.detecting.base import Service

# Nothing outside of the run reaches these, and they are gone with it.
_PASSWORD = "test"  # noqa: S105

_KNOWN = {
    "postgres": Service(
        "postgres:16",
        "",
        (("POSTGRES_PASSWORD", _PASSWORD), ("POSTGRES_DB", "test")),
        (("DATABASE_URL", f"postgres://postgres:{_PASSWORD}@postgres:5432/test"),),
    ),
    "mysql": Service(
        "mysql:8",
        "",
        (("MYSQL_ROOT_PASSWORD", _PASSWORD), ("MYSQL_DATABASE", "test")),
        (("DATABASE_URL", f"mysql://root:{_PASSWORD}@mysql:3306/test"),),
    ),
    "redis": Service("redis:7", "", (), (("REDIS_URL", "redis://redis:6379/0"),)),
    "mongo": Service("mongo:7", "", (), (("MONGODB_URI", "mongodb://mongo:27017/test"),)),
}
_LIBRARIES: Mapping[str, str] = MappingProxyType(
    {
        "pg": "postgres",
        "postgres": "postgres",
        "psycopg": "postgres",
        "psycopg2": "postgres",
        "psycopg2-binary": "postgres",
        "asyncpg": "postgres",
        "github.com/lib/pq": "postgres",
        "github.com/jackc/pgx": "postgres",
        "mysql": "mysql",
        "mysql2": "mysql",
        "mysqlclient": "mysql",
        "pymysql": "mysql",
        "github.com/go-sql-driver/mysql": "mysql",
        "redis": "redis",
        "ioredis": "redis",
        "sidekiq": "redis",
        "github.com/redis/go-redis": "redis",
        "github.com/go-redis/redis": "redis",
        "pymongo": "mongo",
        "mongoid": "mongo",
        "mongodb": "mongo",
        "mongoose": "mongo",
        "go.mongodb.org/mongo-driver": "mongo",
    }
)


def needed(libraries: Iterable[str], file: str) -> tuple[Service, ...]:
    """Return the services that *libraries*, which *file* names, are there to speak to.

    Of two databases only the first is told as `DATABASE_URL`.
    """
    made: dict[str, Service] = {}
    told: set[str] = set()
    for library in libraries:
        key = _LIBRARIES.get(library.lower(), "")
        if key and key not in made:
            known = _KNOWN[key]
            kept = tuple(pair for pair in known.told if pair[0] not in told)
            if file == "Gemfile":
                # Rails takes the name of its adapter for the scheme.
                kept = tuple((name, value.replace("mysql:", "mysql2:")) for name, value in kept)
            told.update(name for name, _ in kept)
            made[key] = known._replace(because=f"{file} names {library}", told=kept)
    return tuple(made.values())
