"""What every containers door does with a box, a run and its leftovers."""

from __future__ import annotations

import asyncio

import pytest

from steersman.containers.base import Capability, PullPolicy, ServiceSpec
from steersman.core.errors import Refused
from steersman.sessions.base import End, Gone, Kill
from tests.contracts.containers.conftest import Run


def test_the_door_answers_and_can_be_asked_again(run: Run) -> None:
    async def body() -> None:
        await run.containers.require()
        await run.containers.require()
        assert run.containers.name in ("fake", "host", "docker")

    run.do(body)


def test_a_box_runs_what_it_is_told(run: Run) -> None:
    async def body() -> None:
        assert await run.says(await run.box(), "echo hello; echo more >&2") == "hello\nmore\n"

    run.do(body)


def test_the_environment_of_the_box_is_set(run: Run) -> None:
    async def body() -> None:
        env = {"A": "b c", "QUOTED": 'it\'s "$HOME" ü'}
        said = await run.says(await run.box(env=env), 'printf "%s|%s" "$A" "$QUOTED"')
        assert said == 'b c|it\'s "$HOME" ü'

    run.do(body)


def test_the_environment_of_the_caller_stays_outside(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_SECRET", "hunter2")

    async def body() -> None:
        assert await run.says(await run.box(), 'echo "[$OUR_SECRET]"') == "[]\n"

    run.do(body)


def test_a_box_that_ends_says_gone(run: Run) -> None:
    async def body() -> None:
        transport = await (await run.box()).start()
        await transport.receive()
        await transport.send(b"")
        await run.containers.remove(run.id)
        async with asyncio.timeout(20):
            while not isinstance(await transport.receive(), Gone):
                pass
        assert isinstance(await transport.receive(), Gone)
        await transport.close()

    run.do(body)


@pytest.mark.parametrize("what", [Kill.SPARE_SHELL, Kill.ALL])
def test_a_kill_ends_what_runs_but_not_the_box(run: Run, what: Kill) -> None:
    async def body() -> None:
        seen: list[bytes] = []
        transport = await (await run.box()).start()
        from steersman.sessions.session import Session

        session = Session(transport, seen.append, grace=1.0)
        await session.open("", 30)
        running = asyncio.ensure_future(session.run("echo on; sleep 600", timeout=60, silence=None))
        async with asyncio.timeout(20):
            while b"on" not in b"".join(seen):  # noqa: ASYNC110 - the sink has no event
                await asyncio.sleep(0.01)
            await transport.kill(what)
            ending = await running
        assert not ending.passed
        assert ending.end in (End.RETURNED, End.SHELL_LOST)
        await session.close()

    run.do(body)


def test_a_timeout_kills_what_hides_in_a_session_of_its_own(run: Run) -> None:
    async def body() -> None:
        seen: list[bytes] = []
        session = await run.session(await run.box(), seen)
        ending = await session.run("setsid sleep 600 & sleep 600", timeout=0.3, silence=None)
        assert ending.end is End.TIMED_OUT
        await session.close()

    run.do(body)


def test_removing_twice_is_success_and_leaves_nothing(run: Run) -> None:
    async def body() -> None:
        await (await run.box()).start()
        assert run.id in {item.run_id for item in await run.containers.leftovers()}
        await run.containers.remove(run.id)
        await run.containers.remove(run.id)
        assert run.id not in {item.run_id for item in await run.containers.leftovers()}

    run.do(body)


def test_removing_a_run_that_never_was_is_success(run: Run) -> None:
    async def body() -> None:
        await run.containers.remove("test-never-was")
        assert "test-never-was" not in {one.run_id for one in await run.containers.leftovers()}

    run.do(body)


def test_a_leftover_names_its_living_owner(run: Run) -> None:
    from steersman.containers import owners
    from steersman.core import leftovers

    async def body() -> None:
        await run.box()
        (left,) = [item for item in await run.containers.leftovers() if item.run_id == run.id]
        owner = leftovers.read(left.owner)
        assert owner == owners.current()
        assert owners.started(owner.pid) == owner.started
        assert left.kind == "box"

    run.do(body)


def test_parallel_runs_do_not_touch_each_other(run: Run) -> None:
    other = Run(run.containers, run.tmp_path)

    async def body() -> None:
        try:
            one, two = await run.box(), await other.box()
            seen: list[bytes] = []
            session = await other.session(two, seen)
            assert await run.says(one, "echo one") == "one\n"
            await run.containers.remove(run.id)
            assert (await session.run("echo two", timeout=30, silence=None)).passed
            assert seen == [b"two\n"]
            await session.close()
        finally:
            await run.containers.remove(other.id)

    run.do(body)


def test_an_image_that_is_missing_is_refused_when_nothing_may_be_pulled(run: Run) -> None:
    run.needs(Capability.IMAGES)

    async def body() -> None:
        with pytest.raises(Refused, match="pull policy is never"):
            await run.image("steersman-has-no-such-image:1")

    run.do(body)


def test_an_image_no_registry_has_is_refused_by_name(run: Run) -> None:
    run.needs(Capability.IMAGES)

    async def body() -> None:
        with pytest.raises(Refused, match="image localhost:1/nothing:1 cannot be had"):
            await run.containers.image(
                "localhost:1/nothing:1", pull=PullPolicy.MISSING, tell=lambda text: None
            )

    run.do(body)


def test_a_service_with_a_port_becomes_ready(run: Run) -> None:
    run.needs(Capability.SERVICES)

    async def body() -> None:
        image = await run.image("redis:7")
        spec = ServiceSpec(run_id=run.id, alias="store", image=image, env={"X": "1"})
        service = await run.containers.start_service(spec)
        await run.containers.wait_ready(service, 30)
        assert service.ports == ("6379/tcp",)
        assert service.address
        assert service.env["X"] == "1"

    run.do(body)
