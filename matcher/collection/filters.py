"""Filters: which records may be recommended at all, decided before anything is searched."""

from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from data.records import AchievementStatus, DemandStatus
from data.taxonomy.industries import industry_code, nearest_industries
from data.taxonomy.regions import nearest_regions, region_code
from matcher.collection.columns import RecordColumns

Choice = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Choices = Annotated[tuple[Choice, ...], Field(max_length=50)]


def _known_industries(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the codes in their one spelling."""
    known = []
    for text in codes:
        code = industry_code(text)
        if code is None:
            raise ValueError(f"没有行业“{text}”；最接近的是 {'、'.join(nearest_industries(text))}")
        known.append(code)
    return tuple(dict.fromkeys(known))


def _known_statuses(statuses: tuple[str, ...]) -> tuple[str, ...]:
    """Return the statuses if records can have them."""
    for status in statuses:
        if status not in STATUSES:
            near = get_close_matches(status, STATUSES, n=3, cutoff=0.3) or STATUSES
            raise ValueError(f"没有状态“{status}”；最接近的是 {'、'.join(near)}")
    return statuses


def _known_region(value: Any) -> Any:
    """Return a region's code if there is one, else name the nearest; a name is answered with its code."""
    if not isinstance(value, str):
        return value
    code = region_code(value.strip())
    if code is None:
        raise ValueError(f"没有地区“{value.strip()[:30]}”；最接近的是 {'、'.join(nearest_regions(value))}")
    if code != value.strip():
        raise ValueError(f"地区请写六位代码：“{value.strip()[:30]}”是 {code}")
    return value


IndustryCodes = Annotated[Choices, AfterValidator(_known_industries)]
Statuses = Annotated[Choices, AfterValidator(_known_statuses)]
RegionCode = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^\d{6}$"), BeforeValidator(_known_region)
]

STATUSES = tuple(dict.fromkeys(status.value for status in (*AchievementStatus, *DemandStatus)))
# What can still be had (achievements) and is still wanted (demands).
OPEN_STATUSES = (
    AchievementStatus.PUBLISHED.value,
    AchievementStatus.NEGOTIATING.value,
    DemandStatus.PUBLISHED.value,
    DemandStatus.NEGOTIATING.value,
)


BY_FIGURES = ("hide_hard_misses", "share_met_at_least", "share_known_at_least", "worst_margin_at_least")


class Filters(BaseModel):
    """Conditions that all hold for every recommended record; an empty condition allows all.

    A record that does not state the value asked for is left out: a filter is a promise. `BY_FIGURES` speak of pairs: the
    engine applies them to the candidates, by their figures. Figures that are not stated are no misses, and where nothing
    is required nothing is left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: Choices = Field((), description="技术领域, any of")
    industries: IndustryCodes = Field(
        (),
        description="GB/T 4754 codes in any spelling, or names, any of; a code includes all below it (C26 includes 2614)",
    )
    regions: Annotated[tuple[RegionCode, ...], Field(max_length=50)] = Field(
        (), description="GB/T 2260 codes, any of; 410000 includes the whole province, 410100 the whole city"
    )
    statuses: Statuses = Field(OPEN_STATUSES, description="状态, any of; by default only open records")
    budget: float | None = Field(None, ge=0, description="万元: the price asked starts at most here")
    trl_at_least: int | None = Field(None, ge=1, le=9, description="技术成熟度 at least")
    hide_hard_misses: bool = Field(
        False, description="Leave out what clearly misses a figure that the demand requires; what is unknown stays"
    )
    share_met_at_least: float | None = Field(
        None, ge=0, le=1, description="Share of the required figures that are met, of those that could be checked"
    )
    share_known_at_least: float | None = Field(
        None, ge=0, le=1, description="Share of the required figures that could be checked"
    )
    worst_margin_at_least: float | None = Field(
        None,
        ge=-1,
        le=1,
        description="How far the worst checked figure may lie outside its bound, as a share of it: -0.1",
    )
    as_of: date | None = Field(
        None,
        description="Day on which a demand's deadline must not have passed; servers take today where none is given",
    )
    exclude: Annotated[tuple[str, ...], Field(max_length=10_000)] = Field((), description="Ids never to be recommended")

    @classmethod
    def none(cls) -> Self:
        """Return filters that allow every record, closed ones too."""
        return cls(statuses=())

    @property
    def by_figures(self) -> bool:
        """Whether some condition speaks of the demand's required figures."""
        return any(getattr(self, name) not in (None, False) for name in BY_FIGURES)

    def on(self, day: date) -> Self:
        """Return the filters as they hold on a day, unless they name one or let expired records through."""
        if self.as_of is not None or not self.statuses or DemandStatus.EXPIRED.value in self.statuses:
            return self
        return self.model_copy(update={"as_of": day})

    def allowed(self, cards: RecordColumns) -> NDArray[np.bool_]:
        """Return (n,) mask of the records that may be recommended."""
        mask = np.ones(len(cards), dtype=np.bool_)
        if self.statuses:
            mask &= cards.one_of("status", self.statuses)
        if self.fields:
            mask &= cards.one_of("field", self.fields)
        if self.industries:
            mask &= cards.has_industry(self.industries)
        if self.regions:
            mask &= cards.in_region(self.regions)
        if self.budget is not None:
            mask &= cards.affordable(self.budget)
        if self.trl_at_least is not None:
            mask &= cards.trl >= self.trl_at_least
        if self.as_of is not None:
            mask &= ~cards.closed_before(self.as_of)
        if self.exclude:
            mask &= ~cards.is_one_of_ids(self.exclude)
        return mask
