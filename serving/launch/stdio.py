"""MCP over stdin and stdout: by the routes of an app in this process, or of another server."""

from contextlib import AsyncExitStack

from data.settings import Settings
from serving.agents.calls import Api
from serving.agents.server import make_server
from serving.app import create_app


async def serve_stdio(settings: Settings, url: str = "") -> None:
    """Answer an agent until it closes stdin; with `url` by that server, else by this home's own bundle and store."""
    from mcp.server.stdio import stdio_server

    app = create_app(settings)
    key = settings.mcp_key.get_secret_value()
    api = Api(url=url, key=key) if url else Api(app, key=key)
    server = make_server(api, app.openapi())
    async with AsyncExitStack() as stack:
        if not url:
            await stack.enter_async_context(app.router.lifespan_context(app))
        read, write = await stack.enter_async_context(stdio_server())
        await server.run(read, write, server.create_initialization_options())
