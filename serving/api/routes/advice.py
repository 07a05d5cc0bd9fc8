"""Advice to a holder: what to change so that demands find the achievement."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from data.clocks import china_today
from data.records import Achievement, Demand
from data.store.store import Store
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.gaps.advice import PEERS, advice_dict, advise
from matcher.loading import stored_achievements, stored_demands
from matcher.rescoring import best_demands
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.routes.records import AchievementId
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, responses
from serving.runtime.services import ServicesOf

router = APIRouter(prefix="/v1/achievements", tags=["advice"], dependencies=[Depends(Needs(Scope.RECOMMEND))])


class AdviceItem(BaseModel):
    """A change of the record and the place that it brings in a demand's list."""

    demand_id: str
    demand_title: str
    kind: str = Field(description="trl, price, modes, indicators, or together")
    text: str = Field(description="What the holder has to do, in Chinese")
    changes: dict[str, Any] = Field(description="The record's fields with their new values")
    rank_before: int
    rank_after: int
    enough: bool = Field(description="Whether it brings the achievement into the list")
    score_before: float
    score_after: float


class AdviceAnswer(BaseModel):
    """What would lift an achievement, the greatest lift first."""

    achievement_id: str
    bundle_version: str
    demands: int = Field(description="How many demands were looked at")
    advice: list[AdviceItem]


@router.get(
    "/{achievement_id:path}/advice",
    response_model=AdviceAnswer,
    responses=responses(NOT_FOUND, NO_BUNDLE, *COMMON),
    summary="What would lift an achievement",
)
async def get_advice(
    achievement_id: AchievementId,
    services: ServicesOf,
    top_k: Annotated[int, Query(ge=1, le=50, description="Length of the list it shall come into")] = 10,
    demands: Annotated[int, Query(ge=1, le=30, description="How many demands to look at")] = 12,
) -> Response:
    """Return the smallest changes that would lift an achievement for the demands it nearly fits.

    Each change is scored by the ranker on the changed record: the place it brings is the one that the next request
    would see if the record were written so.
    """
    live = services.live()
    record = await services.in_store(partial(_achievement, achievement_id=achievement_id))
    near = await services.engine_threads.run(
        partial(best_demands, live.engine, record, demands, Filters().on(china_today()))
    )
    wanted = await services.in_store(partial(stored_demands, ids=near))
    like = await services.engine_threads.run(partial(_like, live.engine, record))
    peers = await services.in_store(partial(stored_achievements, ids=like))
    # One demand at a time: other requests have their turn between two.
    found = []
    for demand in wanted:
        found += await services.engine_threads.run(partial(_advise_one, live.engine, record, demand, peers, top_k))
    found.sort(key=lambda item: (not item.enough, item.after - item.before, item.after, item.demand_id))
    body = {"achievement_id": achievement_id, "bundle_version": live.manifest.version, "demands": len(wanted)}
    return json_response(body | {"advice": [advice_dict(item) for item in found]})


def _achievement(store: Store, achievement_id: str) -> Achievement:
    return store.achievement(achievement_id)


def _like(engine: Engine, record: Achievement) -> list[str]:
    return [near.id for near in engine.similar(record, PEERS)]


def _advise_one(engine: Engine, record: Achievement, demand: Demand, peers: list[Achievement], top: int) -> list[Any]:
    return advise(engine, record, [demand], peers, top=top)
