"""Fitting the first stages on a trained platform: the ranker's own favourites survive them."""

from dataclasses import replace

import numpy as np
import pytest

from data.store.store import Store
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.ranking.first_stage import COLUMNS, FirstStage
from training.candidate.first_stage import fit_first_stages

FEW, TOP = 20, 5


@pytest.fixture(scope="module")
def trained(platform) -> MatchingModel:
    return MatchingModel.load(platform.trained)


def with_stages(model, stages) -> Engine:
    stages = {side: replace(stage, scored=FEW) for side, stage in stages.items()}  # the suite's platform is small
    return Engine(replace(model, scorer=replace(model.scorer, threshold=None, first_stages=stages)))


def kept_of_the_best(whole, short, demands) -> float:
    """Return the share of the first answers of one engine that another gives among its own."""
    shares = []
    for demand in demands:
        best = [match.id for match in whole.recommend_achievements(demand, top=TOP).items]
        found = {match.id for match in short.recommend_achievements(demand, top=2 * TOP).items}
        shares += [item in found for item in best]
    return float(np.mean(shares))


def test_what_the_ranker_puts_first_is_scored(platform, trained):
    with Store.open(platform.settings.store_url) as store:
        stages = fit_first_stages(Engine(trained), trained.scorer, store, FEW)
        demands = list(store.demands())
    assert "achievements" in stages
    none = {"achievements": FirstStage(np.zeros(2 * len(COLUMNS)), np.zeros(len(COLUMNS)))}  # the best by fused rank
    whole = with_stages(trained, {})
    learned = kept_of_the_best(whole, with_stages(trained, stages), demands)
    assert learned >= 0.6
    assert learned > kept_of_the_best(whole, with_stages(trained, none), demands)


def test_it_is_the_same_every_time(platform, trained):
    with Store.open(platform.settings.store_url) as store:
        once, again = (fit_first_stages(Engine(trained), trained.scorer, store, FEW) for _ in range(2))
    assert once["achievements"].weights.tolist() == again["achievements"].weights.tolist()


def test_a_small_platform_needs_none(platform, trained):
    with Store.open(platform.settings.store_url) as store:
        assert fit_first_stages(Engine(trained), trained.scorer, store) == {}
    assert trained.scorer.first_stages == {}
    assert (platform.trained / "scorer" / "first_stage.json").is_file()
