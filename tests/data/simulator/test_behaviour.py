"""What the simulator promises of firms and policies, each against what would be seen without it."""

import numpy as np
import pytest

from data.simulator.clarity import LEAST_READINESS, MOST_READINESS, WEIGHTS, clarity_of, readiness
from data.simulator.demand_texts import HEADER, DemandWriter
from data.simulator.lexicon import load_lexicon
from data.simulator.outcomes import (
    CLICK,
    CONTACT,
    DEAL,
    DECLINE,
    IMPRESSION,
    NEGOTIATION,
    POLICIES,
    REASONS,
    click_rate,
    examination,
    simulate_events,
    version_of,
)
from data.simulator.plan import SimulationPlan
from data.simulator.shortlist import shortlists
from data.simulator.world import LOG_MONTHS, LOG_START_DAY, make_world

PLAN = SimulationPlan(achievements=800, demands=2_000, events=80_000, seed=21)


@pytest.fixture(scope="module")
def world():
    return make_world(load_lexicon(), PLAN)


@pytest.fixture(scope="module")
def lists(world):
    return shortlists(world, PLAN, lambda _: None, lambda _: None)


@pytest.fixture(scope="module")
def log(world, lists):
    return simulate_events(world, lists, PLAN, lambda _: None)


def shown(log):
    return np.flatnonzero(log.kind == IMPRESSION)


def cells(lists, log, rows):
    """Return where in the shortlists the rows' pairs are."""
    demand = log.demand[rows]
    return demand, (lists.achievement[demand] == log.achievement[rows][:, None]).argmax(axis=1)


def happened(log, rows, kind):
    keys = log.request.astype(np.int64) * PLAN.achievements + log.achievement
    return np.isin(keys[rows], keys[log.kind == kind])


def test_policies_select_what_they_believe_in_and_put_it_first(lists, log):
    rows = shown(log)
    belief = lists.match[cells(lists, log, rows)]
    assert belief.mean() > lists.match.mean() + lists.match.std()
    assert belief[log.position[rows] == 1].mean() > belief[log.position[rows] == 10].mean()


def test_popular_achievements_are_shown_more_than_they_are_believed_in(world, lists, log):
    """Among shortlisted items of like belief, those with more appeal from the start are shown more often."""
    rows = np.flatnonzero((log.kind == IMPRESSION) & (log.month < 9))
    demand, column = cells(lists, log, rows)
    appeal = np.log(world.achievements.appeal)
    drawn = np.random.default_rng(0).integers(0, lists.match.shape[1], (len(rows), 20))
    other = np.take_along_axis(lists.match[demand], drawn, axis=1)
    like = np.abs(other - lists.match[demand, column][:, None]) < 0.05
    matched = np.take_along_axis(lists.achievement[demand], drawn, axis=1)
    difference = appeal[log.achievement[rows]][:, None] - appeal[matched]
    assert difference[like].mean() > 0.05
    assert all(weight > 0 for _, weight, _ in POLICIES.values())


def test_clicks_follow_attention_times_interest(lists, log):
    rows = shown(log)
    demand, column = cells(lists, log, rows)
    fit = lists.fit
    rate = click_rate(fit.topic[demand, column].astype(float), fit.relevance[demand, column].astype(float))
    expected = rate * examination(log.position[rows].astype(np.int64))
    clicked = happened(log, rows, CLICK)
    for low, high in ((0.0, 0.02), (0.02, 0.1), (0.1, 0.6)):
        part = (expected >= low) & (expected < high)
        assert clicked[part].mean() == pytest.approx(expected[part].mean(), rel=0.2)


def test_who_says_more_is_contacted_more_by_so_much(world, lists, log):
    """Contacts of what was clicked follow the relevance times the readiness that a demand's clarity gives."""
    rows = np.flatnonzero(log.kind == CLICK)
    demand, column = cells(lists, log, rows)
    clarity = clarity_of(world, PLAN.seed)
    relevance = lists.fit.relevance[demand, column].astype(float)
    expected = (0.05 + 0.5 * relevance**2) * readiness(clarity)[demand]
    contacted = happened(log, rows, CONTACT)
    for part in (clarity[demand] < 0.5, (clarity[demand] >= 0.5) & (clarity[demand] < 0.8), clarity[demand] >= 0.8):
        assert contacted[part].mean() == pytest.approx(expected[part].mean(), abs=0.05)
    assert readiness(np.array([0.0, 1.0])).tolist() == pytest.approx([LEAST_READINESS, MOST_READINESS])
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    vague = world.demands.wording == 2
    assert clarity[vague].mean() < clarity[~vague].mean() - 0.3


def test_what_became_of_a_demand_does_not_change_what_it_says(world):
    writer = DemandWriter(world.lexicon, world.demands, world.firms, ["某公司"] * len(world.firms), PLAN.seed)
    for number in range(200):
        still, closed = writer.row(number), writer.row(number, "已签约")
        assert [name for name, one, other in zip(HEADER, still, closed, strict=True) if one != other] in (["状态"], [])


def test_better_providers_close_more_deals(world, lists, log):
    rows = shown(log)
    quality = world.achievements.provider_quality[log.achievement[rows]]
    contacted = happened(log, rows, CONTACT)
    closed = happened(log, rows, DEAL)
    assert closed.sum() > 30
    assert quality[closed].mean() > quality[contacted].mean() > quality.mean() - 0.01


def test_what_is_asked_for_drifts_by_month():
    """Shares of technologies in the first and the last months differ by more than months shuffled at random do."""
    demands = make_world(load_lexicon(), SimulationPlan(achievements=50, demands=40_000, events=0, seed=2)).demands
    during = demands.published >= LOG_START_DAY
    month = ((demands.published[during] - LOG_START_DAY) // 30.5).astype(int)
    technology = demands.technology[during]

    def distance(month):
        early, late = technology[month < 6], technology[month >= LOG_MONTHS - 6]
        width = technology.max() + 1
        return np.abs(
            np.bincount(early, minlength=width) / len(early) - np.bincount(late, minlength=width) / len(late)
        ).sum()

    chance = [distance(np.random.default_rng(seed).permutation(month)) for seed in range(10)]
    assert distance(month) > 1.3 * np.max(chance)
    assert {version_of(number) for number in range(LOG_MONTHS)} == set(POLICIES)


def test_declines_name_what_the_pair_lacks(lists, log):
    rows = np.flatnonzero(log.kind == DECLINE)
    demand, column = cells(lists, log, rows)
    price = lists.fit.price[demand, column].astype(float)
    named = log.reason[rows] == REASONS.index("price")
    assert named.sum() > 15
    assert price[named].mean() < price[~named].mean() - 0.15
    assert set(log.reason[log.kind != DECLINE].tolist()) == {-1}


def test_recent_rows_have_not_come_to_their_end(log):
    """Of what was negotiated, fewer deals are known of the last months than of the first ones."""
    rows = shown(log)
    talked, closed = happened(log, rows, NEGOTIATION), happened(log, rows, DEAL)
    early, late = log.month[rows] < 12, log.month[rows] >= LOG_MONTHS - 4
    assert min(talked[early].sum(), talked[late].sum()) > 5
    assert closed[early].sum() / talked[early].sum() > 2 * closed[late].sum() / max(1, talked[late].sum())


def test_cold_firms_never_ask(world, log):
    cold = world.firms.activity == 0
    assert 0.15 < cold.mean() < 0.35
    assert not cold[world.demands.firm[log.demand]].any()
