"""One sentence on why a pair matches: a chat model's where it says nothing but what is given, else the template's."""

from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import Response

from data.errors import ModelUnavailableError
from data.kinds.disclosure import PUBLIC, visibility_of
from matcher.explanations.sentence import Given, ask_sentence, refusal
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.routes.insight import stored_pair
from serving.api.routes.records import AchievementId, DemandId
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, responses
from serving.runtime.services import Services, ServicesOf
from serving.telemetry.metrics import DEGRADED, SENTENCES

router = APIRouter(prefix="/v1", tags=["insight"], dependencies=[Depends(Needs(Scope.RECOMMEND))])


class SentenceAnswer(BaseModel):
    """Why a pair matches, in one sentence."""

    demand_id: str
    achievement_id: str
    bundle_version: str
    text: str = Field(description="In Chinese, ready to be shown; mark it where `ai_generated` is true")
    ai_generated: bool = Field(description="Whether a model worded it (GB 45438-2025); otherwise the template did")
    model: str | None = Field(description="The model that worded it")
    refused: str = Field(description="Why a model's sentence was not shown; empty if none was refused")
    lacks: list[Literal["chat"]] = Field(description="chat: none is configured, or it gave no usable answer in time")


@router.get(
    "/matches/{demand_id}/{achievement_id}/sentence",
    response_model=SentenceAnswer,
    responses=responses(NOT_FOUND, NO_BUNDLE, *COMMON),
    summary="One pair explained in a sentence",
)
async def match_sentence(demand_id: DemandId, achievement_id: AchievementId, services: ServicesOf) -> Response:
    """Return why a stored pair matches, in a sentence that uses only names and numbers of its reasons and checks.

    A model's sentence that names anything else, or claims more than was checked, is not shown: the template's is. An id
    that holds a slash is sent with `%2F` encoded once more (`%252F`).
    """
    live = services.live()
    demand, achievement = await stored_pair(services, demand_id, achievement_id)
    match = await services.engine_threads.run(partial(live.engine.match, demand, achievement))
    given = Given.of(demand.title, match)
    open_to_all = all(visibility_of(record.visibility) == PUBLIC for record in (demand, achievement))
    # What not everybody may see is sent to no model behind an endpoint.
    proposed = await _proposed(services, given) if open_to_all else None
    refused = "" if proposed is None else await services.model_threads.run(partial(refusal, proposed, given))
    shown = proposed if proposed is not None and not refused else None
    outcome = "lacking" if proposed is None else "refused" if refused else "shown"
    SENTENCES.labels(outcome).inc()
    body: dict[str, Any] = {
        "demand_id": demand.demand_id,
        "achievement_id": achievement.achievement_id,
        "bundle_version": live.manifest.version,
        "text": given.template(match) if shown is None else shown,
        "ai_generated": shown is not None,
        "model": services.chat.name if services.chat is not None and shown is not None else None,
        "refused": refused,
        "lacks": ["chat"] if proposed is None else [],
    }
    return json_response(body)


async def _proposed(services: Services, given: Given) -> str | None:
    if services.chat is None:
        return None
    try:
        return await services.model_threads.run(partial(ask_sentence, services.chat, given))
    except ModelUnavailableError:
        DEGRADED.labels("chat").inc()
        return None
