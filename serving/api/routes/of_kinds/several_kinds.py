"""One question, several kinds: services, experts, equipment, institutions, policies, products for one demand."""

from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Self

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from data.dates import CHINA_STANDARD_TIME
from data.kinds.record import Value
from data.records import MAX_TEXT, Demand, Identifier
from matcher.collection.filters import Filters
from matcher.kinds.answer import KindsAnswer
from matcher.kinds.candidates import KindsQuery
from matcher.kinds.recommend import MAX_KINDS, recommend_kinds
from matcher.kinds.subjects import demand_of_achievement, demand_of_firm
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, responses
from serving.runtime.live import LiveModel
from serving.runtime.services import Services, ServicesOf

router = APIRouter(prefix="/v1", tags=["recommendations"], dependencies=[Depends(Needs(Scope.RECOMMEND))])
_EXAMPLE = {
    "for": {"text": "需要检测污泥含水率，出具CMA报告"},
    "kinds": {"service": 5, "expert": 3},
    "conditions": {"lead_time_days": 10},
    "requirements": {"qualifications": ["CNAS"]},
}


class AskedFor(BaseModel):
    """The subject: exactly one of a stored demand, a demand sent along, a free text, a stored firm or achievement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    demand_id: Identifier | None = None
    demand: Demand | None = None
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)] | None = None
    firm_id: Identifier | None = Field(None, description="By what the firm does")
    achievement_id: Identifier | None = Field(None, description="By what the achievement is")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = (self.demand_id, self.demand, self.text, self.firm_id, self.achievement_id)
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of demand_id, demand, text, firm_id, achievement_id")
        return self


class KindsRequest(BaseModel):
    """A question over several kinds."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    subject: AskedFor = Field(alias="for")
    kinds: dict[str, int] = Field(
        min_length=1, max_length=MAX_KINDS, description="How many of each kind", examples=[{"service": 5, "expert": 3}]
    )
    filters: Filters = Field(default_factory=lambda: Filters(statuses=()))
    conditions: dict[str, str | int | float | bool | list[str]] = Field(
        default_factory=dict, max_length=20, description="Values of filtered fields; a number is a bound from above"
    )
    requirements: dict[str, str | int | float | bool | list[str]] = Field(
        default_factory=dict,
        max_length=20,
        description="Values that should be there: checked and shown, what misses some comes later; a number is a bound "
        "from above, of several labels all are wanted",
    )
    as_of: date | None = Field(None, description="Day on which records have to be valid; today in China if not given")


@router.post(
    "/recommendations",
    response_model=KindsAnswer,
    responses=responses(NOT_FOUND, NO_BUNDLE, *COMMON),
    summary="Records of several kinds for a demand",
)
async def recommend_several(
    asked: Annotated[KindsRequest, Body(examples=[_EXAMPLE])], services: ServicesOf
) -> Response:
    """Return the best records of each kind asked for. Kinds without outcomes are ordered by texts, without probability."""
    demand = await _demand(asked.subject, services)
    answer = await services.engine_threads.run(partial(_answer, services, services.live(), demand, asked))
    return json_response(answer.model_dump(mode="json"))


async def _demand(subject: AskedFor, services: Services) -> Demand:
    if subject.demand_id is not None:
        wanted = subject.demand_id
        return await services.in_store(lambda store: store.demand(wanted))
    if subject.firm_id is not None:
        firm_id = subject.firm_id
        firm = await services.in_store(lambda store: store.firms.get(firm_id))
        return demand_of_firm(firm.title, firm.facts, firm.record)
    if subject.achievement_id is not None:
        achievement_id = subject.achievement_id
        return demand_of_achievement(await services.in_store(lambda store: store.achievement(achievement_id)))
    return subject.demand if subject.demand is not None else Demand.of_text(subject.text or "")


def _answer(services: Services, live: LiveModel, demand: Demand, asked: KindsRequest) -> KindsAnswer:
    index = services.kinds.index(live.engine, services.access.store())
    on = asked.as_of or datetime.now(UTC).astimezone(CHINA_STANDARD_TIME).date()
    given = _values(asked.conditions), _values(asked.requirements)
    query = KindsQuery(asked.kinds, on, asked.filters, *given, services.withheld.ids)
    return recommend_kinds(live.engine, index, demand, query)


def _values(given: dict[str, str | int | float | bool | list[str]]) -> dict[str, Value]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
