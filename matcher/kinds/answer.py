"""What a question over several kinds is answered with, ready to be sent as JSON."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

NO_OUTCOMES = "该类尚无足够的成效数据：按文本相近程度排列，不给概率"
NONE_FOUND = "没有符合条件的记录"


class KindRequirement(BaseModel):
    """One requirement of a subject against what a record states."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(examples=["lead_time_days"])
    label: str = Field(examples=["服务周期"])
    status: Literal["met", "missed", "unknown", "not_comparable"] = Field(
        description="unknown: the record does not state it, never a failure"
    )
    text: str = Field(description="The verdict in Chinese")


class KindItem(BaseModel):
    """One record of a kind in a list."""

    model_config = ConfigDict(frozen=True)

    rank: int = Field(ge=1)
    id: str
    title: str
    provider: str = ""
    region: str | None = None
    kilometres: int | None = Field(
        None, description="Between the cities of subject and record; null where one of them is not known"
    )
    attributes: dict[str, str | int | float | bool | tuple[str, ...]] = Field(default_factory=dict)
    probability: float | None = Field(None, description="Null as long as the kind has too few outcomes to learn from")
    score: float = Field(description="Prior: how many deviations above a reference record the texts are alike")
    reasons: tuple[str, ...] = ()
    requirements: tuple[KindRequirement, ...] = Field(
        (), description="Requirements sent along, and those that the demand states: what is missed first"
    )


class KindAnswer(BaseModel):
    """The records of one kind for a subject, best first."""

    model_config = ConfigDict(frozen=True)

    kind: str
    label: str
    message: str = ""
    answered: bool | None = Field(
        None, description="Whether the best is good enough; null as long as the kind has no outcomes to tell by"
    )
    items: tuple[KindItem, ...] = ()


class KindsAnswer(BaseModel):
    """One answer for several kinds, in the order asked for."""

    model_config = ConfigDict(frozen=True)

    subject_id: str | None = None
    bundle_version: str = ""
    kinds: tuple[KindAnswer, ...] = ()
