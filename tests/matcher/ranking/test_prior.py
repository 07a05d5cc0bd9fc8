"""What texts add to the order: the same for every demand, nothing where nothing is known, bounded."""

import numpy as np
import pytest

from data.errors import BundleError
from matcher.features.table import FeatureTable
from matcher.ranking.prior import FURTHEST, SPREAD, WEIGHTS, text_prior
from matcher.ranking.scorer import Scorer

NAMES = ("other", *WEIGHTS)


@pytest.mark.parametrize("name", WEIGHTS)
def test_each_deviation_adds_its_weight_up_to_a_bound(name):
    weight, values = WEIGHTS[name], np.zeros((5, len(NAMES)), dtype=np.float32)
    values[:, 0], values[:, NAMES.index(name)] = 9, [0, 1, 3, 1e6, np.nan]
    expected = np.array([0, weight, 3 * weight, FURTHEST * weight, 0])
    np.testing.assert_allclose(text_prior(values, NAMES), expected, rtol=1e-6)
    np.testing.assert_allclose(text_prior(values, NAMES, SPREAD / 4), expected / 4, rtol=1e-6)


def test_a_table_without_the_similarity_is_refused():
    with pytest.raises(BundleError, match="vectors_f_for_demand"):
        text_prior(np.zeros((2, 1), dtype=np.float32), ("other",))


@pytest.mark.parametrize("one_in", [1, 20], ids=["all judged", "few contacts"])
def test_of_pairs_alike_to_the_ranker_the_nearer_text_comes_first(known, one_in):
    """Trees cut into steps; whatever lies on one step is ordered by the texts.

    Where good outcomes are rare, expected grades differ by hundredths, and texts weigh so much less.
    """
    grades = known.world.grades(known.d, known.a)
    scorer: Scorer = known.fit(np.where(np.arange(len(grades)) % one_in == 0, grades, 0), calibrate=True)
    rows = np.flatnonzero(known.d == 0)
    table, pairs = known.asked(scorer, rows), known.batch(rows)
    column = table.names.index("vectors_f_for_demand")
    nearer = table.values.copy()
    nearer[:, column] += 0.01
    plain = scorer.ranker.predict(table.select(scorer.ranker.feature_names_))
    moved = FeatureTable(nearer, table.names)
    same = (scorer.ranker.predict(moved.select(scorer.ranker.feature_names_)) == plain).all(axis=1)
    assert same.any()
    gained = scorer.score(moved, pairs).expected[same] - scorer.score(table, pairs).expected[same]
    spread = scorer.ranker.spread_
    np.testing.assert_allclose(gained, 0.001 * spread / SPREAD, rtol=0.02)
    assert (spread > 0.25) == (one_in == 1)
