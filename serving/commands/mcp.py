"""`gongxu mcp`: parses arguments and serves an agent over stdin and stdout."""

from typing import Annotated

import typer


def mcp(
    url: Annotated[str, typer.Option(help="Ask this running server instead of opening the home.")] = "",
) -> None:
    """Serve an agent over MCP on stdin and stdout; the server itself offers the same at /mcp.

    The key is read from GONGXU_MCP_KEY; its role says what the agent may do.

    Examples:
      gongxu mcp

      gongxu mcp --url https://match.example.cn

    """
    import asyncio

    from data.errors import InputError
    from data.settings import settings
    from models.threads import limit_threads
    from serving.launch.stdio import serve_stdio
    from serving.telemetry.logs import configure_logs

    if url and not url.startswith(("http://", "https://")):
        raise InputError(f"--url {url[:100]!r} must begin with http:// or https://")
    used = settings()
    configure_logs(used.log_level)
    limit_threads(1)
    asyncio.run(serve_stdio(used, url))
