"""What requests and answers of the API look like."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from data.records import MAX_TEXT, Identifier, UnstoredAchievement, UnstoredDemand
from matcher.collection.filters import Filters
from matcher.engine import MAX_TOP
from matcher.ranking.diversify import Diversity
from matcher.recommendation import Match, Recommendation
from serving.api.gaps import GapReportAnswer
from serving.problems import Problem
from serving.runtime.live import Lacking

MAX_BATCH = 100
Explain = Literal["none", "brief", "full"]
FreeText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT)]
RegionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class RequestFilters(Filters):
    """Conditions that all hold for every recommended record; an empty condition allows all."""

    regions: Annotated[tuple[RegionCode, ...], Field(max_length=50)] = Field(
        (), description="GB/T 2260 codes, any of; 410000 includes the whole province, 410100 the whole city"
    )
    budget: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="万元: the price asked starts at most here"
    )


class InlineDemand(UnstoredDemand):
    """A demand sent along with the request; it need not be stored, nor have an id."""


class InlineAchievement(UnstoredAchievement):
    """An achievement sent along with the request; it need not be stored, nor have an id."""


class _Options(BaseModel):
    """How the answer shall be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    top_k: int = Field(10, ge=1, le=MAX_TOP, description="How many records at most")
    filters: RequestFilters = RequestFilters()
    explain: Explain = Field(
        "none",
        description="none: no reasons; brief: the reasons in favour, as text; full: all reasons with their evidence. "
        "Reasons cost several times the ranking itself: ask for them where they are shown",
    )
    diversity: Diversity = Field(
        "balanced",
        description="How much of the list one holder or firm may have. none: any number; balanced: at most 30%, but two; "
        "high: one place. Where too few others exist the list is filled all the same. Equal texts are shown once",
    )
    personalised: bool = Field(
        True,
        description="false: earlier outcomes play no part in the order, and what is shown is not recorded (for people "
        "who decline personalised recommendation)",
    )


class AchievementsRequest(_Options):
    """Asks for achievements that answer a demand, named in exactly one of three ways."""

    demand_id: Identifier | None = Field(None, description="A stored demand")
    demand: InlineDemand | None = Field(None, description="A demand sent along")
    text: FreeText | None = Field(None, description="A demand in free text")
    gaps: bool = Field(
        False,
        description="Where no match is good enough, add the gap report, which costs as much as the list itself; without "
        "it the answer says where the report is",
    )

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if sum(given is not None for given in (self.demand_id, self.demand, self.text)) != 1:
            raise ValueError("demand_id、demand、text 须恰好给出一项")
        return self


class DemandsRequest(_Options):
    """Asks for demands that an achievement answers, named in exactly one of three ways."""

    achievement_id: Identifier | None = Field(None, description="A stored achievement")
    achievement: InlineAchievement | None = Field(None, description="An achievement sent along")
    text: FreeText | None = Field(None, description="An achievement in free text")

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if sum(given is not None for given in (self.achievement_id, self.achievement, self.text)) != 1:
            raise ValueError("achievement_id、achievement、text 须恰好给出一项")
        return self


class Answer(Recommendation):
    """Recommended records, best first."""

    degraded: bool = Field(description="True when something is missing that answers are usually made with, see `lacks`")
    lacks: list[Lacking] = Field(
        description="ranker: the order is that of retrieval; graph: nothing was found over or explained by the knowledge "
        "graph; store: the database is away, so that what was written lately may be missing; rerank: a reranker is "
        "configured, yet the order is the ranker's: it was late, failed, or has no weight that passed its gate; rewrite: "
        "the same of candidates that a chat model's rewritings propose"
    )
    gap_report_at: str = Field(
        "", description="Path of the gap report of a stored demand that has no good enough match; empty otherwise"
    )
    gap_report: GapReportAnswer | None = Field(
        None, description="What is missing, who could develop it and with whom; when asked for by `gaps`"
    )
    request_id: str = Field(description="Send it with the outcome events that follow from this answer")


class AchievementsBatch(BaseModel):
    """Several requests for achievements at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: Annotated[list[AchievementsRequest], Field(min_length=1, max_length=MAX_BATCH)]


class DemandsBatch(BaseModel):
    """Several requests for demands at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: Annotated[list[DemandsRequest], Field(min_length=1, max_length=MAX_BATCH)]


class BatchResult(BaseModel):
    """The answer to one of several requests, or the problem it met."""

    model_config = ConfigDict(frozen=True)

    answer: Answer | None
    problem: Problem | None


class BatchAnswer(BaseModel):
    """The answers to several requests, in their order."""

    model_config = ConfigDict(frozen=True)

    request_id: str
    results: list[BatchResult]


class ReadyReport(BaseModel):
    """Whether the server can answer, and what it lacks."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ready", "degraded", "unavailable"]
    bundle_version: str | None = Field(description="Null when no bundle is loaded")
    loaded_at: str | None
    achievements: int = Field(description="Records that can be recommended, those written since included")
    demands: int
    ranker: bool = Field(description="False: answers are ordered by retrieval only")
    graph: bool = Field(description="False: no knowledge graph; its routes answer 503")
    lacks: list[str] = Field(description="What answers are made without at the moment, such as `store` or `shard 2`")
    store: Literal["ok", "unreachable"]
    revision: int = Field(description="Store revision up to which records are searchable")
    rejected_bundle: "RejectedBundle | None" = Field(description="A newer bundle that could not be loaded")


class RejectedBundle(BaseModel):
    """A bundle that could not be loaded."""

    model_config = ConfigDict(frozen=True)

    version: str
    reason: str
    at: str


def shortened(items: list[Match], explain: Explain) -> list[Match]:
    """Return the matches with as much of their reasons as was asked for."""
    if explain != "brief":  # the engine gives reasons only when asked
        return items
    return [
        match.model_copy(
            update={
                "reasons": [
                    reason.model_copy(update={"evidence": {}}) for reason in match.reasons if reason.kind != "caution"
                ],
                "requirements": [],
            }
        )
        for match in items
    ]
