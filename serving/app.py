"""The application: routes, problems, documentation and the services behind them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from data.settings import Settings, settings
from serving.access.context import RequestContext
from serving.access.disclosure.middleware import Disclosure
from serving.access.gate import GUARDED, Gate
from serving.agents.mounted import McpEndpoint
from serving.api.parameters import known_parameters
from serving.api.routes import (
    advice,
    chains,
    clarifications,
    eligibility,
    events,
    exports,
    graph,
    health,
    insight,
    listing,
    metrics,
    models,
    recommendations,
    records,
)
from serving.api.routes.of_kinds import bundles, cards, firms, kind_records, several_kinds
from serving.api.routes.of_models import sentences, structuring
from serving.api.routes.standing import requests as standing_requests
from serving.api.routes.standing import webhooks
from serving.api.routes.trust import disclosures, evidence, quality, sources
from serving.api.routes.work import assignments, matches, orders
from serving.api.transfer import Compressed, Tagged
from serving.dashboard.accounts.oidc import require_usable
from serving.dashboard.app import create_dashboard
from serving.problems import Problem, add_handlers
from serving.runtime.live import LiveModel
from serving.runtime.outside.endpoints import require_usable as require_usable_models
from serving.runtime.services import Services

DESCRIPTION = """Matches technology demands (技术需求) with technology achievements (科技成果), and says why.

Every error is a problem detail (RFC 9457, `application/problem+json`) whose `type` never changes."""
# insight before records: both match `/v1/achievements/…`, the longer path first.
ROUTERS = tuple(
    part.router
    for part in (
        recommendations,
        several_kinds,
        bundles,
        exports,
        insight,
        clarifications,
        eligibility,
        advice,
        cards,
        structuring,
        sentences,
        records,
        kind_records,
        firms,
        matches,
        assignments,
        orders,
        disclosures,
        evidence,
        quality,
        sources,
        chains,
        standing_requests,
        webhooks,
        events,
        listing,
        graph,
        models,
        metrics,
        health,
    )
)


def create_app(chosen: Settings | None = None, loaded: list[LiveModel] | None = None) -> FastAPI:
    """Return the app for the given settings, or else for those of the environment.

    A bundle in `loaded` is taken out of it when the app starts, so that nothing else keeps it once it is replaced.
    """
    used = chosen or settings()
    require_usable(used)
    require_usable_models(used)
    dashboard = create_dashboard()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = Services(used, loaded.pop() if loaded else None)
        app.state.services = dashboard.state.services = services
        await asyncio.to_thread(services.start)
        try:
            async with AsyncExitStack() as stack:
                if agents is not None:
                    await stack.enter_async_context(agents.running())
                yield
        finally:
            await asyncio.to_thread(services.stop)
            # FastAPI keeps every application that there was; the model and its mapped files must not stay with it.
            del app.state.services, dashboard.state.services

    app = FastAPIOffline(
        title="gongxu 供需",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        separate_input_output_schemas=True,
        generate_unique_id_function=lambda route: route.name,  # the name of the client's method
    )
    agents = McpEndpoint(app, used.mcp_origins) if used.serve_mcp else None
    if agents is not None:
        agents.mount()
    add_handlers(app, [route for router in ROUTERS for route in router.routes])
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(known_parameters)])
    app.mount("/dashboard", dashboard)
    app.add_route("/", _start)
    app.add_middleware(Disclosure)  # innermost: what is tagged and packed is what the caller may see
    app.add_middleware(Tagged)
    app.add_middleware(Compressed)
    app.add_middleware(Gate, rate=used.serve_rate_limit)
    app.add_middleware(  # outermost: the last one added
        RequestContext,
        timeout=used.serve_timeout,
        max_body=used.serve_max_body,
        max_bulk_body=used.serve_max_bulk_body,
        max_upload=used.serve_max_upload,
    )
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


async def _start(request: Request) -> Response:
    """Lead people who open the server's address to the dashboard."""
    return RedirectResponse(f"{request.scope['root_path']}/dashboard/", 303)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document: every error a problem, none of FastAPI's own kind."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["Problem"] = problem
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, operations in document["paths"].items():
            if path.startswith(GUARDED):
                for operation in operations.values():
                    operation["security"] = [{"key": []}]
        app.openapi_schema = document
    return app.openapi_schema
