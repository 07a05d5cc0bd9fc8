"""Recommendations: achievements for a demand, demands for an achievement; one or many at a time."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import Response

from data.errors import InputError
from data.records import UNSTORED, Achievement, Demand
from data.store import Store
from serving import examples
from serving.answers import answer_body, count_answer, json_response
from serving.gate import Needs
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, problem_body, problem_of, responses
from serving.roles import Scope
from serving.schemas import (
    AchievementsBatch,
    AchievementsRequest,
    Answer,
    BatchAnswer,
    DemandsBatch,
    DemandsRequest,
)
from serving.services import Services, ServicesOf

router = APIRouter(
    prefix="/v1/recommendations", tags=["recommendations"], dependencies=[Depends(Needs(Scope.RECOMMEND))]
)
_RESPONSES = responses(
    NOT_FOUND, NO_BUNDLE, *COMMON, ok={"content": {"application/json": {"example": examples.ANSWER}}}
)
_BATCH_RESPONSES = responses(NO_BUNDLE, *COMMON)


@router.post("/achievements", response_model=Answer, responses=_RESPONSES, summary="Achievements that answer a demand")
async def recommend_achievements(
    asked: Annotated[AchievementsRequest, Body(openapi_examples=examples.ACHIEVEMENTS_REQUEST)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """Return the best achievements for a stored demand, a demand sent along, or a free text.

    Nothing is made up: when no achievement is good enough, `items` is empty and `message` says so.
    """
    return json_response(await achievements_answer(asked, services, request.state.request_id))


@router.post("/demands", response_model=Answer, responses=_RESPONSES, summary="Demands that an achievement answers")
async def recommend_demands(
    asked: Annotated[DemandsRequest, Body(openapi_examples=examples.DEMANDS_REQUEST)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """Return the demands that a stored achievement, one sent along, or a free text answers best."""
    return json_response(await demands_answer(asked, services, request.state.request_id))


@router.post(
    "/achievements:batch",
    response_model=BatchAnswer,
    responses=_BATCH_RESPONSES,
    summary="Achievements for up to 100 demands",
)
async def batch_achievements(asked: AchievementsBatch, request: Request, services: ServicesOf) -> Response:
    """Answer up to 100 requests, in their order; one that fails has a problem instead of an answer."""
    return await _batch(asked.requests, achievements_answer, request, services)


@router.post(
    "/demands:batch",
    response_model=BatchAnswer,
    responses=_BATCH_RESPONSES,
    summary="Demands for up to 100 achievements",
)
async def batch_demands(asked: DemandsBatch, request: Request, services: ServicesOf) -> Response:
    """Answer up to 100 requests, in their order; one that fails has a problem instead of an answer."""
    return await _batch(asked.requests, demands_answer, request, services)


async def achievements_answer(
    asked: AchievementsRequest, services: Services, request_id: str, *, noted: bool = True
) -> dict[str, Any]:
    """Return the body of the answer to one request for achievements; unless `noted`, nobody is shown it.

    Raises:
        NotFoundError, InputError, StoreError, ApiError: as the routes document.

    """
    engine = services.live().engine
    stored = asked.demand_id is not None
    if asked.demand_id is not None:
        demand = await services.in_store(partial(_demand, demand_id=asked.demand_id))
    else:
        demand = asked.demand if asked.demand is not None else Demand.of_text(asked.text or "")
    recommendation = await services.engine_threads.run(
        partial(
            engine.recommend_achievements,
            demand,
            top=asked.top_k,
            filters=asked.filters,
            explain=asked.explain != "none",
            personalised=asked.personalised,
        )
    )
    count_answer(recommendation)
    if noted and stored and asked.personalised:
        services.impressions.note(recommendation, request_id, side="achievements")
    return answer_body(recommendation, asked.explain, request_id)


async def demands_answer(
    asked: DemandsRequest, services: Services, request_id: str, *, noted: bool = True
) -> dict[str, Any]:
    """Return the body of the answer to one request for demands; unless `noted`, nobody is shown it.

    Raises:
        NotFoundError, InputError, StoreError, ApiError: as the routes document.

    """
    engine = services.live().engine
    stored = asked.achievement_id is not None
    if asked.achievement_id is not None:
        achievement = await services.in_store(partial(_achievement, achievement_id=asked.achievement_id))
    elif asked.achievement is not None:
        achievement = asked.achievement
    else:
        said = Demand.of_text(asked.text or "")
        achievement = Achievement(achievement_id=UNSTORED, title=said.title, content=said.content)
    recommendation = await services.engine_threads.run(
        partial(
            engine.recommend_demands,
            achievement,
            top=asked.top_k,
            filters=asked.filters,
            explain=asked.explain != "none",
            personalised=asked.personalised,
        )
    )
    count_answer(recommendation)
    if noted and stored and asked.personalised:
        services.impressions.note(recommendation, request_id, side="demands")
    return answer_body(recommendation, asked.explain, request_id)


async def _batch(requests: Any, answer: Any, request: Request, services: Services) -> Response:
    """Answer one after the other: between two subjects other requests have their turn."""
    results: list[dict[str, Any]] = []
    for number, asked in enumerate(requests, start=1):
        request_id = f"{request.state.request_id}.{number}"
        try:
            results.append({"answer": await answer(asked, services, request_id), "problem": None})
        except InputError as error:
            problem, extra = problem_of(error)
            body = problem_body(problem, str(error), instance=request.url.path, request_id=request_id, extra=extra)
            results.append({"answer": None, "problem": body})
    return json_response({"request_id": request.state.request_id, "results": results})


def _demand(store: Store, demand_id: str) -> Demand:
    return store.demand(demand_id)


def _achievement(store: Store, achievement_id: str) -> Achievement:
    return store.achievement(achievement_id)
