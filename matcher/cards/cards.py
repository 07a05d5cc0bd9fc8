"""The three cards of an achievement: first what the engine finds around it, then the cards with the records found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from data.records import Achievement, Demand
from matcher.cards.answer import AchievementCards
from matcher.cards.market import LOOKED_AT, SIMILAR, market_card, within_reach
from matcher.cards.maturity import maturity_card
from matcher.cards.risk import risk_card
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.recommendation import SimilarRecord
from matcher.texts.space import record_text


@dataclass(frozen=True)
class Surroundings:
    """What is around an achievement: ids of open demands within reach (None where no ranker tells), records like it."""

    demand_ids: tuple[str, ...] | None
    looked_at: int
    similar: tuple[SimilarRecord, ...]


def surroundings(engine: Engine, record: Achievement, on: date) -> Surroundings:
    """Return what is around an achievement on a day; nothing for one without text to match by."""
    if not record_text(record).full:
        return Surroundings(None, 0, ())
    found = engine.recommend_demands(record, top=LOOKED_AT, filters=Filters().on(on))
    ids = within_reach(found)
    return Surroundings(None if ids is None else tuple(ids), len(found.items), tuple(engine.similar(record, SIMILAR)))


def achievement_cards(
    record: Achievement, around: Surroundings, demands: Sequence[Demand], on: date, version: str
) -> AchievementCards:
    """Return the cards of an achievement on a day; `demands` are those of `around.demand_ids` that are still stored."""
    market = market_card(record, None if around.demand_ids is None else demands, around.similar, around.looked_at)
    return AchievementCards(
        achievement_id=record.achievement_id,
        as_of=on.isoformat(),
        bundle_version=version,
        cards=(maturity_card(record), market, risk_card(record, on)),
    )
