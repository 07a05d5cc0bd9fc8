"""Outcome events: what became of recommended pairs."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.records import OutcomeEvent
from data.store.store import EventCounts, Store
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.direct_route import DirectRoute
from serving.problems import COMMON, responses
from serving.runtime.services import ServicesOf
from serving.telemetry.metrics import EVENT_LAG, EVENTS

router = APIRouter(
    prefix="/v1", tags=["events"], dependencies=[Depends(Needs(Scope.WRITE_EVENTS))], route_class=DirectRoute
)
MAX_EVENTS = 1000

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


class EventsAnswer(BaseModel):
    """What became of the events. All of them are on disk: those added now, and those known from before."""

    model_config = ConfigDict(frozen=True)

    added: int
    known: int = Field(description="Their event_id was known with the same content: nothing to do")
    conflicting: int = Field(description="Their event_id was known with another content: the first one stays")


@router.post("/events", response_model=EventsAnswer, responses=responses(*COMMON), summary="Report outcome events")
async def post_events(
    sent: Annotated[
        OutcomeEvent | Annotated[list[OutcomeEvent], Field(min_length=1, max_length=MAX_EVENTS)],
        Body(openapi_examples=_EXAMPLES),
    ],
    services: ServicesOf,
) -> Response:
    """Store one event or up to 1,000. The answer comes once they are on disk.

    After a timeout or a lost connection send the same events again, with the same `event_id`: nothing is doubled.
    """
    events = sent if isinstance(sent, list) else [sent]
    counts = await services.in_store(partial(_append, events=events))
    now = datetime.now(UTC)
    for event in events:
        if event.occurred_at is not None:
            EVENT_LAG.observe(max(0.0, (now - event.occurred_at).total_seconds()))
    for outcome, number in vars(counts).items():
        EVENTS.labels(outcome).inc(number)
    return json_response(vars(counts))


def _append(store: Store, events: list[OutcomeEvent]) -> EventCounts:
    return store.append_events(events)
