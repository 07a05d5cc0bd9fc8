"""Outcome events as they were sent: each checked for itself, so that a bad one does not take the others along."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.clocks import impossible_moment
from data.records import OutcomeEvent
from data.store.reading.results import EventResult
from serving.faults import faults_of

MAX_EVENTS = 1000


class EventOutcome(BaseModel):
    """Outcome of one event."""

    model_config = ConfigDict(frozen=True)

    index: int = Field(description="Its place in the list, from 0")
    event_id: str | None = Field(description="Its id, if it has one that can be read")
    result: Literal["added", "known", "conflicting", "rejected"]


class EventsAnswer(BaseModel):
    """Outcomes of the events. All but the rejected ones are on disk: those added now, and those known from before."""

    model_config = ConfigDict(frozen=True)

    added: int
    known: int = Field(description="Their event_id was known with the same content: nothing to do")
    conflicting: int = Field(description="Their event_id was known with another content: the first one stays")
    rejected: int = Field(description="They cannot be used; the answer then is a problem with status 422, see `errors`")
    results: list[EventOutcome] = Field(description="One for each event, in the order in which they were sent")


@dataclass(frozen=True)
class SentEvents:
    """The events of one request that can be stored, by their place, and what is wrong with the others."""

    good: dict[int, OutcomeEvent]
    names: list[str | None]
    faults: list[dict[str, str]]

    def answer(self, stored: Iterable[EventResult]) -> EventsAnswer:
        """Return the answer once the good ones are stored; `stored` has a result for each of them."""
        results: dict[int, EventResult] = dict(zip(self.good, stored, strict=True))
        outcomes = [
            EventOutcome(index=place, event_id=name, result=results.get(place, "rejected"))
            for place, name in enumerate(self.names)
        ]
        counted = list(results.values())
        return EventsAnswer(
            added=counted.count("added"),
            known=counted.count("known"),
            conflicting=counted.count("conflicting"),
            rejected=len(outcomes) - len(counted),
            results=outcomes,
        )


def read_events(sent: Any, now: datetime) -> SentEvents:
    """Return what can be stored of a request: one event, or a list of them.

    Faults are named `body.kind` in a single event, `list.2.kind` in the third event of a list.
    """
    listed = sent if isinstance(sent, list) else [sent]
    if not 1 <= len(listed) <= MAX_EVENTS:
        message = f"每次可发送 1 至 {MAX_EVENTS} 个事件，现为 {len(listed)} 个"
        return SentEvents({}, [], [{"where": "list", "message": message}])
    good: dict[int, OutcomeEvent] = {}
    faults: list[dict[str, str]] = []
    for place, values in enumerate(listed):
        where: tuple[str | int, ...] = ("list", place) if isinstance(sent, list) else ("body",)
        try:
            event = OutcomeEvent.model_validate(values)
        except ValidationError as error:
            found = error.errors(include_url=False)
            faults += faults_of({**fault, "loc": (*where, *fault["loc"])} for fault in found)
            continue
        if problem := impossible_moment(event, now):
            faults.append({"where": ".".join(map(str, (*where, "occurred_at"))), "message": problem})
        else:
            good[place] = event
    return SentEvents(good, [_name(values) for values in listed], faults)


def _name(values: Any) -> str | None:
    name = values.get("event_id") if isinstance(values, dict) else None
    return name[:200].encode(errors="replace").decode() if isinstance(name, str) else None
