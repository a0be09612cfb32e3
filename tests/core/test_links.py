from __future__ import annotations

from steersman.containers.base import Service
from steersman.core import links


def test_a_service_is_described_as_old_links_did() -> None:
    service = Service(
        alias="my-db", container="c", address="172.18.0.2",
        ports=("9000/udp", "10000/tcp"), env={"A": "1", "REDIS_NAME": "told before"},
    )  # fmt: skip
    assert links.variables(service, run_id="r", passed_on=("REDIS_NAME",)) == {
        "MY_DB_NAME": "/wercker-pipeline-r/my_db",
        "MY_DB_PORT": "udp://172.18.0.2:9000",
        "MY_DB_PORT_9000_UDP": "udp://172.18.0.2:9000",
        "MY_DB_PORT_9000_UDP_ADDR": "172.18.0.2",
        "MY_DB_PORT_9000_UDP_PORT": "9000",
        "MY_DB_PORT_9000_UDP_PROTO": "udp",
        "MY_DB_PORT_10000_TCP": "tcp://172.18.0.2:10000",
        "MY_DB_PORT_10000_TCP_ADDR": "172.18.0.2",
        "MY_DB_PORT_10000_TCP_PORT": "10000",
        "MY_DB_PORT_10000_TCP_PROTO": "tcp",
        "MY_DB_ENV_A": "1",
    }


def test_a_service_without_an_address_has_no_ports() -> None:
    service = Service(alias="x", container="c", address="", ports=("1/tcp",))
    assert links.variables(service, run_id="r") == {"X_NAME": "/wercker-pipeline-r/x"}
