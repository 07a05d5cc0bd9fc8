"""A closer look: similar records, one pair explained in full, and its requirements checked."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.records import Achievement, Demand
from data.store.store import Store
from matcher.engine import MAX_TOP
from matcher.recommendation import Match, RequirementCheck, SimilarRecord
from matcher.requirements.wording import checks, summary
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.routes.records import AchievementId, DemandId
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, responses
from serving.runtime.services import Services, ServicesOf

router = APIRouter(prefix="/v1", tags=["insight"], dependencies=[Depends(Needs(Scope.RECOMMEND))])
TopK = Annotated[int, Query(ge=1, le=MAX_TOP, description="How many records at most")]
_RESPONSES = responses(NOT_FOUND, NO_BUNDLE, *COMMON)


class SimilarAnswer(BaseModel):
    """Records of the same side with the nearest texts, nearest first, open and closed ones."""

    model_config = ConfigDict(frozen=True)

    id: str
    items: list[SimilarRecord]


class PairAnswer(BaseModel):
    """How well one achievement answers one demand, with every reason."""

    model_config = ConfigDict(frozen=True)

    demand_id: str
    bundle_version: str
    match: Match


class RequirementsAnswer(BaseModel):
    """A demand's figures against what one achievement says of itself, missed ones first."""

    model_config = ConfigDict(frozen=True)

    demand_id: str
    achievement_id: str
    bundle_version: str
    text: str = Field(description="The outcome of all checks in one Chinese sentence; empty without required figures")
    requirements: list[RequirementCheck]


@router.get(
    "/achievements/{achievement_id:path}/similar",
    response_model=SimilarAnswer,
    responses=_RESPONSES,
    summary="Achievements like this one",
)
async def similar_achievements(achievement_id: AchievementId, services: ServicesOf, top_k: TopK = 10) -> Response:
    """Return the stored achievements whose texts are nearest to this one's: duplicates, versions, competitors."""
    record = await services.in_store(partial(_achievement, record_id=achievement_id))
    return await _similar(services, record, top_k)


@router.get(
    "/demands/{demand_id:path}/similar",
    response_model=SimilarAnswer,
    responses=_RESPONSES,
    summary="Demands like this one",
)
async def similar_demands(demand_id: DemandId, services: ServicesOf, top_k: TopK = 10) -> Response:
    """Return the stored demands whose texts are nearest to this one's."""
    record = await services.in_store(partial(_demand, record_id=demand_id))
    return await _similar(services, record, top_k)


@router.get(
    "/matches/{demand_id}/{achievement_id}",
    response_model=PairAnswer,
    responses=_RESPONSES,
    summary="One pair explained",
)
async def match(demand_id: DemandId, achievement_id: AchievementId, services: ServicesOf) -> Response:
    """Return probability, grade and all reasons for one stored pair, whether or not it would be recommended.

    An id that holds a slash is sent with `%2F` encoded once more (`%252F`).
    """
    live = services.live()
    demand, achievement = await stored_pair(services, demand_id, achievement_id)
    found = await services.engine_threads.run(partial(live.engine.match, demand, achievement))
    return json_response(
        {"demand_id": demand.demand_id, "bundle_version": live.manifest.version, "match": found.model_dump()}
    )


@router.get(
    "/matches/{demand_id}/{achievement_id}/requirements",
    response_model=RequirementsAnswer,
    responses=_RESPONSES,
    summary="One pair's requirements checked",
)
async def match_requirements(demand_id: DemandId, achievement_id: AchievementId, services: ServicesOf) -> Response:
    """Return each figure that a stored demand requires as met, missed, unknown or not comparable, quoted from both texts.

    An id that holds a slash is sent with `%2F` encoded once more (`%252F`).
    """
    live = services.live()
    demand, achievement = await stored_pair(services, demand_id, achievement_id)
    report = await services.engine_threads.run(partial(live.engine.requirements, demand, achievement))
    return json_response(
        {
            "demand_id": demand.demand_id,
            "achievement_id": achievement.achievement_id,
            "bundle_version": live.manifest.version,
            "text": "" if report is None else summary(report),
            "requirements": [] if report is None else [check.model_dump() for check in checks(report)],
        }
    )


async def stored_pair(services: Services, demand_id: str, achievement_id: str) -> tuple[Demand, Achievement]:
    """Return a demand and an achievement by their ids as a path with two ids holds them; NotFoundError if one is unknown."""
    demand = await services.in_store(partial(_demand, record_id=demand_id.replace("%2F", "/")))
    return demand, await services.in_store(partial(_achievement, record_id=achievement_id.replace("%2F", "/")))


async def _similar(services: Services, record: Achievement | Demand, top_k: int) -> Response:
    engine = services.live().engine
    items = await services.engine_threads.run(partial(engine.similar, record, top_k))
    withheld = services.withheld.ids.get("achievement" if isinstance(record, Achievement) else "demand", frozenset())
    shown = [item.model_dump() for item in items if item.id not in withheld]
    return json_response({"id": record.record_id, "items": shown})


def _achievement(store: Store, record_id: str) -> Achievement:
    return store.achievement(record_id)


def _demand(store: Store, record_id: str) -> Demand:
    return store.demand(record_id)
