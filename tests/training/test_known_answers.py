"""Rankers on the simulator, whose true relevance is known: order recovered, position corrected, nothing claimed of nothing."""

from dataclasses import dataclass

import numpy as np
import pytest

from data.simulator.lexicon import load_lexicon
from data.simulator.outcomes import click_rate, examination
from data.simulator.plan import LIST_LENGTH, SimulationPlan
from data.simulator.relevance import grade_of
from data.simulator.shortlist import shortlists
from data.simulator.world import make_world
from eval.metrics.bootstrap import Judged, estimate_all
from eval.metrics.levels import ndcg_by_demand
from models.ranking.ordinal import OrdinalRanker, RankerParameters
from models.ranking.position_bias import place_of, place_offsets

PARAMETERS = RankerParameters(trees=100, learning_rate=0.06, feature_fraction=0.7)
NAMES = ("topic", "indicators", "maturity", "price", "provider", "region", "fame")
REQUESTS = 2_500


@dataclass(frozen=True)
class Lists:
    """Features (demands, k, f), true relevance and click rate (demands, k); demands from `new` on are kept back."""

    features: np.ndarray
    relevance: np.ndarray
    rate: np.ndarray
    new: int

    def true_ndcg(self, score) -> float:
        """Return the mean true NDCG@10 of an order of the new demands' shortlists, given as a function of features."""
        kept = self.features[self.new :]
        demands = np.repeat(np.arange(len(kept)), kept.shape[1])
        grade = grade_of(self.relevance[self.new :]).ravel().astype(np.int64)
        return float(ndcg_by_demand(grade + 1, score(kept.reshape(-1, kept.shape[2])), demands)[1].mean())


@pytest.fixture(scope="module")
def lists() -> Lists:
    plan = SimulationPlan(achievements=600, demands=180, events=0, seed=3)
    found = shortlists(make_world(load_lexicon(), plan), plan, lambda _: None, lambda _: None)
    random = np.random.default_rng(0)
    fit = {name: getattr(found.fit, name).astype(np.float64) for name in (*NAMES[:-1], "relevance")}
    columns = [fit[name] for name in NAMES[:-1]]
    columns[0] = columns[0] + 0.1 * random.standard_normal(columns[0].shape)  # the topic is seen through noise
    fame = np.broadcast_to(random.random(plan.achievements)[found.achievement], columns[0].shape)  # tells nothing
    features = np.stack([*columns, fame], axis=2).astype(np.float32)
    return Lists(features, fit["relevance"], click_rate(fit["topic"], fit["relevance"]), new=120)


@dataclass(frozen=True)
class Log:
    features: np.ndarray
    clicked: np.ndarray
    position: np.ndarray
    request: np.ndarray


def famous_first(lists: Lists, seed: int = 1) -> Log:
    """Return a log whose lists put what is famous on top, where it is looked at; fame has nothing to do with relevance."""
    random = np.random.default_rng(seed)
    demand = np.repeat(random.integers(0, lists.new, REQUESTS), LIST_LENGTH).reshape(REQUESTS, LIST_LENGTH)
    item = np.stack([random.permutation(lists.features.shape[1])[:LIST_LENGTH] for _ in range(REQUESTS)])
    by_fame = np.argsort(-(lists.features[demand, item, -1] + 0.2 * random.standard_normal(item.shape)), axis=1)
    item = np.take_along_axis(item, by_fame, axis=1)
    position = np.broadcast_to(np.arange(1, LIST_LENGTH + 1), item.shape)
    clicked = random.random(item.shape) < examination(position) * np.minimum(2.0 * lists.rate[demand, item], 1.0)
    request = np.repeat(np.arange(REQUESTS), LIST_LENGTH)
    return Log(lists.features[demand, item].reshape(-1, len(NAMES)), clicked.ravel(), position.ravel(), request)


@pytest.fixture(scope="module")
def log(lists) -> Log:
    return famous_first(lists)


def ordinal(log, positions=None, grades=None):
    grades = log.clicked.astype(np.int64) if grades is None else grades
    ranker = OrdinalRanker(PARAMETERS).fit(log.features, NAMES, grades, positions=positions)
    return lambda rows: ranker.expected_grade(ranker.predict(rows))


def test_with_enough_data_the_known_order_is_recovered(lists):
    """Grades as the truth has them, half of all pairs of the demands to learn from."""
    random = np.random.default_rng(0)
    row = random.random(lists.relevance[: lists.new].shape) < 0.5
    grades = grade_of(lists.relevance[: lists.new][row]).astype(np.int64)
    ranker = OrdinalRanker(PARAMETERS).fit(lists.features[: lists.new][row], NAMES, grades)
    assert lists.true_ndcg(lambda rows: ranker.expected_grade(ranker.predict(rows))) > 0.95
    assert lists.true_ndcg(lambda rows: rows[:, -1].astype(float)) < 0.4


def test_a_position_corrected_ranker_beats_an_uncorrected_one_on_the_true_order(lists, log):
    plain, corrected = (lists.true_ndcg(ordinal(log, positions)) for positions in (None, log.position))
    assert corrected > plain + 0.01


def test_what_a_place_does_is_recovered_and_does_not_stand_for_what_stands_there(lists, log):
    offsets = place_offsets(log.features, log.clicked, place_of(log.position), np.ones(len(log.clicked)), PARAMETERS)
    truth = np.log(examination(np.arange(1, LIST_LENGTH + 1)))
    assert np.abs(offsets[1 : LIST_LENGTH + 1] - truth).mean() < 0.4
    assert (np.diff(offsets[1:]) <= 0).all()
    shuffled = np.random.default_rng(0).permutation(log.position)
    none = place_offsets(log.features, log.clicked, place_of(shuffled), np.ones(len(log.clicked)), PARAMETERS)
    assert np.abs(none).max() < 0.35


def test_a_place_counts_the_same_wherever_rows_are_scored(lists, log):
    """Predicted probabilities refer to the average position: their mean is the log's own rate."""
    ranker = OrdinalRanker(PARAMETERS).fit(log.features, NAMES, log.clicked.astype(np.int64), positions=log.position)
    assert ranker.predict(log.features)[:, 0].mean() == pytest.approx(log.clicked.mean(), rel=0.25)


def test_with_no_signal_none_is_claimed(lists, log):
    """Clicks at random: on new demands with judgements at random the interval of the AUC holds 0.5."""
    random = np.random.default_rng(2)
    score = ordinal(log, log.position, grades=random.permutation(log.clicked).astype(np.int64))
    kept = lists.features[lists.new :, :40]
    levels = random.integers(1, 5, kept.shape[:2]).ravel()
    ranking = score(kept.reshape(-1, len(NAMES)))
    demands = np.repeat(np.arange(len(kept)), 40)
    auc = estimate_all(Judged(demands, levels, np.full(len(levels), 2), ranking), 300)["auc2"]
    assert auc.low < 0.5 < auc.high
    assert auc.high - auc.low < 0.1
