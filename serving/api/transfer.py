"""How answers travel: tagged, so that an unchanged one need not be sent again, and compressed for whoever can read that."""

from hashlib import blake2b

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Not the dashboard: its pages hold form tokens, whose length compression would betray (BREACH).
COMPRESSED = ("/v1/", "/openapi.json")
TAGGED = ("/v1/", "/openapi.json")
LEAST_BYTES = 1_000
LEVEL = 5  # of 9: nearly as small as the last, at half the time


class Compressed:
    """ASGI middleware: gzip for answers of the API from 1,000 bytes on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._gzip = GZipMiddleware(app, minimum_size=LEAST_BYTES, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        compressed = scope["type"] == "http" and scope["path"].startswith(COMPRESSED)
        await (self._gzip if compressed else self._app)(scope, receive, send)


class Tagged:
    """ASGI middleware: an ETag for what GET returns at once, and 304 where the client has it already."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(TAGGED):
            await self._app(scope, receive, send)
            return
        known = {tag.strip() for tag in Headers(scope=scope).get("if-none-match", "").split(",")}
        held: Message | None = None  # the start of an answer whose body is not known yet

        async def answer(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and message["status"] == 200:
                held = message
                return
            if held is None:
                await send(message)
                return
            start, held = held, None
            if not message.get("more_body", False):  # complete: what is streamed has no tag
                body = message.get("body", b"")
                tag = f'W/"{blake2b(body, digest_size=12).hexdigest()}"'
                headers = MutableHeaders(scope=start)
                headers["ETag"] = tag
                headers.setdefault("Cache-Control", "private, no-cache")
                if tag in known or "*" in known:
                    start = {**start, "status": 304}
                    del headers["content-length"], headers["content-type"]
                    message = {**message, "body": b""}
            await send(start)
            await send(message)

        await self._app(scope, receive, answer)
