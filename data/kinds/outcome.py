"""What happened to a pair of a demand and a record of a declared kind."""

from datetime import UTC, date, datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from data.kinds.declaration import KindDeclaration
from data.records import GRADES, EventKind, Identifier

GOOD_GRADE = 2  # contact, favourite and what follows them: somebody took the record up


class KindOutcome(BaseModel):
    """One event of a pair; append-only, `event_id` is the idempotency key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: Identifier
    demand_id: Identifier
    record_id: Identifier
    kind: EventKind
    occurred_at: Annotated[AwareDatetime, Field(description="With its offset from UTC")]

    @model_validator(mode="after")
    def _no_judgement(self) -> Self:
        if self.kind is EventKind.JUDGEMENT:
            raise ValueError("judgements are of achievements only")
        return self

    @property
    def moment(self) -> datetime:
        """The moment in UTC, without offset."""
        return self.occurred_at.astimezone(UTC).replace(tzinfo=None)


class PairOutcome(BaseModel):
    """What became known of one pair: the day it was first shown or acted on, and whether somebody took the record up."""

    model_config = ConfigDict(frozen=True)

    demand_id: str
    record_id: str
    day: date
    good: bool


def counted(kind: KindDeclaration, event: EventKind) -> bool:
    """Tell whether an event says something of records of a kind: impressions always do, others as the kind declares."""
    return event is EventKind.IMPRESSION or event.value in kind.outcomes


def is_good(events: set[EventKind]) -> bool:
    """Tell whether the events of a pair come to somebody taking the record up; a decline undoes all but a deal."""
    best = max(GRADES[event] for event in events)
    return best >= GOOD_GRADE and (EventKind.DECLINE not in events or EventKind.DEAL in events)
