"""What no achievement offers a demand yet: the report as the API gives it."""

from functools import partial
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from data.records import Demand
from matcher.collection.filters import Filters
from matcher.gaps.report import LOOKED_AT, gap_report, report_dict
from matcher.loading import stored_achievements
from matcher.recommendation import Verdict
from matcher.rescoring import candidate_pool
from serving.runtime.live import LiveModel
from serving.runtime.services import Services


class NearestAnswer(BaseModel):
    """How near an achievement comes to a requirement that it misses."""

    achievement_id: str
    title: str
    quote: str
    margin: float | None = Field(description="Share of the bound, below 0")


class UnmetAnswer(BaseModel):
    """A requirement that no candidate is known to meet."""

    requirement: str
    missed: int
    unknown: int
    nearest: list[NearestAnswer]


class CompositePart(BaseModel):
    """One achievement of a composite."""

    achievement_id: str
    title: str
    owner: str
    covers: list[str] = Field(description="Terms of the demand that it holds")
    near: list[str] = Field(description="Terms of the demand that it has something near to")
    share: float = Field(description="Of the demand's weight, which near terms have by their nearness")


class CompositeAnswer(BaseModel):
    """Few achievements that together cover a demand, and what remains."""

    parts: list[CompositePart]
    covered: float
    remaining: list[str]
    remaining_elements: list[str]


class DeveloperAnswer(BaseModel):
    """A holder likely to be able to develop the rest."""

    name: str
    affinity: float
    terms: list[str]


class SharedGapAnswer(BaseModel):
    """A demand of somebody else with the same gap."""

    demand_id: str
    title: str
    enterprise: str
    shared: list[str]


class GapReportAnswer(BaseModel):
    """What is missing for a demand, and who could bring it about."""

    verdict: Verdict
    requirements: list[UnmetAnswer]
    composite: CompositeAnswer
    developers: list[DeveloperAnswer]
    shared: list[SharedGapAnswer]
    text: str = Field(description="The whole in Chinese, ready to be shown")


def gaps_path(demand_id: str) -> str:
    """Return the path of a stored demand's gap report."""
    return f"/v1/demands/{quote(demand_id, safe='')}/gaps"


async def gap_answer(
    services: Services, live: LiveModel, demand: Demand, filters: Filters | None = None
) -> dict[str, Any]:
    """Return a demand's gap report as plain values; it scores the demand's candidates again.

    Raises:
        InputError, StoreError, ApiError: as the routes document.

    """
    offered = services.withheld.left_out(filters or Filters(), "achievement")
    pool = await services.engine_threads.run(partial(candidate_pool, live.engine, demand, offered))
    records = await services.in_store(partial(stored_achievements, ids=pool.found.cards.ids[:LOOKED_AT]))
    report = await services.engine_threads.run(partial(gap_report, live.engine, demand, records, pool=pool))
    return report_dict(report)
