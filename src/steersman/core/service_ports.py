"""The ports services listen on, as far as they are known without a look at their images.

In a pod all services share one address, so two of them on one port would answer for each other:
that is refused before anything starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from steersman.core import ports
from steersman.core.errors import UserError
from steersman.core.problems import Place

# By the last part of the image's name; the first is the one people mean.
COMMON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "postgres": ("5432/tcp",),
        "postgis": ("5432/tcp",),
        "timescaledb": ("5432/tcp",),
        "pgvector": ("5432/tcp",),
        "cockroach": ("26257/tcp", "8080/tcp"),
        "mysql": ("3306/tcp",),
        "mysql-server": ("3306/tcp",),
        "mariadb": ("3306/tcp",),
        "percona": ("3306/tcp",),
        "mssql-server": ("1433/tcp",),
        "redis": ("6379/tcp",),
        "redis-stack": ("6379/tcp",),
        "redis-stack-server": ("6379/tcp",),
        "valkey": ("6379/tcp",),
        "keydb": ("6379/tcp",),
        "memcached": ("11211/tcp",),
        "mongo": ("27017/tcp",),
        "mongodb": ("27017/tcp",),
        "couchdb": ("5984/tcp",),
        "cassandra": ("9042/tcp", "7000/tcp"),
        "scylla": ("9042/tcp",),
        "neo4j": ("7687/tcp", "7474/tcp"),
        "influxdb": ("8086/tcp",),
        "clickhouse-server": ("9000/tcp", "8123/tcp"),
        "elasticsearch": ("9200/tcp", "9300/tcp"),
        "opensearch": ("9200/tcp", "9300/tcp"),
        "solr": ("8983/tcp",),
        "meilisearch": ("7700/tcp",),
        "rabbitmq": ("5672/tcp",),
        "nats": ("4222/tcp",),
        "kafka": ("9092/tcp",),
        "cp-kafka": ("9092/tcp",),
        "redpanda": ("9092/tcp",),
        "zookeeper": ("2181/tcp",),
        "etcd": ("2379/tcp", "2380/tcp"),
        "consul": ("8500/tcp",),
        "vault": ("8200/tcp",),
        "minio": ("9000/tcp",),
        "localstack": ("4566/tcp",),
        "dynamodb-local": ("8000/tcp",),
        "nginx": ("80/tcp",),
        "httpd": ("80/tcp",),
        "caddy": ("80/tcp",),
        "traefik": ("80/tcp",),
        "wordpress": ("80/tcp",),
        "tomcat": ("8080/tcp",),
        "keycloak": ("8080/tcp",),
        "wiremock": ("8080/tcp",),
        "registry": ("5000/tcp",),
        "httpbin": ("80/tcp",),
        "mailhog": ("1025/tcp", "8025/tcp"),
        "mailpit": ("1025/tcp", "8025/tcp"),
        "selenium": ("4444/tcp",),
        "standalone-chrome": ("4444/tcp", "5900/tcp"),
        "standalone-firefox": ("4444/tcp", "5900/tcp"),
    }
)


class Listening(NamedTuple):
    """A service, where the file names it, and its *ports* such as `6379/tcp`."""

    alias: str
    place: Place
    ports: tuple[str, ...]


def known(texts: Iterable[str], image: str) -> tuple[str, ...]:
    """Return the ports of a service: what the file says, else what images of that name use.

    *image* is the last part of the name of its repository.
    """
    said = tuple(
        f"{each.container_port}/{each.protocol}" for each in ports.bindings(texts, publish=False)
    )
    return said or COMMON.get(image, ())


def refuse_clashes(services: Iterable[Listening]) -> None:
    """Refuse two services on one port, which only containers with addresses of their own can be."""
    taken: dict[str, Listening] = {}
    for service in services:
        for port in service.ports:
            other = taken.setdefault(port, service)
            if other.alias == service.alias:
                continue
            raise UserError(
                f"{service.place}: the services {other.alias} (line {other.place.line}) and "
                f"{service.alias} both listen on {port}, and in a pod they share one address",
                hint=f"let {service.alias} listen on another port, and name that by `ports:`",
            )
