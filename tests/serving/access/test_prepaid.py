"""A message to /mcp and the route that it asks for count once for the key's rate; a second route counts by itself."""

import asyncio
from types import SimpleNamespace

import httpx2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from serving.access.context import RequestContext
from serving.access.gate import Gate
from serving.agents.calls import Api, ApiCall

PRINCIPAL = SimpleNamespace(name="agent")
KEYS = SimpleNamespace(known=True, empty=False, principal=lambda key: PRINCIPAL if key == "gx" else None)


def app_with(calls):
    """Return an application whose /mcp calls a route so many times, behind a gate of two requests at once."""

    async def message(request):
        found = [(await api.send(ApiCall("GET", "/v1/thing"), request)).status_code for _ in range(calls)]
        return JSONResponse(found)

    limits = {"timeout": 5.0, "max_body": 1000, "max_bulk_body": 1000, "max_upload": 1000}
    app = Starlette(
        routes=[
            Route("/mcp", message, methods=["POST"]),
            Route("/v1/thing", lambda _: PlainTextResponse("here")),
        ],
        middleware=[Middleware(RequestContext, **limits), Middleware(Gate, rate=0.001)],
    )
    app.state.services = SimpleNamespace(keys=KEYS)
    api = Api(app)
    return app


def post(app, number):
    async def go():
        transport = httpx2.ASGITransport(app, client=("10.0.0.1", 5000))
        headers = {"authorization": "Bearer gx"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://h", headers=headers) as client:
            return [await client.post("/mcp") for _ in range(number)]

    return asyncio.run(go())


def test_a_call_costs_the_message_alone():
    (answer,) = post(app_with(1), 1)
    assert (answer.json(), answer.headers["ratelimit-remaining"]) == ([200], "0")
    assert post(app_with(1), 2)[1].status_code == 429


def test_a_second_call_of_a_message_is_not_free():
    (answer,) = post(app_with(2), 1)
    assert answer.json() == [200, 429]
