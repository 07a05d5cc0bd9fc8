"""A card: indicators that each quote what they rest on, or say that it is unknown."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Status = Literal["stated", "estimated", "computed", "warning", "unknown"]
MAX_QUOTE = 120


class Evidence(BaseModel):
    """What an indicator rests on: words of a record, with the record's kind and id and the field they are from."""

    model_config = ConfigDict(frozen=True)

    quote: str = Field(min_length=1, examples=["已完成中试"])
    kind: str = Field("achievement", examples=["achievement", "demand"])
    id: str
    field: str = Field(examples=["content"])


class Indicator(BaseModel):
    """One line of a card. Whatever is not unknown has evidence."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(examples=["stated_maturity"])
    label: str = Field(examples=["文中所述成熟度"])
    status: Status = Field(
        description="stated: by the record; estimated: by a model, which abstains where it is unsure; computed: from "
        "other records; warning: a risk or a conflict; unknown: nothing was found to say it by"
    )
    text: str = Field(description="What to show, in Chinese")
    value: float | None = Field(None, description="The indicator as a number where it is one")
    evidence: tuple[Evidence, ...] = ()

    @model_validator(mode="after")
    def _rests_on_something(self) -> Self:
        if (self.status == "unknown") is bool(self.evidence):
            raise ValueError(f"{self.name} is {self.status} with {len(self.evidence)} pieces of evidence")
        return self


class Card(BaseModel):
    """One card."""

    model_config = ConfigDict(frozen=True)

    name: Literal["maturity", "market", "risk"]
    label: str = Field(examples=["成熟度"])
    indicators: tuple[Indicator, ...]


class AchievementCards(BaseModel):
    """The three cards of an achievement on a day."""

    model_config = ConfigDict(frozen=True)

    achievement_id: str
    as_of: str = Field(examples=["2026-01-31"])
    bundle_version: str = ""
    cards: tuple[Card, ...]


def unknown(name: str, label: str, text: str) -> Indicator:
    """Return an indicator of which nothing is known, saying what is missing."""
    return Indicator(name=name, label=label, status="unknown", text=text)


def quoted(achievement_id: str, field: str, quote: str) -> Evidence:
    """Return a piece of evidence from an achievement, cut to `MAX_QUOTE` characters."""
    return Evidence(quote=quote[:MAX_QUOTE], id=achievement_id, field=field)
