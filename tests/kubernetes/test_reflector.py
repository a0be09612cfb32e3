"""A copy of a list against an API server that forgets, breaks off, and talks nonsense."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httpx2
import pytest

from steersman.cluster.base import NoRoom
from steersman.cluster.kubernetes.api import TRIES, Api
from steersman.cluster.kubernetes.reflector import Collection, Reflector
from steersman.cluster.kubernetes.refusals import Busy, Exists, error
from steersman.core.errors import (
    Expired,
    Forbidden,
    Refused,
    SteersmanError,
    Unavailable,
    UserError,
)
from steersman.patience import Patience

PATIENCE = 20.0
Line = dict[str, Any] | bytes


def pod(name: str, version: int, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"u-{name}", "resourceVersion": str(version)}, **more}


def listed(*pods: dict[str, Any], version: int, **more: str) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version), **more}, "items": list(pods)}


def bookmark(version: int) -> Line:
    """A real one: whatever has no value is null."""
    metadata = {"resourceVersion": str(version), "creationTimestamp": None}
    return {"type": "BOOKMARK", "object": {"metadata": metadata, "spec": {"containers": None}}}


def event(kind: str, what: dict[str, Any]) -> Line:
    return {"type": kind, "object": what}


GONE = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}


class Lines(httpx2.AsyncByteStream):
    """A watch that says *lines* and then ends, breaks off, or says nothing more."""

    def __init__(self, lines: list[Line], end: str) -> None:
        self.lines = lines
        self.end = end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for each in self.lines:
            text = each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n"
            # Pieces end anywhere.
            yield text[:7]
            yield text[7:]
        if self.end == "times out":
            raise httpx2.ReadTimeout("nothing came")
        if self.end == "breaks":
            raise httpx2.ReadError("reset by peer")
        if self.end == "waits":
            await asyncio.Event().wait()


class Server:
    """Answers each list and each watch by the next thing of its script."""

    def __init__(self, lists: list[Any], watches: list[Any]) -> None:
        self.lists, self.watches = lists, watches
        self.asked: list[dict[str, str]] = []
        self.moved = asyncio.Event()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        said = dict(request.url.params)
        self.asked.append(said)
        self.moved.set()
        answers = self.watches if "watch" in said else self.lists
        answer = answers.pop(0) if answers else ([], "waits")
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, tuple) and isinstance(answer[0], int):
            return httpx2.Response(answer[0], json=answer[1], headers=dict(answer[2:]))
        if isinstance(answer, tuple):
            return httpx2.Response(200, stream=Lines(*answer))
        return httpx2.Response(200, json=answer)


class Time:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def patience(self) -> Patience:
        return Patience(self.sleep, lambda: 0.0, lambda: self.now, first=1.0, most=8.0)


class Scene:
    def __init__(self, lists: list[Any], watches: list[Any]) -> None:
        self.server, self.time = Server(lists, watches), Time()
        transport = httpx2.MockTransport(self.server)
        http = httpx2.AsyncClient(transport=transport, base_url="http://api")
        self.api = Api(http, self.time.patience())
        self.said: list[tuple[str | None, str | None]] = []
        self.moved = asyncio.Event()
        self.copy = Reflector(
            self.api, Collection("/pods", lambda each: each), self._changed, self.time.patience()
        )

    def _changed(self, old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
        was, is_ = (each["metadata"]["name"] if each else None for each in (old, new))
        self.said.append((was, is_))
        self.moved.set()

    def versions(self) -> dict[str, str]:
        return {
            name: each["metadata"]["resourceVersion"] for name, each in self.copy.objects.items()
        }

    async def until(self, **versions: int) -> None:
        while self.versions() != {name: str(each) for name, each in versions.items()}:
            self.moved.clear()
            await self.moved.wait()

    async def quiet(self) -> None:
        """Wait until every answer was given and the last watch says nothing."""
        while self.server.lists or self.server.watches or "watch" not in self.server.asked[-1]:
            self.server.moved.clear()
            await self.server.moved.wait()


def play(
    lists: list[Any], watches: list[Any], work: Callable[[Scene], Coroutine[Any, Any, None]]
) -> None:
    async def whole() -> None:
        async with asyncio.timeout(PATIENCE):
            scene = Scene(lists, watches)
            task = asyncio.create_task(scene.copy.run())
            try:
                await work(scene)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await scene.api.close()

    asyncio.run(whole())


def test_a_list_comes_in_pieces_and_a_watch_goes_on_from_there() -> None:
    lists = [
        listed(pod("a", 1), version=5, **{"continue": "next"}),
        listed(pod("b", 2), version=5),
    ]
    watches = [([event("MODIFIED", pod("a", 6)), event("ADDED", pod("c", 7))], "waits")]

    async def work(scene: Scene) -> None:
        await scene.until(a=6, b=2, c=7)
        assert [each.get("continue") for each in scene.server.asked[:2]] == [None, "next"]
        assert scene.server.asked[2]["resourceVersion"] == "5"
        assert scene.server.asked[2]["allowWatchBookmarks"] == "true"

    play(lists, watches, work)


def test_bookmarks_with_nulls_are_no_pods_but_keep_the_place() -> None:
    watches = [([bookmark(90)], "ends"), ([], "waits")]

    async def work(scene: Scene) -> None:
        await scene.quiet()
        assert scene.server.asked[-1]["resourceVersion"] == "90"
        assert scene.versions() == {"a": "1"}

    play([listed(pod("a", 1), version=5)], watches, work)


@pytest.mark.parametrize(
    "gone", [(410, GONE), ([event("ERROR", GONE)], "ends")], ids=["answer", "in the stream"]
)
def test_a_server_that_forgot_is_asked_for_everything_again(gone: Any) -> None:
    lists = [listed(pod("a", 1), pod("b", 2), version=5), listed(pod("b", 8), version=9)]

    async def work(scene: Scene) -> None:
        await scene.until(b=8)
        assert ("a", None) in scene.said
        await scene.quiet()
        assert scene.server.asked[-1]["resourceVersion"] == "9"

    play(lists, [gone, ([], "waits")], work)


@pytest.mark.parametrize(
    "broken",
    [
        ([event("MODIFIED", pod("a", 6))], "breaks"),
        ([event("MODIFIED", pod("a", 6)), b"<html>\n"], "ends"),
        ([event("MODIFIED", pod("a", 6)), b'{"type":"ADDED","object":null}\n'], "ends"),
        ([event("MODIFIED", pod("a", 6)), b'{"type":"ADDED","obj'], "ends"),
    ],
    ids=["broken off", "no JSON", "of nothing", "half a line"],
)
def test_a_watch_that_breaks_goes_on_from_where_it_was(broken: Any) -> None:
    async def work(scene: Scene) -> None:
        await scene.until(a=7)
        watches = [each for each in scene.server.asked if "watch" in each]
        assert [each["resourceVersion"] for each in watches][:2] == ["5", "6"]
        assert len(scene.server.asked) - len(watches) == 1

    after = ([event("MODIFIED", pod("a", 7))], "waits")
    play([listed(pod("a", 1), version=5)], [broken, after], work)


def test_pauses_grow_while_the_server_is_away() -> None:
    away = [httpx2.ConnectError("refused") for _ in range(4)]

    async def work(scene: Scene) -> None:
        await scene.until(a=1)
        assert scene.time.slept == sorted(scene.time.slept)
        assert len(scene.time.slept) == 4
        assert scene.copy.trouble is None

    play([*away, listed(pod("a", 1), version=5)], [([], "waits")], work)


def test_a_watch_that_is_silent_is_begun_anew_without_a_word_of_trouble() -> None:
    async def work(scene: Scene) -> None:
        await scene.quiet()
        assert scene.versions() == {"a": "6"}
        assert [each.get("resourceVersion") for each in scene.server.asked] == [None, "5", "6"]
        assert scene.copy.trouble is None
        # The second is the end of the list; a trouble would be another.
        assert scene.said == [(None, "a"), (None, None), ("a", "a")]
        assert scene.time.slept == []

    watches = [([event("MODIFIED", pod("a", 6))], "times out")]
    play([listed(pod("a", 1), version=5)], watches, work)


def test_what_we_made_ourselves_is_known_before_the_watch_says_so() -> None:
    async def work(scene: Scene) -> None:
        await scene.quiet()
        scene.copy.put(pod("b", 7))
        scene.copy.put(pod("b", 6))
        assert scene.versions() == {"a": "1", "b": "7"}

    play([listed(pod("a", 1), version=5)], [([], "waits")], work)


def test_what_is_gone_does_not_come_back_by_a_late_answer() -> None:
    watches = [([event("DELETED", pod("a", 6))], "waits")]

    async def work(scene: Scene) -> None:
        await scene.copy.listed.wait()
        await scene.until()
        scene.copy.put(pod("a", 4))
        assert scene.versions() == {}

    play([listed(pod("a", 1), version=5)], watches, work)


def test_what_we_removed_is_gone_before_the_watch_says_so() -> None:
    async def work(scene: Scene) -> None:
        await scene.until(a=1, b=2)
        scene.copy.lose("a", "u-of another of that name")
        scene.copy.lose("b", "u-b")
        scene.copy.put(pod("b", 3))
        assert scene.versions() == {"a": "1"}
        assert scene.said[-1] == ("b", None)

    play([listed(pod("a", 1), pod("b", 2), version=5)], [], work)


def test_a_list_that_was_on_its_way_does_not_lose_what_we_made_meanwhile() -> None:
    lists = [listed(version=5), listed(version=8)]

    async def work(scene: Scene) -> None:
        await scene.copy.listed.wait()
        scene.copy.put(pod("a", 9))
        await scene.quiet()
        assert scene.versions() == {"a": "9"}

    play(lists, [(410, GONE), ([], "waits")], work)


def test_who_is_told_to_wait_makes_everybody_wait() -> None:
    async def work(scene: Scene) -> None:
        await scene.quiet()
        scene.server.lists += [(429, {}, ("retry-after", "3")), listed(version=6)]
        await scene.api.call("GET", "/x")
        assert scene.time.slept == [3.0]
        scene.server.lists += [(429, {}, ("retry-after", "1"))] * TRIES
        with pytest.raises(Busy):
            await scene.api.call("GET", "/x")

    play([listed(version=5)], [([], "waits")], work)


@pytest.mark.parametrize(
    ("code", "reason", "message", "kind"),
    [
        (403, "Forbidden", 'pods "a" is forbidden: exceeded quota: few, requested: pods=1', NoRoom),
        (403, "Forbidden", 'User "x" cannot list resource "pods" in API group ""', Forbidden),
        (403, "Forbidden", 'admission webhook "p" denied the request: no root', UserError),
        (403, "Forbidden", "violates PodSecurity: privileged", UserError),
        (403, "Forbidden", "unable to create: n because it is being terminated", Refused),
        (422, "Invalid", "spec.containers[0].image: Required value", UserError),
        (409, "AlreadyExists", 'pods "a" already exists', Exists),
        (409, "Conflict", "Operation cannot be fulfilled on resourcequotas", Unavailable),
        (410, "Gone", "too old resource version", Expired),
        (500, "InternalError", "etcdserver: leader changed", Unavailable),
        (503, "", "", Unavailable),
    ],
)
def test_every_no_has_its_own_error(
    code: int, reason: str, message: str, kind: type[SteersmanError]
) -> None:
    found = error("POST /pods", code, {"reason": reason, "message": message})
    assert type(found) is kind
    assert message in str(found)
