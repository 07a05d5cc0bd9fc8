"""Recommendations: achievements for a demand, demands for an achievement."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from data.records import UNSTORED, Achievement, Demand
from data.store import Store
from serving import examples
from serving.answers import answer_body, count_answer, json_response
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, responses
from serving.schemas import AchievementsRequest, Answer, DemandsRequest
from serving.services import Services, ServicesOf

router = APIRouter(prefix="/v1/recommendations", tags=["recommendations"])
_RESPONSES = {200: {"content": {"application/json": {"example": examples.ANSWER}}}} | responses(
    NOT_FOUND, NO_BUNDLE, *COMMON
)


@router.post(
    "/achievements",
    response_model=Answer,
    responses=_RESPONSES,
    summary="Achievements that answer a demand",
)
async def recommend_achievements(
    asked: Annotated[AchievementsRequest, Body(openapi_examples=examples.ACHIEVEMENTS_REQUEST)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """Return the best achievements for a stored demand, a demand sent along, or a free text.

    Nothing is made up: when no achievement is good enough, `items` is empty and `message` says so.
    """
    engine = services.live().engine
    demand = await demand_of(asked, services)
    work = partial(
        engine.recommend_achievements, demand, top=asked.top_k, filters=asked.filters, explain=asked.explain != "none"
    )
    recommendation = await services.engine_threads.run(work)
    count_answer(recommendation)
    return json_response(answer_body(recommendation, asked.explain, request.state.request_id))


@router.post(
    "/demands",
    response_model=Answer,
    responses=_RESPONSES,
    summary="Demands that an achievement answers",
)
async def recommend_demands(
    asked: Annotated[DemandsRequest, Body(openapi_examples=examples.DEMANDS_REQUEST)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """Return the demands that a stored achievement, one sent along, or a free text answers best."""
    engine = services.live().engine
    achievement = await achievement_of(asked, services)
    work = partial(
        engine.recommend_demands, achievement, top=asked.top_k, filters=asked.filters, explain=asked.explain != "none"
    )
    recommendation = await services.engine_threads.run(work)
    count_answer(recommendation)
    return json_response(answer_body(recommendation, asked.explain, request.state.request_id))


async def demand_of(asked: AchievementsRequest, services: Services) -> Demand:
    """Return the demand that a request is about.

    Raises:
        NotFoundError: it names a demand that is not stored.
        StoreError: the store cannot be used.

    """
    if asked.demand_id is not None:
        return await services.in_store(partial(_demand, demand_id=asked.demand_id))
    return asked.demand if asked.demand is not None else Demand.of_text(asked.text or "")


async def achievement_of(asked: DemandsRequest, services: Services) -> Achievement:
    """Return the achievement that a request is about.

    Raises:
        NotFoundError: it names an achievement that is not stored.
        StoreError: the store cannot be used.

    """
    if asked.achievement_id is not None:
        return await services.in_store(partial(_achievement, achievement_id=asked.achievement_id))
    if asked.achievement is not None:
        return asked.achievement
    said = Demand.of_text(asked.text or "")
    return Achievement(achievement_id=UNSTORED, title=said.title, content=said.content)


def _demand(store: Store, demand_id: str) -> Demand:
    return store.demand(demand_id)


def _achievement(store: Store, achievement_id: str) -> Achievement:
    return store.achievement(achievement_id)
