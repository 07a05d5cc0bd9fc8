"""Outcome events: what happened to recommended pairs."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from pydantic import Field, SkipValidation
from starlette.responses import Response

from data.records import OutcomeEvent
from data.store.reading.results import EventResult
from data.store.store import Store
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.event_list import MAX_EVENTS, EventsAnswer, read_events
from serving.problems import (
    COMMON,
    INVALID_REQUEST,
    UNSUPPORTED_MEDIA,
    ApiError,
    described,
    problem_response,
    responses,
    unsupported,
)
from serving.runtime.services import ServicesOf
from serving.telemetry.metrics import EVENT_LAG, EVENTS

router = APIRouter(prefix="/v1", tags=["events"])
# Documented by these types, but read one by one: see `read_events`.
Sent = SkipValidation[OutcomeEvent | Annotated[list[OutcomeEvent], Field(min_length=1, max_length=MAX_EVENTS)]]

_CLICK: dict[str, Any] = {
    "event_id": "20260101-click-1",
    "demand_id": "D000001",
    "achievement_id": "A000042",
    "kind": "click",
    "occurred_at": "2026-01-01T09:30:00+08:00",
    "request_id": "0f4c6a52d1b04f7d8e2f0a1b2c3d4e5f",
    "position": 1,
}
_EXAMPLES: dict[str, Any] = {
    "one": {"summary": "One event", "value": _CLICK},
    "batch": {
        "summary": "Several at once",
        "value": [
            _CLICK,
            {**_CLICK, "event_id": "20260101-deal-1", "kind": "deal", "amount": 120},
            {**_CLICK, "event_id": "20260101-decline-1", "kind": "decline", "reason": "price"},
        ],
    },
}


@router.post(
    "/events",
    response_model=EventsAnswer,
    responses=responses(*COMMON),
    dependencies=[Depends(Needs(Scope.WRITE_EVENTS))],
    summary="Report outcome events",
)
async def post_events(
    sent: Annotated[Sent, Body(openapi_examples=_EXAMPLES)], request: Request, services: ServicesOf
) -> Response:
    """Store one event or up to 1,000. An answer of 200 comes once all of them are on disk.

    An event that cannot be used does not keep the others from being stored: the answer then is a problem (422) that
    names what is wrong (`list.2.kind`) and says in `added`, `known`, `conflicting`, `rejected` and `results` what became
    of all of them. After a timeout or a lost connection send the same events again, with the same `event_id`: nothing
    is doubled.
    """
    given: Any = sent
    if isinstance(given, bytes):  # not sent as JSON
        raise ApiError(UNSUPPORTED_MEDIA, unsupported(request, "application/json"))
    now = datetime.now(UTC)
    read = read_events(given, now)
    events = list(read.good.values())
    stored = await services.in_store(partial(_append, events=events)) if events else []
    for event in events:
        if event.occurred_at is not None:
            EVENT_LAG.observe(max(0.0, (now - event.occurred_at).total_seconds()))
    answer = read.answer(stored)
    for outcome in ("added", "known", "conflicting"):
        EVENTS.labels(outcome).inc(getattr(answer, outcome))
    if not read.faults:
        return json_response(answer.model_dump())
    detail, extra = described(read.faults)
    return problem_response(
        INVALID_REQUEST,
        detail,
        instance=request.url.path,
        request_id=request.state.request_id,
        extra=extra | answer.model_dump(),
    )


def _append(store: Store, events: list[OutcomeEvent]) -> list[EventResult]:
    return store.append_each(events)
