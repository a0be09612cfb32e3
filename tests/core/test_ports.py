from __future__ import annotations

import pytest

from steersman.core import ports
from steersman.core.errors import UserError
from steersman.core.ports import PortBinding


@pytest.mark.parametrize(
    ("text", "host_ip", "host_port", "port", "protocol"),
    [
        ("8000", "", 8000, 8000, "tcp"),
        ("8001:8000", "", 8001, 8000, "tcp"),
        ("127.0.0.1::8002", "127.0.0.1", 8002, 8002, "tcp"),
        ("127.0.0.1:8004:8003/udp", "127.0.0.1", 8004, 8003, "udp"),
        ("[::1]:81:80", "::1", 81, 80, "tcp"),
    ],
)
def test_each_form_of_a_port_is_read(
    text: str, host_ip: str, host_port: int, port: int, protocol: str
) -> None:
    (published,) = ports.bindings([text], publish=True)
    assert published == PortBinding(
        container_port=port, protocol=protocol, host_ip=host_ip, host_port=host_port
    )
    (known,) = ports.bindings([text], publish=False)
    assert known == PortBinding(container_port=port, protocol=protocol)


@pytest.mark.parametrize(
    "text", ["", "x", "0", "65536", "80/ftp", "1:2:3:4", "80:", "-1", "²", "8000-8010"]
)
def test_what_is_no_port_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(UserError, match="is not a port") as caught:
        ports.bindings([text], publish=True)
    assert caught.value.hint
