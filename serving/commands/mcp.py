"""`gongxu mcp`: parses arguments and serves an agent over stdin and stdout."""

from typing import Annotated

import typer


def mcp(
    url: Annotated[str, typer.Option(help="Ask this running server instead of opening the home.")] = "",
    openapi: Annotated[
        str, typer.Option(help="Instead: print the tools as OpenAPI 3.0 at this address, for Dify and Coze.")
    ] = "",
) -> None:
    """Serve an agent over MCP on stdin and stdout; the server itself offers the same at /mcp.

    The key is read from GONGXU_MCP_KEY; its role says what the agent may do.

    Examples:
      gongxu mcp

      gongxu mcp --url https://match.example.cn

      gongxu mcp --openapi https://match.example.cn > tools.json

    """
    import asyncio
    import json

    from data.errors import InputError
    from data.settings import settings
    from models.threads import limit_threads
    from serving.agents.openapi import tools_document
    from serving.app import create_app
    from serving.launch.stdio import serve_stdio
    from serving.telemetry.logs import configure_logs

    for option, value in (("--url", url), ("--openapi", openapi)):
        if value and not value.startswith(("http://", "https://")):
            raise InputError(f"{option} {value[:100]!r} must begin with http:// or https://")
    used = settings()
    if openapi:
        typer.echo(json.dumps(tools_document(create_app(used).openapi(), openapi), ensure_ascii=False, indent=1))
        return
    configure_logs(used.log_level)
    limit_threads(1)
    asyncio.run(serve_stdio(used, url))
