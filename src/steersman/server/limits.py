"""How much a request may bring, and what every answer tells a browser."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steersman.core.errors import UserError

# These take bodies of any size, count them themselves and hold none of them whole.
STREAMED = (
    "/runner/v1/artifacts/",
    "/runner/v1/cache",
    "/runner/v1/log",
    "/runner/v1/shells/",
    "/api/v1/steps/",
)
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)


class TooMuch(UserError):
    """The body is larger than this server takes."""


class Limits:
    """Counts bodies as they come, whatever their length is said to be."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        counted = receive
        if not scope["path"].startswith(STREAMED):
            counted = self._counted(receive)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        await self.app(scope, counted, sent)

    def _counted(self, receive: Receive) -> Receive:
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.most:
                raise TooMuch(f"the body is larger than {self.most} bytes")
            return message

        return counted
