"""A model's second opinions on pairs that people judged: shown beside their judgements, learned by nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from data.errors import NotFoundError
from data.store.reviews import Review
from data.store.store import Store
from data.store.work.model_levels import ModelLevel
from matcher.opinions.level import Instruction, PairTexts
from matcher.opinions.levelling import Levelled, level_pairs
from models.remote.chat import ChatModel

# No examples: every judgement of a person is then one that agreement can be measured on.
PLAIN = Instruction()
Pair = tuple[str, str]


@dataclass(frozen=True)
class Opinion:
    """A model's level of a pair beside those that people gave it."""

    pair: Pair
    people: tuple[int, ...]
    model: ModelLevel


def judged_pairs(reviews: Iterable[Review]) -> dict[Pair, list[int]]:
    """Return people's levels in force by pair, in the order of the first judgement."""
    found: dict[Pair, list[int]] = {}
    for review in reviews:
        found.setdefault((review.demand_id, review.achievement_id), []).append(review.level)
    return found


def opinions(store: Store, model: str, judged: Mapping[Pair, list[int]]) -> list[Opinion]:
    """Return what a model said of judged pairs, of each the latest."""
    latest = {(one.demand_id, one.achievement_id): one for one in store.model_levels.all() if _counts(one, model)}
    return [Opinion(pair, tuple(levels), latest[pair]) for pair, levels in judged.items() if pair in latest]


def ask_opinions(store: Store, chat: ChatModel, judged: Iterable[Pair], most: int, now: datetime) -> Levelled:
    """Have a model level up to `most` judged pairs that it has no level of, keep its levels and return them."""
    known = {(one.demand_id, one.achievement_id) for one in store.model_levels.all() if _counts(one, chat.name)}
    wanted: list[PairTexts] = []
    for demand_id, achievement_id in judged:
        if len(wanted) == most:
            break
        if (demand_id, achievement_id) not in known:
            try:
                wanted.append(PairTexts.of(store.demand(demand_id), store.achievement(achievement_id)))
            except NotFoundError:
                continue  # deleted since it was judged
    found = level_pairs(chat, wanted, PLAIN, {}, now)
    store.model_levels.keep(found.levels.values())
    return found


def _counts(level: ModelLevel, model: str) -> bool:
    return level.model == model and level.prompt == PLAIN.digest
