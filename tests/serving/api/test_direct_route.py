"""Routes that are called directly refuse and answer as FastAPI's general way does, and are documented alike."""

import json
from itertools import product
from typing import Annotated

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Request
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import Field
from starlette.responses import Response

from data.records import OutcomeEvent
from serving.api.direct_route import DirectRoute
from serving.api.schemas import AchievementsRequest
from serving.problems import add_handlers

EVENT = {
    "event_id": "1",
    "demand_id": "D",
    "achievement_id": "A",
    "kind": "click",
    "occurred_at": "2026-01-01T09:30:00+08:00",
}
EVENTS = [
    json.dumps(sent).encode()
    for sent in (EVENT, [EVENT, EVENT], [EVENT] * 4, [], {**EVENT, "kind": "x"}, [{**EVENT, "kind": "x"}])
]
QUESTIONS = [
    b'{"text": "a", "filters": {"regions": ["410000"]}}',
    b'{"text": "a", "text": "b"}',
    b'{"demand": {"title": "t", "deadline": "2024-05-01"}}',
    b'{"text": "a", "demand_id": "b"}',
    b'{"text": "a", "unknown": 1}',
    b'{"text": "a", "top_k": NaN}',
    b'{"text": "a", "filters": {"budget": 1e999}}',
    b'{"text": "\\ud800"}',
    b'{"demand_id": 5}',
]
BROKEN = [b"", b"null", b"{}", b"1", b"{", b'{"text": ', b"\xff\xfe", b'{"text": "\xff"}', b"[" * 100_000]
TYPES = ["application/json", "Application/JSON; charset=utf-8", "application/problem+json", "text/plain", "", None]


def client_of(route_class):
    """Return a client to an app with a route for questions and one for events, of the given class."""

    async def guard(request: Request) -> None:
        if "refused" in request.headers:
            raise HTTPException(403, "no")

    async def services_of(request: Request) -> str:
        return request.url.path

    services = Annotated[str, Depends(services_of)]
    router = APIRouter(route_class=route_class, dependencies=[Depends(guard)])

    @router.post("/questions")
    async def ask(asked: AchievementsRequest, request: Request, services: services) -> Response:
        return Response(f"{asked!r} {request.method} {services}")

    @router.post("/events")
    async def report(
        sent: Annotated[OutcomeEvent | Annotated[list[OutcomeEvent], Field(min_length=1, max_length=3)], Body()],
        services: services,
    ) -> Response:
        return Response(f"{sent!r} {services}")

    app = FastAPI()
    add_handlers(app)
    app.include_router(router)

    async def numbered(scope, receive, send) -> None:
        scope.setdefault("state", {})["request_id"] = "r"
        await app(scope, receive, send)

    return TestClient(numbered), app


@pytest.fixture(scope="module")
def both():
    return client_of(DirectRoute), client_of(APIRoute)


@pytest.mark.parametrize("path", ["/questions", "/events"])
def test_answers_and_refusals_are_those_of_fastapi(both, path):
    seen = set()
    for body, kind in product([*QUESTIONS, *EVENTS, *BROKEN], TYPES):
        headers = {} if kind is None else {"Content-Type": kind}
        direct, general = (client.post(path, content=body, headers=headers) for client, _ in both)
        assert (direct.status_code, direct.text) == (general.status_code, general.text), (body[:80], kind)
        seen.add(direct.status_code)
    assert seen == {200, 400, 422}


def test_dependencies_of_the_router_come_first(both):
    for client, _ in both:
        assert client.post("/questions", json={"text": "a"}, headers={"refused": "1"}).status_code == 403


def test_documented_alike(both):
    (_, direct), (_, general) = both
    assert direct.openapi() == general.openapi()
