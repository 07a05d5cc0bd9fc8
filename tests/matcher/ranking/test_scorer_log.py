"""The scorer on a log of shown lists: order, probabilities of a good match and of a deal, saved and read again."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from matcher.features.table import FeatureTable
from matcher.learning.fit import MIN_DEALS, fit_scorer
from matcher.ranking.scorer import DEAL_GRADE, GOOD_GRADE, Scorer
from tests.matcher.conftest import PARAMETERS
from tests.matcher.learning.test_out_of_fold import dated

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
