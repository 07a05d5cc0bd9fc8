"""Which pairs are worth a judgement, and how far judges agree."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from data.records import Demand
from data.store.reviews import QueuedPair, Review
from data.store.store import Store
from eval.metrics.agreement import Agreement
from eval.metrics.agreement import agreement as levels_agreement
from eval.metrics.levels import quadratic_weighted_kappa
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.opinions.second import Opinion
from matcher.recommendation import Match

SAMPLED_DEMANDS = 12
CANDIDATES = 30
RESAMPLES = 200  # for an interval that a page shows
GOOD = 2.5  # mean level from which on a pair is a good match
LIKELY = 0.3  # least probability of a pair that is looked at for its money


def choose(
    store: Store, engine: Engine, other: Engine | None, seed: int, offered: Filters | None = None
) -> list[QueuedPair]:
    """Return pairs of randomly drawn open demands, at most one of each kind for each demand.

    Chosen are the pair whose probability lies nearest to the average of all judged pairs, the one about which two models
    differ most, the likely one for the demands with the greatest budgets, and one at random. `offered` leaves out
    achievements that are withheld.
    """
    rng = np.random.default_rng(seed)
    cards = engine.model.demands.base.cards
    is_open = np.flatnonzero(Filters().allowed(cards))
    drawn = rng.permutation(is_open)[:SAMPLED_DEMANDS].tolist()
    budgets = sorted((cards.money_max[row] for row in drawn if not np.isnan(cards.money_max[row])), reverse=True)
    dear = budgets[min(len(budgets) // 2, len(budgets) - 1)] if budgets else np.inf
    version = engine.model.version
    scorer = engine.model.scorer
    average = (scorer.average if scorer else None) or 0.5
    chosen: list[QueuedPair] = []
    for row in drawn:
        demand = _stored(store, cards.ids[row])
        if demand is None:
            continue
        items = engine.recommend_achievements(demand, top=CANDIDATES, filters=offered).items
        if not items:
            continue
        picks: list[tuple[str, Match, float | None]] = []
        known = [item for item in items if item.probability is not None]
        if known:
            picks.append(("uncertain", min(known, key=lambda item: abs((item.probability or 0) - average)), None))
        if known and other is not None:
            picks += _disagreement(known, other, demand)
        if known and cards.money_max[row] >= dear and (known[0].probability or 0) >= LIKELY:
            picks.append(("value", known[0], None))
        picks.append(("random", items[int(rng.integers(len(items)))], None))
        taken: set[str] = set()
        for stratum, item, second in picks:
            if item.id not in taken:
                taken.add(item.id)
                chosen.append(QueuedPair(demand.demand_id, item.id, stratum, item.probability, second, version))
    return chosen


def _disagreement(known: list[Match], other: Engine, demand: Demand) -> list[tuple[str, Match, float | None]]:
    theirs = {item.id: item.probability for item in other.recommend_achievements(demand, top=CANDIDATES).items}
    both = [(item, theirs[item.id]) for item in known if theirs.get(item.id) is not None]
    if not both:
        return []
    item, second = max(both, key=lambda pair: abs((pair[0].probability or 0) - (pair[1] or 0)))
    return [("disagreement", item, second)]


def _stored(store: Store, demand_id: str) -> Demand | None:
    from data.errors import NotFoundError

    try:
        return store.demand(demand_id)
    except NotFoundError:
        return None


def agreement(reviews: Iterable[Review]) -> tuple[int, float | None]:
    """Return how many pairs two operators judged, and Cohen's kappa with quadratic weights between first and second.

    None for fewer than two pairs, or where all judgements are alike: chance agreement is certain then.
    """
    levels: dict[tuple[str, str], list[int]] = defaultdict(list)
    for review in reviews:
        levels[review.demand_id, review.achievement_id].append(review.level)
    twice = np.array([found[:2] for found in levels.values() if len(found) > 1], dtype=np.int64).reshape(-1, 2)
    if len(twice) < 2 or len(np.unique(twice)) == 1:
        return len(twice), None
    kappa = quadratic_weighted_kappa(twice[:, 0], twice[:, 1], np.ones((1, len(twice))))
    return len(twice), float(kappa[0])


def model_agreement(given: Sequence[Opinion]) -> Agreement:
    """Return how far a model's opinions agree with people's levels, of several people with their mean."""
    return levels_agreement(
        [one.pair[0] for one in given],
        [float(np.mean(one.people)) for one in given],
        [one.model.level for one in given],
        GOOD,
        resamples=RESAMPLES,
    )
