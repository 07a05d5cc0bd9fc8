"""MCP over streamable HTTP at `/mcp` of the server, without sessions: each message is a request like any other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from serving.access.gate import LOOPBACK
from serving.access.gate import MCP_PATH as PATH
from serving.agents.calls import Api
from serving.agents.server import make_server
from serving.problems import FORBIDDEN, problem_response

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class McpEndpoint:
    """ASGI application behind the gate; it answers while `running` is entered."""

    def __init__(self, app: FastAPI, origins: str) -> None:
        """Answer by the routes of `app`; `origins` are the web origins, separated by commas, whose pages may call."""
        import mcp  # noqa: F401 - a missing extra is named before the server starts

        self._app = app
        self._origins = frozenset(origin.strip().lower().rstrip("/") for origin in origins.split(",") if origin.strip())
        self._route = Route(PATH, self, methods=["POST"])
        self._manager: StreamableHTTPSessionManager | None = None

    def mount(self) -> None:
        """Add the path to the application."""
        self._app.router.routes.append(self._route)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer until the context ends."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        server = make_server(Api(self._app), self._app.openapi())
        self._manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        try:
            async with self._manager.run():
                yield
        finally:
            self._manager = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one message."""
        scope["route"] = self._route  # what logs and metrics name
        headers = Headers(scope=scope)
        if self._manager is None or not self._allowed(headers.get("origin"), headers.get("host", "")):
            response = problem_response(
                FORBIDDEN,
                "不接受来自该网页来源（Origin）的请求；可在 GONGXU_MCP_ORIGINS 中登记",
                instance=PATH,
                request_id=scope["state"]["request_id"],
            )
            await response(scope, receive, send)
            return
        await self._manager.handle_request(scope, receive, send)

    def _allowed(self, origin: str | None, host: str) -> bool:
        """Tell whether a page of this origin may call; a name that resolves here (DNS rebinding) does not make it ours."""
        if origin is None or origin.lower() in self._origins:
            return True
        parts = urlsplit(origin.lower())
        return parts.netloc == host.lower() and parts.hostname in LOOPBACK
