"""Off-policy estimates against the simulator, whose true click rates are known."""

import numpy as np
import pytest

from data.errors import InputError
from data.simulator.lexicon import load_lexicon
from data.simulator.outcomes import CLICK, IMPRESSION, click_rate, examination, interest, simulate_events
from data.simulator.plan import SimulationPlan
from data.simulator.shortlist import shortlists
from data.simulator.world import make_world
from eval.metrics.off_policy import examination_curve, new_positions, off_policy, reordered_weights

PLAN = SimulationPlan(achievements=900, demands=150, events=60_000, seed=11)
N = 20_000


@pytest.fixture(scope="module")
def world():
    return make_world(load_lexicon(), PLAN)


@pytest.fixture(scope="module")
def lists(world):
    return shortlists(world, PLAN, lambda _: None, lambda _: None)


@pytest.fixture(scope="module")
def rates(lists):
    """(demands, shortlist) true probability of a click on what is looked at."""
    return click_rate(lists.fit.topic.astype(np.float64), lists.fit.relevance.astype(np.float64))


def softmax(score):
    odds = np.exp(score - score.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def bandit(lists, rates):
    """A log in which the platform's search shows one item, drawn by its belief; another policy believes more firmly."""
    random = np.random.default_rng(0)
    logging, target = softmax(2.0 * lists.match), softmax(4.0 * lists.match)
    demand = random.integers(0, len(rates), N)
    ceiling = np.cumsum(logging, axis=1)[demand]
    action = np.minimum((random.random((N, 1)) > ceiling).sum(axis=1), rates.shape[1] - 1)
    reward = (random.random(N) < rates[demand, action]).astype(np.float64)
    truth = float((target * rates).sum(axis=1)[demand].mean())
    return demand, action, reward, (target / logging)[demand, action], target, truth


def test_the_expected_click_rate_is_the_average_of_clicks():
    noise = 0.1 * np.random.default_rng(0).standard_normal(400_000)
    for topic, relevance in ((0.05, 0.0), (0.5, 0.3), (0.95, 0.8)):
        drawn = interest(0.7 * topic + 0.3 * relevance + noise).mean()
        assert click_rate(np.array(topic), np.array(relevance)) == pytest.approx(drawn, abs=2e-3)


def test_all_three_estimators_find_the_true_value_of_another_policy(bandit, rates):
    demand, action, reward, weight, target, truth = bandit
    model = np.full_like(rates, 0.1)  # a poor model of the reward
    found = off_policy(reward, weight, demand, model[demand, action], (target * model).sum(axis=1)[demand], 300)
    assert abs(reward.mean() - truth) > 0.02  # the log's own mean is no answer
    for estimate in (found.ips, found.snips, found.doubly_robust):
        assert estimate.low <= truth <= estimate.high
        assert estimate.value == pytest.approx(truth, abs=0.02)
    assert 0 < found.effective < N


def test_a_good_model_steadies_and_saves_wrong_propensities(bandit, rates):
    demand, action, reward, weight, target, truth = bandit
    value = (target * rates).sum(axis=1)[demand]
    plain = off_policy(reward, weight, np.arange(N), np.zeros(N), np.zeros(N), 200).doubly_robust
    steady = off_policy(reward, weight, np.arange(N), rates[demand, action], value, 200).doubly_robust
    assert steady.high - steady.low < 0.9 * (plain.high - plain.low)
    wrong = weight * 2.0
    found = off_policy(reward, wrong, demand, rates[demand, action], value, 200)
    assert found.doubly_robust.value == pytest.approx(truth, abs=0.015)
    assert found.ips.value > truth + 0.05


def test_the_policy_that_served_is_worth_what_it_earned():
    reward = np.array([0.0, 1.0, 1.0, 0.0])
    found = off_policy(reward, np.ones(4), np.arange(4), np.zeros(4), np.zeros(4), 50)
    assert found.ips.value == found.snips.value == found.doubly_robust.value == 0.5
    assert found.effective == 4


@pytest.mark.parametrize("weight", [np.nan, -1.0, np.inf])
def test_weights_that_cannot_be_are_refused(weight):
    with pytest.raises(InputError, match="negative or not finite"):
        off_policy(np.ones(1), np.array([weight]), np.zeros(1, int), np.ones(1), np.ones(1))


def test_no_rows_and_no_first_position_are_refused():
    nothing = np.zeros(0)
    with pytest.raises(InputError, match="there are 0"):
        off_policy(nothing, nothing, nothing.astype(int), nothing, nothing)
    with pytest.raises(InputError, match="position 1"):
        examination_curve(np.zeros(2, int), np.array([2, 3]), np.array([True, False]))


@pytest.fixture(scope="module")
def log(world, lists):
    return simulate_events(world, lists, PLAN, lambda _: None)


@pytest.fixture(scope="module")
def shown(log):
    """Rows of impressions, whether each was clicked, and the number of its pair."""
    rows = np.flatnonzero(log.kind == IMPRESSION)
    keys = log.request.astype(np.int64) * PLAN.achievements + log.achievement
    clicked = np.isin(keys[rows], keys[log.kind == CLICK])
    return rows, clicked, log.demand[rows].astype(np.int64) * PLAN.achievements + log.achievement[rows]


def test_the_examination_curve_is_recovered_where_click_rates_mislead(log, shown):
    rows, clicked, pair = shown
    position = log.position[rows].astype(np.int64)
    curve = examination_curve(pair, position, clicked)
    truth = examination(np.arange(1, 11))
    naive = np.array([clicked[position == place].mean() for place in range(1, 11)])
    error = np.abs(np.log(curve / truth)).mean()
    assert error < 0.2
    assert error < 0.7 * np.abs(np.log(naive / naive[0] / truth)).mean()


def test_clicks_of_a_new_order_are_foretold_from_the_log(log, shown, lists, rates):
    rows, clicked, _ = shown
    request, position = log.request[rows], log.position[rows].astype(np.int64)
    full = np.isin(request, np.flatnonzero(np.bincount(request) == 10))
    rows, clicked, request, position = rows[full], clicked[full], request[full], position[full]
    demand = log.demand[rows]
    column = (lists.achievement[demand] == log.achievement[rows][:, None]).argmax(axis=1)
    true = rates[demand, column]
    curve = examination(np.arange(1, 11))
    target = new_positions(request, lists.fit.relevance[demand, column].astype(np.float64))
    weight = reordered_weights(position, target, curve)
    q = np.full(len(rows), true.mean())
    found = off_policy(
        clicked.astype(float), weight, demand, q * curve[position - 1], q * curve[target - 1], resamples=200
    )
    value, served = float((true * curve[target - 1]).mean()), float((true * curve[position - 1]).mean())
    assert value > 1.05 * served
    for estimate in (found.ips, found.doubly_robust):
        assert estimate.low <= value <= estimate.high
        assert estimate.low > served * 0.95


def test_new_positions_count_within_each_request():
    found = new_positions(np.array([5, 3, 5, 3, 5]), np.array([0.1, 0.9, 0.8, 0.2, 0.5]))
    assert found.tolist() == [3, 1, 1, 2, 2]
