"""What the engine answers: ranked matches with their reasons, ready to be sent as JSON."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

NO_GOOD_MATCH = "没有足够好的匹配"
NOT_UNDERSTOOD = "未能读懂这段外文，请用中文说明需要解决的技术问题"
NEAREST_ONLY = f"{NO_GOOD_MATCH}，以下是最接近的，仅供参考"

ReasonKind = Literal["semantic", "terms", "concepts", "graph", "history", "attributes", "caution"]


class Reason(BaseModel):
    """One cause of a match's place, from what the ranker really used."""

    model_config = ConfigDict(frozen=True)

    kind: ReasonKind
    # What to show an operator, in Chinese, with its evidence quoted.
    text: str
    # Contribution to the log-odds of a good match; negative speaks against it.
    weight: float
    # The evidence behind the text: shared terms, similar words, past pairs, attribute values.
    evidence: dict[str, str | float | list[str]] = Field(default_factory=dict)


class Quote(BaseModel):
    """What a text says, where: `start` and `end` count characters of the record's `field`, `end` excluded."""

    model_config = ConfigDict(frozen=True)

    text: str
    field: str = Field(
        description="title, content, kpis or indicators; keywords (joined by ；) where answers to questions are kept"
    )
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class RequirementCheck(BaseModel):
    """One requirement of a demand against what an achievement says of itself."""

    model_config = ConfigDict(frozen=True)

    parameter: str | None = Field(description="What is measured, in the demand's words; null if it names nothing")
    status: Literal["met", "missed", "unknown", "not_comparable"] = Field(
        description="unknown: nothing said that decides, never a failure; not_comparable: said in another dimension"
    )
    text: str = Field(description="The verdict in one Chinese sentence")
    brief: str = Field(description="The verdict in figures, short enough for a label: 含水率 33% ≤ 40%")
    required: Quote
    offered: Quote | None = Field(description="The statement that decides; null if nothing was said")
    unit: str = Field(description="Unit that required_low to offered_high are in: SI base units where known")
    required_low: float | None
    required_high: float | None
    offered_low: float | None
    offered_high: float | None
    margin: float | None = Field(
        description="How far inside (positive) or outside the bound, as a share of it; null unless met or missed"
    )
    confidence: float = Field(ge=0, le=1, description="That both measure the same parameter")


class Match(BaseModel):
    """One recommended record."""

    model_config = ConfigDict(frozen=True)

    rank: int = Field(ge=1, description="Place in the list, from 1")
    id: str = Field(description="achievement_id or demand_id of the recommended record")
    title: str
    owner: str = Field(description="Holder of the achievement, or enterprise of the demand")
    region: str | None = Field(description="GB/T 2260 six-digit code")
    status: str
    probability: float | None = Field(description="Calibrated probability of a good match; null without a ranker")
    deal_probability: float | None = Field(
        None, description="Calibrated probability of a deal once shown; null until enough deals are known"
    )
    grade: int | None = Field(description="Grade 0-4, rises with `score`; null without a ranker")
    score: float = Field(description="What the list is ordered by, comparable within one answer")
    channels: list[str] = Field(description="Candidate channels that proposed it: dense, lexical, history, graph")
    reasons: list[Reason] = Field(default_factory=list, description="Filled when asked for")
    requirements: list[RequirementCheck] = Field(
        default_factory=list,
        description="The demand's figures against what the achievement says of itself; filled with the reasons",
    )
    requirements_text: str = Field("", description="What the checks of all requirements come to, in Chinese")
    # Of what the ranker saw of the pair; goes into the impression, not into the answer.
    features_digest: str = Field("", exclude=True)


class SimilarRecord(BaseModel):
    """A record of the same side whose text is near."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    owner: str = Field(description="Holder of the achievement, or enterprise of the demand")
    region: str | None = Field(description="GB/T 2260 six-digit code")
    status: str
    similarity: float = Field(description="Cosine of the full texts")


class Verdict(BaseModel):
    """Whether a list is good enough: the best candidate's probability against a threshold."""

    model_config = ConfigDict(frozen=True)

    answered: bool
    probability: float | None = Field(description="Of the best candidate; null without candidates or calibration")
    threshold: float | None = Field(description="Least probability that is good enough; null without calibration")
    basis: Literal["calibrated", "average", "none"] = Field(
        description="calibrated: at the target risk on what the ranker was trained on; average: the bundle has no such "
        "threshold, so the average judged pair is the measure; none: nothing to measure by"
    )
    text: str = Field(description="In Chinese, ready to be shown")
    measure: str = Field(description="What the threshold represents, in Chinese")


class Recommendation(BaseModel):
    """The answer to one request."""

    model_config = ConfigDict(frozen=True)

    subject_id: str | None = Field(description="Id of the demand or achievement asked about; null for free text")
    items: list[Match]
    answered: bool = Field(
        description="False when no match is good enough; what is shown then are the nearest, if they are worth a look"
    )
    verdict: Verdict | None = Field(None, description="Null without a ranker or without any candidate")
    message: str = Field(description="Said to the user when something is missing, in Chinese; empty otherwise")
    degraded: bool = Field(description="True without a ranker: the order is the fused retrieval order")
    bundle_version: str
    # Candidates by the channel that proposed them; goes into the metrics, not into the answer.
    proposed: dict[str, int] = Field(default_factory=dict, exclude=True)
    # Shards that did not answer in time; goes into what the answer lacks.
    silent: tuple[str, ...] = Field((), exclude=True)
