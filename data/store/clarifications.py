"""Answers to questions about a demand: kept beside the record, which stays as written, and read into its structured part."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC
from typing import Annotated, Any

import orjson
import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from data.records import MAX_ID, MAX_LIST, MAX_TITLE, STORED, Day, Demand, Label, Labels, Money, Region, Trl
from data.store.tables import clarifications

QuestionId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
FILLED = ("region", "budget_max", "trl_min", "cooperation_modes", "deadline")
"""Fields that an answer fills where the record says nothing."""


class Clarified(BaseModel):
    """What an answer says about a demand, in its structured fields; an answer that tells nothing is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keywords: Labels = ()
    region: Region = None
    budget_max: Money = None
    trl_min: Trl = None
    cooperation_modes: Labels = ()
    deadline: Day = None


class Clarification(BaseModel):
    """One answer: who gave it, when, to which question in which words, and what it changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    demand_id: str = Field(max_length=MAX_ID, description="Empty where the demand exists in a request only")
    question_id: QuestionId
    question: Label = Field(description="The question as it was asked")
    answer: Label = Field(description="The answer as it was shown, or the number as it was entered")
    changes: Clarified = Clarified()
    actor: Annotated[str, StringConstraints(max_length=MAX_TITLE)] = Field("", description="Who answered")
    answered_at: AwareDatetime
    request_id: str = ""


def clarified(demand: Demand, answers: Iterable[Clarification]) -> Demand:
    """Return the demand with what was answered about it, given in the order of time.

    Of several answers to one question the last counts. Keywords are added; another field is filled only where the
    record says nothing, so that what the platform itself states always wins. The texts stay as written.
    """
    last = {answer.question_id: answer for answer in answers}
    update: dict[str, Any] = {}
    keywords = list(demand.keywords)
    for answer in last.values():
        keywords += [word for word in answer.changes.keywords if word and word not in keywords]
        for name in FILLED:
            value = getattr(answer.changes, name)
            if value not in (None, ()) and getattr(demand, name) in (None, ()):
                update[name] = value
    if len(keywords) > len(demand.keywords):
        update["keywords"] = tuple(keywords[: max(MAX_LIST, len(demand.keywords))])
    low, high = demand.budget_min, update.get("budget_max")
    if low is not None and high is not None and low > high:
        del update["budget_max"]  # the record itself says that it can spend more
    return demand.model_copy(update=update) if update else demand


def insert_clarification(connection: sa.Connection, answer: Clarification) -> None:
    """Append an answer."""
    values = {
        "demand_id": answer.demand_id,
        "question_id": answer.question_id,
        "answered_at": answer.answered_at.astimezone(UTC).replace(tzinfo=None),  # as SQLite can hold it
        "clarification": orjson.dumps(answer.model_dump(mode="json", exclude_defaults=True)).decode(),
    }
    connection.execute(sa.insert(clarifications).values(values))


def read_clarifications(connection: sa.Connection, demand_id: str | None = None) -> dict[str, list[Clarification]]:
    """Return the answers by demand, in the order in which they were given; of one demand, or of all."""
    query = sa.select(clarifications.c.demand_id, clarifications.c.clarification).order_by(clarifications.c.number)
    if demand_id is not None:
        query = query.where(clarifications.c.demand_id == demand_id)
    found: dict[str, list[Clarification]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.demand_id].append(Clarification.model_validate_json(row.clarification, context=STORED))
    return dict(found)
