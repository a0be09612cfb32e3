"""A terminal in a box, at every door that has any: typed into, resized, hung up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from steersman.containers.terminals import Shelled, Size, Terminal
from steersman.core import scripts
from steersman.core.errors import Refused
from tests.contracts.containers.conftest import Run

Test = Callable[[Terminal], Awaitable[None]]


async def until(terminal: Terminal, wanted: str) -> str:
    """Read until *wanted* was printed, and return all there was."""
    seen = b""
    async with asyncio.timeout(30):
        while wanted.encode() not in seen:
            data = await terminal.read()
            assert data, f"the shell ended before it printed {wanted!r}: {seen!r}"
            seen += data
    return seen.decode(errors="replace")


async def ending(terminal: Terminal) -> None:
    """Read what is left, until the shell has ended."""
    async with asyncio.timeout(30):
        while await terminal.read():
            pass


def at_terminal(run: Run, test: Test, prepare: str = ":") -> None:
    """Open a terminal in a box that runs, and try *test* on it."""

    async def body() -> None:
        box = await run.box()
        transport = await box.start()
        assert isinstance(box, Shelled)
        terminal = await box.terminal(prepare, Size(91, 17))
        try:
            await test(terminal)
        finally:
            await terminal.close()
            await transport.close()

    run.do(body)


def test_what_is_typed_is_run_and_printed(run: Run) -> None:
    async def test(terminal: Terminal) -> None:
        await terminal.write(b"echo one$((1 + 1))three\n")
        await until(terminal, "one2three")

    at_terminal(run, test)


def test_it_is_a_terminal_of_the_size_that_was_asked_for(run: Run) -> None:
    async def test(terminal: Terminal) -> None:
        await terminal.write(b"stty size </dev/tty\n")
        await until(terminal, "17 91")
        await terminal.resize(Size(132, 50))
        await terminal.write(b"stty size </dev/tty\n")
        await until(terminal, "50 132")

    at_terminal(run, test)


def test_what_prepares_the_shell_runs_before_it_asks(run: Run) -> None:
    async def test(terminal: Terminal) -> None:
        await terminal.write(b'echo "<$GIVEN>"\n')
        await until(terminal, "<before>")

    at_terminal(run, test, "export GIVEN=before")


def test_the_interrupt_key_ends_a_program_and_not_the_shell(run: Run) -> None:
    async def test(terminal: Terminal) -> None:
        await terminal.write(b"sh -c 'echo be$((1 + 1))gun; exec sleep 600'\n")
        await until(terminal, "be2gun")
        await terminal.write(b"\x03")
        await until(terminal, "^C")
        await terminal.write(b"echo af''ter\n")
        await until(terminal, "after")

    at_terminal(run, test)


def test_the_end_of_the_shell_is_the_end_of_the_terminal(run: Run) -> None:
    async def test(terminal: Terminal) -> None:
        await terminal.write(b"exit 3\n")
        await ending(terminal)
        assert await terminal.read() == b""
        await terminal.write(b"to nobody\n")
        await terminal.resize(Size(10, 10))

    at_terminal(run, test)


def test_hanging_up_ends_the_shell_and_what_runs_in_it(run: Run) -> None:
    async def body() -> None:
        box = await run.box()
        seen: list[bytes] = []
        session = await run.session(box, seen)
        assert isinstance(box, Shelled)
        terminal = await box.terminal(":", Size())
        await terminal.write(b'echo "number $$ is it"; sleep 600\n')
        said = await until(terminal, " is it\r\n")
        number = said.split(" is it\r\n")[0].rpartition("number ")[2]
        assert (await session.run(f"kill -0 {number}")).passed
        await terminal.close()
        async with asyncio.timeout(30):
            while (await session.run(f"kill -0 {number} 2>/dev/null")).passed:
                pass
        await session.close()

    run.do(body)


def test_a_shell_has_the_exports_of_the_steps_whatever_they_hold(run: Run) -> None:
    async def body() -> None:
        box = await run.box()
        session = await run.session(box, [])
        path = f"{run.root}/pipeline/.exports"
        await session.run(
            f"mkdir -p {run.root}/pipeline/source; export WERCKER_SOURCE_DIR={run.root}"
            "/pipeline/source; export NASTY='two\n\"lines\" $HOME `id` \\\\ it'\\''s'"
        )
        assert (await session.run(scripts.keep_exports(path))).passed
        assert isinstance(box, Shelled)
        terminal = await box.terminal(scripts.enter(path), Size())
        await terminal.write(b'printf "[%s]" "$NASTY"; echo; pwd; echo "on $TERM"\n')
        said = await until(terminal, "on xterm\r\n")
        assert '[two\r\n"lines" $HOME `id` \\\\ it\'s]' in said
        assert f"{run.root}/pipeline/source\r\n" in said
        await terminal.close()
        await session.close()

    run.do(body)


def test_exports_are_kept_from_others_eyes(run: Run) -> None:
    async def body() -> None:
        box = await run.box()
        path = f"{run.root}/pipeline/.exports"
        text = f"mkdir -p {run.root}/pipeline; {scripts.keep_exports(path)}ls -l {path}"
        assert (await run.says(box, text)).startswith("-rw-------")

    run.do(body)


def test_a_box_that_is_gone_refuses_a_shell(docker_run: Run) -> None:
    async def body() -> None:
        box = await docker_run.box()
        await box.start()
        await docker_run.containers.remove(docker_run.id)
        assert isinstance(box, Shelled)
        with pytest.raises(Refused, match="no shell starts in the box"):
            await box.terminal(":", Size())

    docker_run.do(body)
