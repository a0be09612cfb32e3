"""The door inside a pod: what it waits for, what it says when that does not come, what it reads."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import steersman
from steersman.cluster.kubernetes import preparing
from steersman.cluster.kubernetes.pools import DOCKER_SOCKET
from steersman.containers.base import (
    BoxSpec,
    CannotRun,
    Image,
    Service,
    ServiceEnded,
    Upload,
)
from steersman.containers.pod import filling, places, texts
from steersman.containers.pod.box import MAY_STAY, PodBox, Volumes
from steersman.containers.pod.door import PodContainers
from steersman.containers.pod.notes import Note, Notes
from steersman.containers.pod.waiting import Limits
from steersman.core.errors import Refused, UserError
from steersman.sessions import pipes, script
from steersman.trees import Entry, Kind
from steersman.trees import Limits as SizeLimits

SIZES = SizeLimits(size=1 << 20)
SOON = Limits(starting=0.02, pulling=60, explaining=0.02)
NO_IMAGE = Note("stuck", "box", "there is no image x:1", "image-unavailable", permanent=True)


def prepare(folder: Path) -> None:
    """Run what the first container of a pod does."""
    package = Path(steersman.__file__).parent
    subprocess.run(preparing.command(str(folder), str(package)), check=True)


class Pod:
    """The volumes of a pod, without a pod."""

    def __init__(self, folder: Path, limits: Limits = SOON) -> None:
        volumes = Volumes(folder / "session", folder / "work", folder / "given")
        self.session, self.work, self.given = volumes
        for each in volumes:
            each.mkdir()
        prepare(folder)
        self.notes = Notes()
        self.door = PodContainers(self.notes, volumes=volumes, limits=limits)

    async def box(self) -> PodBox:
        return await self.door.create_box(BoxSpec(run_id="r", image=Image("busybox")))

    def speak(self) -> int:
        """Open the control pipe, as a box does first, and say something."""
        control = os.open(self.session / "control", os.O_RDWR)
        os.write(control, b"ready 1 box sh 0\n")
        return control


def do(body: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(30):
            await body()

    asyncio.run(whole())


def test_a_box_that_says_something_has_started(tmp_path: Path) -> None:
    async def body() -> None:
        pod = Pod(tmp_path, Limits())
        starting = asyncio.ensure_future((await pod.box()).start())
        control = pod.speak()
        transport = await starting
        os.close(control)
        await transport.close()

    do(body)


def test_a_box_that_never_starts_is_given_up(tmp_path: Path) -> None:
    async def body() -> None:
        with pytest.raises(CannotRun, match=r"did not start within 0\.02 seconds") as raised:
            await (await Pod(tmp_path).box()).start()
        assert raised.value.reason == "never-started"

    do(body)


def test_while_its_image_is_pulled_a_box_has_longer(tmp_path: Path) -> None:
    async def body() -> None:
        pod = Pod(tmp_path)
        pod.notes.hear([Note("pulling", "box", "pulling x")])
        starting = asyncio.ensure_future((await pod.box()).start())
        await asyncio.wait({starting}, timeout=5 * SOON.starting)
        assert not starting.done()
        pod.notes.hear([])
        with pytest.raises(CannotRun, match="did not start"):
            await starting

    do(body)


@pytest.mark.parametrize(
    ("permanent", "kind"), [(True, UserError), (False, CannotRun)], ids=["theirs", "ours"]
)
def test_a_note_with_a_reason_ends_the_waiting(
    *, permanent: bool, kind: type[Exception], tmp_path: Path
) -> None:
    async def body() -> None:
        pod = Pod(tmp_path, Limits())
        starting = asyncio.ensure_future((await pod.box()).start())
        await asyncio.sleep(0)
        pod.notes.hear([NO_IMAGE._replace(permanent=permanent)])
        with pytest.raises(kind, match="there is no image x:1"):
            await starting

    do(body)


def test_a_box_finds_the_engine_of_its_node_only_where_the_pool_hands_it_out() -> None:
    notes = Notes()
    assert PodContainers(notes).inner_engine("r") == ((), {})
    _, variables = PodContainers(notes, docker=True).inner_engine("r")
    assert variables == {"DOCKER_HOST": f"unix://{DOCKER_SOCKET}"}


def test_a_service_that_ended_is_not_waited_for_and_its_words_are_said(tmp_path: Path) -> None:
    async def body() -> None:
        pod = Pod(tmp_path, Limits())
        service = Service("db", "db", "127.0.0.1", ("1/tcp",))
        waiting = asyncio.ensure_future(pod.door.wait_ready(service, 60))
        await asyncio.sleep(0)
        note = Note("service-ended", "db", "db ended with 3:\nno disk", "service-ended")
        pod.notes.hear([note])
        with pytest.raises(ServiceEnded, match="no disk") as raised:
            await waiting
        assert raised.value.reason == note.reason
        assert await pod.door.service_log(service, 1) == "no disk"

    do(body)


def test_a_service_is_ready_when_each_port_accepts(tmp_path: Path) -> None:
    async def body() -> None:
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        door = Pod(tmp_path).door
        await door.wait_ready(Service("db", "db", "127.0.0.1", (f"{port}/tcp", "9/udp")), 30)
        server.close()
        await server.wait_closed()
        with pytest.raises(Refused, match=f"did not answer on port {port}"):
            await door.wait_ready(Service("db", "db", "127.0.0.1", (f"{port}/tcp",)), 0)

    do(body)


def test_the_end_of_a_pod_is_why_its_box_ended(tmp_path: Path) -> None:
    async def body() -> None:
        pod = Pod(tmp_path)
        assert await pod.door.lost() is None
        ended = Note("box-ended", "box", "the box ended with 137")
        pod.notes.hear([ended])
        lost = await pod.door.lost()
        assert lost is not None
        assert lost.text == ended.text
        pod.notes.hear([ended, Note("pod-ending", "", "evicted: no memory", "evicted")])
        lost = await pod.door.lost()
        assert lost is not None
        assert (lost.text, lost.reason) == ("evicted: no memory", "evicted")

    do(body)


def test_no_part_of_the_way_to_what_is_fetched_may_be_a_link(tmp_path: Path) -> None:
    async def body() -> None:
        pod = Pod(tmp_path, Limits())
        secret = tmp_path / "secret"
        (secret / "output").mkdir(parents=True)
        (secret / "output" / "token").write_text("t")
        (pod.work / "pipeline" / "real").mkdir()
        (pod.work / "pipeline" / "real" / "file").write_text("x")
        (pod.work / "pipeline" / "source").symlink_to(secret)
        starting = asyncio.ensure_future((box := await pod.box()).start())
        control = pod.speak()
        await (await starting).close()
        os.close(control)
        got = await box.fetch("/pipeline/source/output", tmp_path / "a", SIZES)
        assert got.missing
        assert not (tmp_path / "a").exists()
        assert (await box.fetch("/pipeline/real", tmp_path / "b", SIZES)).files == 1

    do(body)


def test_what_a_killed_process_left_is_made_anew(tmp_path: Path) -> None:
    pod = Pod(tmp_path)
    (pod.session / "session.sh").chmod(0o400)
    (pod.work / "pipeline" / "kept").touch()
    prepare(tmp_path)
    made = {each.name: stat.S_IFMT(each.stat().st_mode) for each in pod.session.iterdir()}
    assert made == {**dict.fromkeys(pipes.NAMES, stat.S_IFIFO), "session.sh": stat.S_IFREG}
    assert (pod.session / "session.sh").read_bytes() == script.PATH.read_bytes()
    assert (pod.work / "pipeline").stat().st_mode & 0o7777 == 0o2775


def test_files_that_were_fetched_are_moved_and_open_to_the_group(tmp_path: Path) -> None:
    volume, fetched = tmp_path / "given", tmp_path / "given" / filling.FETCHED
    (fetched / "source").mkdir(parents=True)
    run = fetched / "source" / "run"
    run.write_text("#!/bin/sh\n")
    run.chmod(0o755)
    private = Entry("key", Kind.FILE, 0o600, b"k", 1)
    entries = [
        Entry("", Kind.FOLDER, 0o755),
        Entry("run", Kind.FILE, 0o755, str(run), run.stat().st_size),
    ]
    uploads = [Upload("/report", [private]), Upload("/pipeline/source", entries)]
    for _ in range(2):
        named = filling.fill(uploads, volume)
        assert named == {"pipeline": ["source"], "report": ["key"]}
        moved = volume / "pipeline" / "source" / "run"
        assert moved.read_text() == "#!/bin/sh\n"
        assert moved.stat().st_mode & 0o7777 == 0o775
        assert not run.exists()
        assert (volume / "report" / "key").stat().st_mode & 0o777 == 0o660
        assert (volume / "pipeline").stat().st_mode & 0o7070 == 0o2070
        run.write_text("#!/bin/sh\n")


def test_a_volume_is_not_filled_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    link = Entry("out", Kind.SYMLINK, 0o777, target=str(tmp_path))
    uploads = [Upload("/pipeline", [link]), Upload("/pipeline/out/x", [])]
    with pytest.raises(Refused, match="through a link"):
        filling.fill(uploads, tmp_path / "given")
    assert not (tmp_path / "x").exists()


def test_a_box_copies_what_it_is_given_by_itself_and_nothing_stays_twice(tmp_path: Path) -> None:
    """Its shell is ours here, which sees the volumes where the box would."""

    async def body() -> None:
        pod = Pod(tmp_path)
        large = Entry("large", Kind.FILE, 0o644, bytes(MAY_STAY + 1), MAY_STAY + 1)
        entries = [
            large,
            Entry("it's", Kind.FOLDER, 0o755),
            Entry("it's/run", Kind.FILE, 0o755, b"#!/bin/sh", 9, modified=86400.0),
            Entry("it's/link", Kind.SYMLINK, 0o777, target="nowhere"),
        ]
        uploads = [Upload("/pipeline", entries), Upload("/report", [])]
        box = await pod.box()
        await box.put(uploads)
        text = box.taking(uploads).replace("/steersman/given", str(pod.given))
        text = text.replace(" /pipeline", f" {pod.work}/pipeline")
        text = text.replace(" /report", f" {pod.work}/report")
        await asyncio.to_thread(subprocess.run, ["sh", "-c", text], check=True)
        copied = pod.work / "pipeline" / "it's"
        assert (copied / "run").read_text() == "#!/bin/sh"
        assert (copied / "run").stat().st_mode & 0o777 == 0o775
        assert (copied / "run").stat().st_mtime == 86400
        assert os.readlink(copied / "link") == "nowhere"
        box.taken()
        await box.end()
        assert not (pod.given / "pipeline").exists()

    do(body)


def test_what_stands_elsewhere_in_the_box_is_linked_from_there() -> None:
    assert places.on_volume("/pipeline/source") == "pipeline/source"
    assert places.on_volume("/go/src/app") == "pipeline/.elsewhere/go/src/app"
    assert places.on_volume("/pipeline/../etc") == "pipeline/.elsewhere/etc"
    text = texts.opening({}, ["/go/src/app"])
    assert "ln -s '/pipeline/.elsewhere/go/src/app' '/go/src/app'" in text
    assert texts.environment({"A": "it's"}) == "export A='it'\\''s'\n"


def test_a_box_that_cannot_copy_it_says_why() -> None:
    text = texts.opening({"pipeline": ["source"]}, [])
    told = subprocess.run(["sh", "-c", text], check=False, capture_output=True, text=True)
    assert told.returncode == texts.OPENING_FAILED
    assert "cannot take over its source, steps and cache: cp: " in told.stdout
