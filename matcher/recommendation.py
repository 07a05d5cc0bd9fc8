"""What the engine answers: ranked matches with their reasons, ready to be sent as JSON."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

NO_GOOD_MATCH = "没有足够好的匹配"

ReasonKind = Literal["semantic", "terms", "concepts", "graph", "history", "attributes", "requirements", "caution"]


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
    grade: int | None = Field(description="Most likely grade, 0-4; null without a ranker")
    score: float = Field(description="What the list is ordered by, comparable within one answer")
    channels: list[str] = Field(description="Candidate channels that proposed it: dense, lexical, history, graph")
    reasons: list[Reason] = Field(default_factory=list, description="Filled when asked for")
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


class Recommendation(BaseModel):
    """The answer to one request."""

    model_config = ConfigDict(frozen=True)

    subject_id: str | None = Field(description="Id of the demand or achievement asked about; null for free text")
    items: list[Match]
    answered: bool = Field(description="False when no match is good enough")
    message: str = Field(description="Said to the user when something is missing, in Chinese; empty otherwise")
    degraded: bool = Field(description="True without a ranker: the order is the fused retrieval order")
    bundle_version: str
    # Candidates by the channel that proposed them; goes into the metrics, not into the answer.
    proposed: dict[str, int] = Field(default_factory=dict, exclude=True)
