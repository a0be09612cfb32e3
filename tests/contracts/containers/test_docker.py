"""What only an engine can do."""

from __future__ import annotations

import asyncio
import socket

import pytest

from steersman.containers.base import Mount, PortBinding, ServiceSpec
from steersman.core.errors import Refused
from tests.contracts.containers.conftest import Run

pytestmark = pytest.mark.engine


def test_an_entrypoint_of_the_image_is_cleared(docker_run: Run) -> None:
    async def body() -> None:
        assert await docker_run.says(await docker_run.box("redis:7"), "echo plain") == "plain\n"

    docker_run.do(body)


def test_a_box_without_a_shell_is_refused_in_words_and_removed(docker_run: Run) -> None:
    run = docker_run

    async def body() -> None:
        box = await run.box(mounts=(Mount(source=str(run.tmp_path), target="/bin"),))
        with pytest.raises(Refused, match="box has no shell"):
            await box.start()
        assert run.id not in {one.run_id for one in await run.containers.leftovers()}

    run.do(body)


def test_a_box_sees_a_service_under_its_alias(docker_run: Run) -> None:
    run = docker_run

    async def body() -> None:
        spec = ServiceSpec(run_id=run.id, alias="store", image=await run.image("redis:7"))
        service = await run.containers.start_service(spec)
        await run.containers.wait_ready(service, 30)
        box = await run.box(networked=True)
        said = await run.says(box, "printf 'PING\\r\\nQUIT\\r\\n' | nc store 6379")
        assert "PONG" in said

    run.do(body)


def test_a_service_that_ended_is_refused_with_its_log(docker_run: Run) -> None:
    run = docker_run

    async def body() -> None:
        spec = ServiceSpec(
            run_id=run.id, alias="broken", image=await run.image("redis:7"),
            entrypoint=("sh", "-c", "echo cannot start like this; exit 3"),
        )  # fmt: skip
        service = await run.containers.start_service(spec)
        with pytest.raises(Refused, match="exit code 3") as caught:
            await run.containers.wait_ready(service, 30)
        assert "cannot start like this" in str(caught.value)

    run.do(body)


def test_a_service_that_never_answers_is_refused_at_the_deadline(docker_run: Run) -> None:
    run = docker_run

    async def body() -> None:
        spec = ServiceSpec(
            run_id=run.id, alias="mute", image=await run.image("redis:7"),
            entrypoint=("sh", "-c", "echo thinking; sleep 600"),
        )  # fmt: skip
        service = await run.containers.start_service(spec)
        with pytest.raises(Refused, match=r"did not answer within 0\.5 seconds") as caught:
            await run.containers.wait_ready(service, 0.5)
        assert "thinking" in str(caught.value)

    run.do(body)


def test_a_folder_of_this_machine_is_mounted(docker_run: Run) -> None:
    run = docker_run
    (run.tmp_path / "here").mkdir()

    async def body() -> None:
        mounts = (Mount(source=str(run.tmp_path / "here"), target="/there"),)
        await run.says(await run.box(mounts=mounts), "echo written >/there/file")

    run.do(body)
    assert (run.tmp_path / "here" / "file").read_text() == "written\n"


def test_a_published_port_answers_on_this_machine(docker_run: Run) -> None:
    run = docker_run
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def body() -> None:
        binding = PortBinding(container_port=6379, host_ip="127.0.0.1", host_port=port)
        spec = ServiceSpec(
            run_id=run.id, alias="store", image=await run.image("redis:7"), ports=(binding,)
        )
        await run.containers.wait_ready(await run.containers.start_service(spec), 30)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"PING\r\n")
        assert await reader.readline() == b"+PONG\r\n"
        writer.close()
        await writer.wait_closed()

    run.do(body)


def test_nothing_is_left_of_a_run_with_a_service(docker_run: Run) -> None:
    run = docker_run

    async def body() -> None:
        spec = ServiceSpec(run_id=run.id, alias="store", image=await run.image("redis:7"))
        await run.containers.start_service(spec)
        kinds = {one.kind for one in await run.containers.leftovers() if one.run_id == run.id}
        assert kinds == {"network", "service"}
        await run.containers.remove(run.id)
        assert run.id not in {one.run_id for one in await run.containers.leftovers()}

    run.do(body)
