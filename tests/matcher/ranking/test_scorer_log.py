"""The scorer on a log of shown lists: order, probabilities of a good match and of a deal, saved and read again."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from matcher.features.table import NEARNESS_COLUMNS, FeatureTable
from matcher.history.graded_pairs import Showings
from matcher.learning.fit import MIN_DEALS, fit_scorer
from matcher.learning.out_of_fold import history_of
from matcher.ranking.scorer import DEAL_GRADE, GOOD_GRADE, Scorer
from matcher.ranking.unseen import Exposure
from matcher.ranking.verdict import AnswerThreshold
from models.ranking.calibration import IsotonicCalibration
from tests.matcher.conftest import PARAMETERS
from tests.matcher.learning.test_out_of_fold import dated
from tests.some import some

ROWS = 260


@pytest.fixture(scope="module")
def order(known):
    return np.random.default_rng(4).permutation(len(known.d))[:ROWS]


@pytest.fixture(scope="module")
def pairs(known, order):
    """Right matches end in a deal when somebody looks, which at lower positions happens less."""
    random = np.random.default_rng(5)
    right = known.world.grades(known.d[order], known.a[order]) > 0
    position = random.integers(1, 11, ROWS)
    looked = random.random(ROWS) < position**-0.3
    grades = np.where(right & looked, DEAL_GRADE, 0)
    found = dated(known, grades, order)
    return replace(found, log=replace(found.log, position=position))


@pytest.fixture(scope="module")
def scorer(known, order, pairs):
    assert (pairs.grade == DEAL_GRADE).sum() >= MIN_DEALS
    table = FeatureTable(known.table.values[order], known.table.names)
    return fit_scorer(known.demands, known.achievements, pairs, table, parameters=replace(PARAMETERS, trees=25))


@pytest.fixture(scope="module")
def rest(known, order):
    return np.setdiff1d(np.arange(len(known.d)), order)[:300]


def test_deals_are_foretold_for_pairs_never_shown(known, scorer, rest):
    scores = scorer.score(known.asked(scorer, rest), known.batch(rest))
    right = known.world.grades(known.d[rest], known.a[rest]) > 0
    assert roc_auc_score(right, scores.expected) > 0.95
    assert scores.deal[right].mean() > scores.deal[~right].mean() + 0.3
    assert scores.deal.min() >= 0
    assert scores.deal.max() <= 1


def test_without_judgements_contacts_tell_what_a_good_match_is(pairs, scorer):
    assert scorer.calibration.base_rate_ == pytest.approx((pairs.grade >= GOOD_GRADE).mean(), abs=1e-6)
    assert scorer.deal_calibration.base_rate_ == pytest.approx((pairs.grade >= DEAL_GRADE).mean(), abs=1e-6)


def test_a_saved_scorer_says_the_same_of_deals(known, scorer, rest, tmp_path):
    scorer.save(tmp_path / "scorer")
    loaded = Scorer.load(tmp_path / "scorer")
    before, after = (one.score(known.asked(one, rest[:50]), known.batch(rest[:50])) for one in (scorer, loaded))
    np.testing.assert_array_equal(after.deal, before.deal)
    np.testing.assert_array_equal(after.expected, before.expected)


def test_without_enough_deals_no_probability_of_one_is_given(known, taught):
    scores = taught.scorer.score(known.asked(taught.scorer, np.arange(5)), known.batch(np.arange(5)))
    assert np.isnan(scores.deal).all()
    assert np.isfinite(scores.probability).all()


def test_a_pair_that_nobody_saw_is_worth_less_and_one_that_was_shown_is_not(known, order, scorer, rest, tmp_path):
    half = IsotonicCalibration()
    half.scores_, half.probabilities_, half.base_rate_ = np.array([0.0, 1.0]), np.array([0.0, 0.5]), 0.25
    exposed = scorer.with_exposure(Exposure(half))
    exposed.save(tmp_path / "scorer")
    for one in some([exposed, Scorer.load(tmp_path / "scorer")]):
        new = one.score(known.asked(one, rest), known.batch(rest))
        plain = scorer.score(known.asked(scorer, rest), known.batch(rest))
        unseen = ~np.isnan(scorer.history.unseen_mass(known.batch(rest)))
        assert unseen.any()
        np.testing.assert_allclose(new.probability[unseen], np.maximum(plain.probability[unseen] / 2, 0.001))
        np.testing.assert_array_equal(new.probability[~unseen], plain.probability[~unseen])
        np.testing.assert_array_equal(new.expected, plain.expected)
        shown = one.score(known.asked(one, order[:40]), known.batch(order[:40]))
        as_shown = scorer.score(known.asked(scorer, order[:40]), known.batch(order[:40]))
        np.testing.assert_array_equal(shown.probability, as_shown.probability)
    assert exposed.average == pytest.approx(scorer.average / 2)
    assert exposed.if_shown(exposed.average) == pytest.approx(scorer.average)
    assert exposed.as_if_shown().average == scorer.average
    assert scorer.with_exposure(None).average == scorer.average


def test_thresholds_mean_the_same_lists_as_before(scorer):
    half = IsotonicCalibration()
    half.scores_, half.probabilities_, half.base_rate_ = np.array([0.0, 1.0]), np.array([0.0, 0.5]), 0.25
    threshold = AnswerThreshold(probability=0.4, target=0.4, risk=0.3, coverage=0.5, demands=40)
    day = replace(scorer.first_day, threshold=threshold)
    exposed = replace(scorer, threshold=threshold, first_day=day).with_exposure(Exposure(half))
    assert exposed.threshold.probability == exposed.without_history().threshold.probability == 0.2
    assert exposed.without_history().exposure.comes is half


@pytest.mark.parametrize(("left", "worth"), [(1.0, 0.2), (0.5, 0.4 / 3), (0.0, 0.001)])
def test_the_more_was_shown_the_less_an_unseen_pair_is_worth(left, worth):
    """Of pairs that are good in 40% if shown a search would come to show half."""
    half = IsotonicCalibration()
    half.scores_, half.probabilities_, half.base_rate_ = np.array([0.0, 1.0]), np.array([0.0, 0.5]), 0.25
    assert Exposure(half).unseen(np.array([0.4]), np.array([left])) == pytest.approx(worth)


def test_a_demand_s_showings_tell_how_much_is_still_unseen(known, order, pairs):
    shown = Showings.counted(np.repeat(pairs.d, 2), np.repeat(pairs.a, 2))
    batch = pairs.batch(known.demands, known.achievements)
    rows, grades = pairs.known_as_of()
    nearness = known.table.select(NEARNESS_COLUMNS)[order]
    often, never = (
        history_of(replace(pairs, showings=found), batch, rows, grades, nearness, 0) for found in (shown, None)
    )
    asked = known.batch(np.arange(len(known.d)))
    told, untold = often.unseen_mass(asked), never.unseen_mass(asked)
    np.testing.assert_array_equal(np.isnan(told), np.isnan(untold))
    assert set(untold[~np.isnan(untold)]) == {1.0}
    assert 0.0 in told  # every pair of a demand that was shown at all was shown twice
