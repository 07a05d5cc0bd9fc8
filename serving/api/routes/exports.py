"""Everything at once, for nightly pushes: one line of JSON per subject."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import StreamingResponse

from data.errors import GongxuError, InputError
from matcher.collection.collection import Side
from matcher.engine import MAX_TOP
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.routes.recommendations import achievements_answer, demands_answer
from serving.api.schemas import AchievementsRequest, DemandsRequest, Explain
from serving.problems import COMMON, NO_BUNDLE, OVERLOADED, ApiError, detail_of, problem_body, problem_of, responses
from serving.runtime.services import Services, ServicesOf

router = APIRouter(prefix="/v1/recommendations", tags=["recommendations"], dependencies=[Depends(Needs(Scope.EXPORT))])
MEDIA_TYPE = "application/x-ndjson"
_RESPONSES = responses(NO_BUNDLE, *COMMON, ok={"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}})
TopK = Annotated[int, Query(ge=1, le=MAX_TOP)]
AnswerTo = Callable[[str, Services, str], Awaitable[bytes]]


@router.get(
    "/achievements/export",
    response_class=StreamingResponse,
    responses=_RESPONSES,
    summary="Achievements for every demand",
)
async def export_achievements(
    request: Request, services: ServicesOf, top_k: TopK = 10, explain: Explain = "none"
) -> StreamingResponse:
    """Stream one answer a line for every demand in the store, then a line `{"summary": …}`: without it, it broke off."""

    async def answer(demand_id: str, services: Services, request_id: str) -> bytes:
        asked = AchievementsRequest(demand_id=demand_id, top_k=top_k, explain=explain)
        return await achievements_answer(asked, services, request_id, noted=False)

    return await _export("demands", answer, request, services)


@router.get(
    "/demands/export",
    response_class=StreamingResponse,
    responses=_RESPONSES,
    summary="Demands for every achievement",
)
async def export_demands(
    request: Request, services: ServicesOf, top_k: TopK = 10, explain: Explain = "none"
) -> StreamingResponse:
    """Stream one answer a line for every achievement in the store, then a line `{"summary": …}`."""

    async def answer(achievement_id: str, services: Services, request_id: str) -> bytes:
        asked = DemandsRequest(achievement_id=achievement_id, top_k=top_k, explain=explain)
        return await demands_answer(asked, services, request_id, noted=False)

    return await _export("achievements", answer, request, services)


async def _export(subjects: Side, answer: AnswerTo, request: Request, services: Services) -> StreamingResponse:
    ids = await asyncio.to_thread(services.live().engine.ids, subjects)
    lines = _lines(ids, answer, request, services)
    return StreamingResponse(lines, media_type=MEDIA_TYPE)


async def _lines(ids: list[str], answer: AnswerTo, request: Request, services: Services) -> AsyncIterator[bytes]:
    answered = 0
    for number, subject_id in enumerate(ids, start=1):
        request_id = f"{request.state.request_id}.{number}"
        try:
            line = await _patiently(answer, subject_id, services, request_id)
            answered += 1
        except GongxuError as error:
            problem, extra = problem_of(error)
            detail = detail_of(error, problem) if isinstance(error, InputError) else problem.title
            body = problem_body(problem, detail, instance=request.url.path, request_id=request_id, extra=extra)
            line = orjson.dumps({"subject_id": subject_id, "problem": body})
        yield line + b"\n"
    yield orjson.dumps({"summary": {"subjects": len(ids), "answered": answered}}) + b"\n"


async def _patiently(answer: AnswerTo, subject_id: str, services: Services, request_id: str) -> bytes:
    """Return the answer, giving way as long as the server is busy with requests that somebody waits for."""
    while True:
        try:
            return await answer(subject_id, services, request_id)
        except ApiError as error:
            if error.problem is not OVERLOADED:
                raise
            await asyncio.sleep(1.0)
