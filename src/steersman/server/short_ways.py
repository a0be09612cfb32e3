"""The short way to what is asked thousands of times a minute: around the framework.

It leads to the same functions, which the framework still describes and serves: finding its way
through routers and what a function depends on takes it longer than most of them run. Only a request
that is just as described goes this way. Every other one goes on as it came, and is told there, in
words, what is wrong with it.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from fastapi import Depends
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steersman.core.errors import SteersmanError
from steersman.server import access, problems

Find = Callable[[Request], Awaitable[Any]]
JSON = b"application/json"


class Way(NamedTuple):
    """How the arguments of *function* are found: by *finds* from who asks, in path and query by
    *texts*, in the body by *body*.
    """

    function: Callable[..., Awaitable[Any]]
    finds: tuple[tuple[str, Find], ...]
    texts: tuple[tuple[str, TypeAdapter[Any], Any], ...]
    body: tuple[str, TypeAdapter[Any]] | None


async def _request(request: Request) -> Request:
    return request


# What each of these depends on in turn, it looks for by itself here.
_FINDS: Mapping[object, Find] = {
    access.platform_of: access.platform_of,
    access.attempt: access.attempt,
    access.worker: access.asking_worker,
    access.caller: access.asking_person,
}


def way(function: Callable[..., Awaitable[Any]]) -> Way:
    """Return the way to an endpoint; `TypeError` where an argument comes from elsewhere."""
    finds: list[tuple[str, Find]] = []
    texts: list[tuple[str, TypeAdapter[Any], Any]] = []
    body = None
    for name, each in inspect.signature(function, eval_str=True).parameters.items():
        depends = [one for one in get_args(each.annotation) if isinstance(one, type(Depends()))]
        if each.annotation is Request:
            finds.append((name, _request))
        elif depends:
            finds.append((name, _FINDS[depends[0].dependency]))
        elif hasattr(each.annotation, "__pydantic_config__"):
            body = name, TypeAdapter(each.annotation)
        elif get_origin(each.annotation) in (None, Annotated):
            texts.append((name, TypeAdapter(each.annotation), each.default))
        else:
            raise TypeError(f"{function.__name__}: {name} comes from elsewhere")
    return Way(function, tuple(finds), tuple(texts), body)


class ShortWays:
    """Takes what has a way in *ways*, by method and path; the *app* behind it has the rest."""

    def __init__(self, app: ASGIApp, ways: Sequence[tuple[str, str, Way]]) -> None:
        self.app = app
        self._exact = {(method, path): way for method, path, way in ways if "{" not in path}
        self._patterns = [
            (method, compile_path(path)[0], way) for method, path, way in ways if "{" in path
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope) if scope["type"] == "http" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        way, named = found
        given = _texts(way, Request(scope), named)
        try:
            if given is not None and way.body is not None:
                receive, body = await _whole(scope, receive)
                given = _with_body(given, way.body, body)
            if given is not None:
                answer = await _answer(way, Request(scope, receive), given)
        except SteersmanError as error:
            answer = problems.of(error)
        await (self.app if given is None else answer)(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[Way, Mapping[str, str]] | None:
        if scope.get("root_path"):
            return None
        method, path = scope["method"], scope["path"]
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact, {}
        for wanted, pattern, way in self._patterns:
            match = pattern.match(path) if wanted == method else None
            if match is not None:
                return way, match.groupdict()
        return None


def _texts(way: Way, request: Request, named: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the arguments that stand in path and query; None where one is not as described."""
    given: dict[str, Any] = {}
    for name, adapter, default in way.texts:
        text = named.get(name, request.query_params.get(name))
        try:
            given[name] = default if text is None else adapter.validate_python(text)
        except ValidationError:
            return None
        if given[name] is inspect.Parameter.empty:
            return None
    return given


async def _whole(scope: Scope, receive: Receive) -> tuple[Receive, bytes | None]:
    """Return a body of JSON, None for any other, and what gives it to whoever wants it again."""
    if (b"content-type", JSON) not in scope["headers"]:
        return receive, None
    kept: list[Message] = []
    while True:
        message = await receive()
        kept.append(message)
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    again = partial(_again, iter(kept), receive)
    if kept[-1]["type"] != "http.request":
        return again, None
    return again, b"".join(message.get("body", b"") for message in kept)


async def _again(kept: Any, receive: Receive) -> Message:
    message: Message | None = next(kept, None)
    return await receive() if message is None else message


def _with_body(
    given: dict[str, Any], wanted: tuple[str, TypeAdapter[Any]], body: bytes | None
) -> dict[str, Any] | None:
    name, adapter = wanted
    if body is None:
        return None
    try:
        return {**given, name: adapter.validate_json(body)}
    except ValidationError:
        return None


async def _answer(way: Way, request: Request, given: dict[str, Any]) -> Response:
    for name, find in way.finds:
        given[name] = await find(request)
    said = await way.function(**given)
    if isinstance(said, Response):
        return said
    return Response(to_json(said), media_type="application/json")
