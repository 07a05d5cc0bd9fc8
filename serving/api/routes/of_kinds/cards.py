"""Cards of an achievement: maturity, market, risk."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from data.clocks import china_today
from matcher.cards.answer import AchievementCards
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.routes.records import AchievementId
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, responses
from serving.runtime.cards import cards_of
from serving.runtime.services import ServicesOf

router = APIRouter(prefix="/v1/achievements", tags=["insight"], dependencies=[Depends(Needs(Scope.RECOMMEND))])


@router.get(
    "/{achievement_id:path}/cards",
    response_model=AchievementCards,
    responses=responses(NOT_FOUND, NO_BUNDLE, *COMMON),
    summary="Maturity, market and risk of an achievement",
)
async def get_cards(
    achievement_id: AchievementId,
    services: ServicesOf,
    as_of: Annotated[date | None, Query(description="Day that ages and terms are counted to; today in China")] = None,
) -> Response:
    """Return three cards, never one sum: each indicator quotes what it rests on, or is unknown."""
    found = await cards_of(services, achievement_id, as_of or china_today())
    return json_response(found.model_dump(mode="json"))
