"""Which items of served lists a log had shown, and what whole lists are worth by that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from eval.served.lists import SHOWN, ServedList
from eval.served.metrics import ShownItem
from matcher.history.graded_pairs import Showings
from matcher.model import MatchingModel
from matcher.ranking.scorer import Scorer


@dataclass(frozen=True)
class Shown:
    """What lists showed a demand: numbers of items, and how much in [0, 1] of what they would show they have not yet."""

    items: frozenset[int]
    unseen: float


def shown_by_demand(model: MatchingModel, showings: Showings | None, number_of: Mapping[str, int]) -> dict[str, Shown]:
    """Return what lists showed to each demand, by its id; empty without a log.

    `number_of` numbers the items by the ids of achievements; those that it lacks are left out.
    """
    if showings is None:
        return {}
    found = {}
    names, offered = model.demands.base.cards.ids, model.achievements.base.cards.ids
    demands, first = np.unique(showings.d, return_index=True)  # showings are in the order of demands
    parts = np.split(showings.a, first[1:])
    for d, achievements, unseen in zip(demands.tolist(), parts, showings.unseen_mass(demands).tolist(), strict=True):
        ids = [offered[a] for a in achievements.tolist()]
        found[names[d]] = Shown(frozenset(number_of[one] for one in ids if one in number_of), unseen)
    return found


def shown_items(
    number: int, one: ServedList, levels: Mapping[int, float], log: Shown | None, scorer: Scorer, good: float
) -> Iterator[ShownItem]:
    """Yield the items that demand `number` is shown, with what is known of them.

    By `levels` where there is one; else an item is as good as the scorer says of shown pairs if lists showed it, and as good
    as it says of pairs that no list would show if they never did, as far as they showed what they would. Without a log only
    items with a level are known.
    """
    for item, probability in zip(one.texts[:SHOWN], one.probability[:SHOWN], strict=True):
        if item in levels:
            yield ShownItem(number, probability, float(levels[item] >= good))
        elif log is not None and item in log.items:
            yield ShownItem(number, probability, scorer.if_shown(probability))
        elif log is not None:
            yield ShownItem(number, probability, scorer.if_never_shown(probability), 1.0 - log.unseen)
