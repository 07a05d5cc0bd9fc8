"""A world whose grades follow from topic, readiness and price, and an engine trained on it."""

from dataclasses import replace

import numpy as np

from data.records import Achievement, Demand
from matcher.collection.pairs import PairBatch
from matcher.engine import Engine
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.fit import fit_scorer
from matcher.model import MatchingModel
from tests.matcher.conftest import PARAMETERS
from tests.matcher.worlds import World, make_world

BUDGET = 100.0


def particular_world(seed: int = 3) -> World:
    """Return 60 demands that ask for levels 2-8 and up to 100 or 500 万元, and 60 achievements of levels 1-9, 50-700 万元."""
    world = make_world(60, 60)
    random = np.random.default_rng(seed)
    demands = [
        wanted.model_copy(update={"trl_min": int(level), "budget_max": float(budget), "cooperation_modes": ("许可",)})
        for wanted, level, budget in zip(
            world.demands, random.integers(2, 9, 60), random.choice([BUDGET, 5 * BUDGET], 60), strict=True
        )
    ]
    offers = [
        offered.model_copy(
            update={"trl": int(level), "price_min": float(price), "transfer_modes": ("许可",), "holder": f"单位{row}"}
        )
        for row, (offered, level, price) in enumerate(
            zip(world.achievements, random.integers(1, 10, 60), random.integers(50, 700, 60), strict=True)
        )
    ]
    return replace(world, demands=demands, achievements=offers)


def particular_engine(world: World, encoder) -> Engine:
    """Return an engine trained on all pairs: grade 1 for the topic, 1 more each for what is asked of readiness and price."""
    model = MatchingModel.build(world.achievements, world.demands, encoder)
    d, a = world.pairs()
    wanted, offered = model.demands.base, model.achievements.base
    ready = np.array([w.trl for w in world.achievements])[a] >= np.array([w.trl_min for w in world.demands])[d]
    cheap = np.array([w.price_min for w in world.achievements])[a] <= np.array([w.budget_max for w in world.demands])[d]
    grades = np.where(world.demand_topic[d] == world.achievement_topic[a], 1 + ready + cheap, 0).astype(np.int64)
    table = model.label_free_table(PairBatch(wanted, offered, d, a))
    pairs = GradedPairs(d, a, grades, np.ones(len(d)))
    scorer = fit_scorer(wanted, offered, pairs, table, parameters=PARAMETERS, calibrate=True)
    return Engine(replace(model, version="particulars", scorer=scorer))


def demand(text: str, **fields) -> Demand:
    """Return an unstored demand with a text."""
    return Demand.of_text(text).model_copy(update=fields)


def offer(number: int, title: str, **fields) -> Achievement:
    """Return an achievement."""
    return Achievement(achievement_id=f"X{number}", title=title, **fields)
