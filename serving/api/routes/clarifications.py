"""What a demand lacks: its completeness, the questions worth asking about it, their answers, and the gaps of supply."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from data.records import MAX_TITLE, Demand
from data.store.clarifications import Clarification, QuestionId
from data.store.store import Store
from matcher.clarification.answers import MAX_ANSWER, clarification
from matcher.clarification.ask import MAX_QUESTIONS, ask, best_ids
from matcher.clarification.completeness import Weights, as_dict, completeness, completeness_path, load_weights
from matcher.clarification.questions import question_dict
from matcher.engine import Engine
from matcher.loading import stored_achievements
from matcher.recommendation import Match
from matcher.rescoring import candidate_pool
from serving.access.credentials import Principal
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.gaps import GapReportAnswer, gap_answer
from serving.api.routes.records import DemandId
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, responses
from serving.runtime.services import Services, ServicesOf

router = APIRouter(prefix="/v1/demands", tags=["clarifications"])
Reader = Depends(Needs(Scope.RECOMMEND))
Answering = Annotated[Principal, Depends(Needs(Scope.WRITE_EVENTS))]
_RESPONSES = responses(NOT_FOUND, NO_BUNDLE, *COMMON)
_EXAMPLES: dict[str, Any] = {
    "option": {"summary": "An option", "value": {"question_id": "element:material", "answer": "市政污泥"}},
    "number": {"summary": "A number", "value": {"question_id": "limit:budget", "answer": "80", "answered_by": "张三"}},
    "unclear": {"summary": "Not known", "value": {"question_id": "limit:region", "answer": "不清楚"}},
}


class PartAnswer(BaseModel):
    """One part of a complete demand."""

    name: str
    title: str
    stated: bool
    evidence: list[str] = Field(description="The demand's own words")
    share: float = Field(description="Of the score")
    advice: str = Field(description="What to write, where it is not stated")


class CompletenessAnswer(BaseModel):
    """How complete a demand is."""

    score: float = Field(ge=0, le=1)
    answered_probability: float = Field(description="How often demands like it were answered")
    base_rate: float
    text: str = Field(description="In Chinese, ready to be shown")
    parts: list[PartAnswer]


class OptionAnswer(BaseModel):
    """A plausible answer."""

    answer: str
    probability: float


class QuestionAnswer(BaseModel):
    """A question worth asking: options to click, or with `entry` something to enter."""

    question_id: str
    kind: str = Field(description="element, sense, threshold or limit")
    text: str
    options: list[OptionAnswer]
    entry: str = Field(description="What may be entered instead: text, a unit, or empty for options only")
    value: float = Field(description="Expected gain of the top ten, as a share of ten perfect matches")
    expected_changes: float = Field(description="How many of the top ten are expected to change")


class ClarificationsAnswer(BaseModel):
    """What a demand lacks, what to ask about it, and what was answered so far."""

    demand_id: str
    bundle_version: str
    completeness: CompletenessAnswer
    questions: list[QuestionAnswer]
    answered: list[Clarification]


class GivenAnswer(BaseModel):
    """An answer to a question about a demand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question_id: QuestionId
    answer: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4 * MAX_ANSWER)] = Field(
        description="Words of an option, words or a number of one's own, or 不清楚"
    )
    answered_by: Annotated[str, StringConstraints(max_length=MAX_TITLE)] = Field("", description="Who answered")


class ClarifiedAnswer(BaseModel):
    """What an answer changed. The demand's texts stay as written."""

    demand_id: str
    clarification: Clarification
    completeness: CompletenessAnswer
    changed: int = Field(description="How many of the top ten are new")
    items: list[Match] = Field(description="The list as it is now, with reasons and checked requirements")


@router.get(
    "/{demand_id:path}/clarifications",
    response_model=ClarificationsAnswer,
    responses=_RESPONSES,
    dependencies=[Reader],
    summary="What to ask about a demand",
)
async def get_clarifications(
    demand_id: DemandId,
    services: ServicesOf,
    limit: Annotated[int, Query(ge=0, le=MAX_QUESTIONS, description="How many questions at most")] = 3,
) -> Response:
    """Return how complete a demand is and the questions whose answers would change its list most, the best first."""
    live = services.live()
    demand, answered = await services.in_store(partial(_demand_and_answers, demand_id=demand_id))
    questions = []
    if limit:
        pool = await services.engine_threads.run(partial(candidate_pool, live.engine, demand))
        records = await services.in_store(partial(stored_achievements, ids=best_ids(pool)))
        work = partial(ask, live.engine, demand, records, answered, pool)
        questions = [question_dict(question) for question in (await services.engine_threads.run(work))[:limit]]
    return json_response(
        {
            "demand_id": demand_id,
            "bundle_version": live.manifest.version,
            "completeness": await _completeness(services, live.engine, demand),
            "questions": questions,
            "answered": [answer.model_dump(mode="json") for answer in answered],
        }
    )


@router.post(
    "/{demand_id:path}/clarifications",
    response_model=ClarifiedAnswer,
    responses=_RESPONSES,
    summary="Answer a question about a demand",
)
async def post_clarification(
    demand_id: DemandId,
    given: Annotated[GivenAnswer, Body(openapi_examples=_EXAMPLES)],
    request: Request,
    services: ServicesOf,
    who: Answering,
) -> Response:
    """Keep an answer and return the list that follows from it.

    The answer is on disk, with its question, its moment and who gave it, and every request from now on reads it. Of
    several answers to one question the last counts; 不清楚 takes an answer back.
    """
    live = services.live()
    demand = await services.in_store(partial(_demand, demand_id=demand_id))
    actor = f"{who.name}: {given.answered_by}"[:MAX_TITLE] if given.answered_by else who.name
    answer = clarification(demand, given.question_id, given.answer, actor, datetime.now(UTC))
    answer = answer.model_copy(update={"request_id": request.state.request_id})
    offered = services.withheld.offered("achievement")
    listed = partial(live.engine.recommend_achievements, filters=offered)
    before = await services.engine_threads.run(partial(listed, demand))
    clarified = await services.in_store(partial(_clarify, answer=answer))
    await services.in_store(live.catch_up)
    services.follower.wake()
    after = await services.engine_threads.run(partial(listed, clarified, explain=True))
    known = {match.id for match in before.items}
    return json_response(
        {
            "demand_id": demand_id,
            "clarification": answer.model_dump(mode="json"),
            "completeness": await _completeness(services, live.engine, clarified),
            "changed": sum(match.id not in known for match in after.items),
            "items": [match.model_dump() for match in after.items],
        }
    )


@router.get(
    "/{demand_id:path}/completeness",
    response_model=CompletenessAnswer,
    responses=_RESPONSES,
    dependencies=[Reader],
    summary="How complete a demand is",
)
async def get_completeness(demand_id: DemandId, services: ServicesOf) -> Response:
    """Return what a demand says and lacks, and how often demands like it were answered."""
    demand = await services.in_store(partial(_demand, demand_id=demand_id))
    return json_response(await _completeness(services, services.live().engine, demand))


class GapAnswer(GapReportAnswer):
    """The gap report of a stored demand."""

    demand_id: str
    bundle_version: str


@router.get(
    "/{demand_id:path}/gaps",
    response_model=GapAnswer,
    responses=_RESPONSES,
    dependencies=[Reader],
    summary="What no achievement offers a demand yet",
)
async def get_gaps(demand_id: DemandId, services: ServicesOf) -> Response:
    """Return whether a demand has a good enough match; and what would have to be developed, by whom, and with whom."""
    live = services.live()
    demand = await services.in_store(partial(_demand, demand_id=demand_id))
    report = await gap_answer(services, live, demand)
    return json_response({"demand_id": demand_id, "bundle_version": live.manifest.version, **report})


async def _completeness(services: Services, engine: Engine, demand: Demand) -> dict[str, Any]:
    weights = load_weights(completeness_path(services.settings))
    return await services.engine_threads.run(partial(_complete, engine, demand, weights))


def _complete(engine: Engine, demand: Demand, weights: Weights) -> dict[str, Any]:
    return dict(as_dict(completeness(demand, engine.model.graph, weights)))


def _demand(store: Store, demand_id: str) -> Demand:
    return store.demand(demand_id)


def _demand_and_answers(store: Store, demand_id: str) -> tuple[Demand, list[Clarification]]:
    return store.demand(demand_id), store.clarifications(demand_id)


def _clarify(store: Store, answer: Clarification) -> Demand:
    return store.clarify(answer)
