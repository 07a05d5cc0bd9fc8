"""Recommendations: achievements for a demand, demands for an achievement; one or many at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import Response

from data.clocks import china_today
from data.errors import InputError
from data.records import Achievement, Demand, UnstoredAchievement
from data.store.store import Store
from matcher.collection.collection import Side
from matcher.engine import Engine
from matcher.recommendation import Recommendation
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api import examples
from serving.api.answers import answered, count_answer, json_bytes, json_response
from serving.api.gaps import gap_answer, gaps_path
from serving.api.schemas import (
    AchievementsBatch,
    AchievementsRequest,
    Answer,
    BatchAnswer,
    DemandsBatch,
    DemandsRequest,
)
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, detail_of, problem_body, problem_of, responses
from serving.runtime.experiments import Running
from serving.runtime.live import Lacking, LiveModel
from serving.runtime.services import Services, ServicesOf

router = APIRouter(
    prefix="/v1/recommendations",
    tags=["recommendations"],
    dependencies=[Depends(Needs(Scope.RECOMMEND))],
)
_RESPONSES = responses(
    NOT_FOUND, NO_BUNDLE, *COMMON, ok={"content": {"application/json": {"example": examples.ANSWER}}}
)
_ANSWERS = {
    "answered": {"summary": "A good match", "value": examples.ANSWER},
    "unanswered": {"summary": "None that is good enough", "value": examples.UNANSWERED},
}
_DEMAND_RESPONSES = responses(
    NOT_FOUND, NO_BUNDLE, *COMMON, ok={"content": {"application/json": {"examples": _ANSWERS}}}
)
_BATCH_RESPONSES = responses(NO_BUNDLE, *COMMON)


@router.post(
    "/achievements", response_model=Answer, responses=_DEMAND_RESPONSES, summary="Achievements that answer a demand"
)
async def recommend_achievements(
    asked: Annotated[AchievementsRequest, Body(openapi_examples=examples.ACHIEVEMENTS_REQUEST)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """Return the best achievements for a stored demand, a demand sent along, or a free text.

    Nothing is made up: when no achievement is good enough, `answered` is false, `verdict` says by what measure, and
    `gap_report_at` (with `gaps`: `gap_report`) tells what is missing and who could bring it about. `items` then holds the
    nearest, or nothing where they are not worth a look.
    """
    return json_bytes(await achievements_answer(asked, services, request.state.request_id))


@router.post("/demands", response_model=Answer, responses=_RESPONSES, summary="Demands that an achievement answers")
async def recommend_demands(
    asked: Annotated[DemandsRequest, Body(openapi_examples=examples.DEMANDS_REQUEST)],
    request: Request,
    services: ServicesOf,
) -> Response:
    """Return the demands that a stored achievement, one sent along, or a free text answers best."""
    return json_bytes(await demands_answer(asked, services, request.state.request_id))


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
    asked: AchievementsRequest, services: Services, request_id: str, *, noted: bool = True, admitted: bool = False
) -> bytes:
    """Return the JSON of the answer to one request for achievements; unless `noted`, nobody is shown it.

    One that was `admitted` before waits for its turn however busy the engine is.

    Raises:
        NotFoundError, InputError, StoreError, ApiError: as the routes document.

    """

    async def subject() -> Demand:
        if asked.demand_id is not None:
            return await services.in_store(partial(_demand, demand_id=asked.demand_id))
        return asked.demand if asked.demand is not None else Demand.of_text(asked.text or "")

    stored = asked.demand_id is not None
    return await _answer(
        "achievements", asked, subject, services, request_id, noted=noted and stored, admitted=admitted
    )


async def demands_answer(
    asked: DemandsRequest, services: Services, request_id: str, *, noted: bool = True, admitted: bool = False
) -> bytes:
    """Return the JSON of the answer to one request for demands; unless `noted`, nobody is shown it.

    One that was `admitted` before waits for its turn however busy the engine is.

    Raises:
        NotFoundError, InputError, StoreError, ApiError: as the routes document.

    """

    async def subject() -> Achievement:
        if asked.achievement_id is not None:
            return await services.in_store(partial(_achievement, achievement_id=asked.achievement_id))
        if asked.achievement is not None:
            return asked.achievement
        parsed = Demand.of_text(asked.text or "")
        return UnstoredAchievement(title=parsed.title, content=parsed.content)

    stored = asked.achievement_id is not None
    return await _answer("demands", asked, subject, services, request_id, noted=noted and stored, admitted=admitted)


async def _answer(
    side: Side,
    asked: AchievementsRequest | DemandsRequest,
    subject: Callable[[], Awaitable[Demand | Achievement]],
    services: Services,
    request_id: str,
    *,
    noted: bool,
    admitted: bool,
) -> bytes:
    """Return the JSON of an answer, the one given before if nothing changed since."""
    kind = "achievement" if side == "achievements" else "demand"
    asked = asked.model_copy(update={"filters": services.withheld.left_out(asked.filters, kind)})
    live = services.live()
    lacks = live.lacks(store_ok=services.store_ok)
    if services.reranking.lacking:
        lacks.append("rerank")
    if services.rewriting.lacking and side == "achievements":
        lacks.append("rewrite")
    # Only what is shown and recorded takes part in an experiment.
    running = services.experiments.of(live) if noted and asked.personalised and side == "achievements" else None
    if running is not None:
        return await _in_experiment(running, live, asked, subject, services, request_id, lacks, admitted=admitted)
    asked = asked.model_copy(update={"filters": asked.filters.on(china_today())})
    key = services.answers.key(side, asked, live, lacks)
    found = services.answers.get(key)
    missing: list[Lacking] = []
    if found is None:
        if not admitted:
            services.engine_threads.admit()
        record = await subject()
        rewritings, in_time = await services.rewriting.of(record)
        work = partial(_recommend, live.engine, record, asked, rewritings)
        recommendation = await services.engine_threads.run(work, admitted=True)
        recommendation, missing = await services.reranked(record, recommendation)
        missing = [*missing, *recommendation.silent]
        if not in_time:
            missing = [*missing, "rewrite"]
        gaps = await _gaps(services, live, record, asked, recommendation)
        found = answered(recommendation, asked.explain, [*lacks, *missing], **gaps)
        if not missing:  # what failed once may not fail again
            services.answers.put(key, found)
    afterwards = asyncio.get_running_loop().call_soon  # once the answer is on its way
    afterwards(count_answer, found.recommendation, [*lacks, *missing])
    if noted and asked.personalised:
        afterwards(partial(services.impressions.note, found.recommendation, request_id, side=side))
    return found.with_id(request_id)


async def _in_experiment(
    running: Running,
    live: LiveModel,
    asked: AchievementsRequest | DemandsRequest,
    subject: Callable[[], Awaitable[Demand | Achievement]],
    services: Services,
    request_id: str,
    lacks: list[Lacking],
    *,
    admitted: bool,
) -> bytes:
    """Return the JSON of an answer by champion, challenger or both, as the experiment wants it.

    Nothing is reranked or rewritten.
    """
    if services.reranking.active:
        lacks = [*lacks, "rerank"]
    if services.rewriting.active:
        lacks = [*lacks, "rewrite"]
    record = await subject()
    ask = partial(_recommend, record=record, asked=asked)
    work = partial(running.serve, live, record, request_id, asked.top_k, ask)
    served = await services.engine_threads.run(work, admitted=admitted)
    gaps = await _gaps(services, live, record, asked, served.recommendation)
    found = answered(served.recommendation, asked.explain, lacks, **gaps)
    count_answer(found.recommendation, lacks)
    services.impressions.note(found.recommendation, request_id, side="achievements", versions=served.versions)
    services.in_shadow(running, found.recommendation, request_id, ask)
    return found.with_id(request_id)


async def _gaps(
    services: Services,
    live: LiveModel,
    record: Demand | Achievement,
    asked: AchievementsRequest | DemandsRequest,
    given: Recommendation,
) -> dict[str, Any]:
    """Return the gap report of a demand without a good enough match, if it was asked for, and where it is."""
    if given.answered or not isinstance(record, Demand) or not isinstance(asked, AchievementsRequest):
        return {}
    if live.engine.model.scorer is None:
        return {}
    report = await gap_answer(services, live, record, asked.filters) if asked.gaps else None
    return {"gap_report": report, "gap_report_at": gaps_path(asked.demand_id) if asked.demand_id else ""}


def _recommend(
    engine: Engine,
    record: Demand | Achievement,
    asked: AchievementsRequest | DemandsRequest,
    rewritings: tuple[str, ...] = (),
) -> Recommendation:
    ask = (
        partial(engine.recommend_achievements, record, rewritings=rewritings)
        if isinstance(record, Demand)
        else partial(engine.recommend_demands, record)
    )
    return ask(
        top=asked.top_k,
        filters=asked.filters,
        explain=asked.explain != "none",
        personalised=asked.personalised,
        diversity=asked.diversity,
    )


async def _batch(requests: Any, answer: Any, request: Request, services: Services) -> Response:
    """Answer one after the other: between two subjects other requests have their turn."""
    results: list[dict[str, Any]] = []
    for number, asked in enumerate(requests, start=1):
        request_id = f"{request.state.request_id}.{number}"
        try:
            given = await answer(asked, services, request_id, admitted=number > 1)
            results.append({"answer": orjson.Fragment(given), "problem": None})
        except InputError as error:
            problem, extra = problem_of(error)
            body = problem_body(
                problem, detail_of(error, problem), instance=request.url.path, request_id=request_id, extra=extra
            )
            results.append({"answer": None, "problem": body})
    return json_response({"request_id": request.state.request_id, "results": results})


def _demand(store: Store, demand_id: str) -> Demand:
    return store.demand(demand_id)


def _achievement(store: Store, achievement_id: str) -> Achievement:
    return store.achievement(achievement_id)
