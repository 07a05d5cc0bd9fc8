"""The bit-wise evaluation of trees gives LightGBM's own sums, to the last bit."""

import lightgbm as lgb
import numpy as np
import pytest

from models.ranking.ordinal import OrdinalRanker, RankerParameters
from models.trees.quickscorer import TreeKernel
from models.trees.text import Trees


def _world(seed, missing):
    random = np.random.default_rng(seed)
    features = random.standard_normal((900, 8)).astype(np.float32)
    features[:, 3] = np.round(features[:, 3])  # ties on thresholds
    features[random.random(features.shape) < missing] = np.nan
    return features, (np.nansum(features, axis=1) + random.standard_normal(900) > 0).astype(np.float32)


def _booster(features, labels, leaves, trees=20, **settings):
    given = {"objective": "binary", "num_leaves": leaves, "min_data_in_leaf": 3, "verbosity": -1, "num_threads": 1}
    return lgb.train(given | settings, lgb.Dataset(features, labels), num_boost_round=trees)


def _kernel(booster):
    return TreeKernel.of(Trees.read(booster.model_to_string()))


@pytest.mark.parametrize("leaves", [2, 15, 16, 31, 64])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_sums_are_lightgbms(leaves, missing):
    features, labels = _world(leaves, missing)
    booster = _booster(features, labels, leaves)
    kernel = _kernel(booster)
    asked = features[:150].copy()
    asked[np.random.default_rng(1).random(asked.shape) < 0.1] = np.nan  # also where training saw no gap
    asked[0], asked[1] = np.inf, -np.inf
    np.testing.assert_array_equal(
        kernel.margins(np.ascontiguousarray(asked.T)), booster.predict(asked, raw_score=True, num_threads=1)
    )


def test_trees_without_a_split_count_too():
    features, labels = _world(0, 0.0)
    booster = _booster(features, labels, 15, trees=3, min_data_in_leaf=800)
    got = _kernel(booster).margins(np.ascontiguousarray(features.T))
    np.testing.assert_array_equal(got, booster.predict(features, raw_score=True))


def test_what_bits_cannot_tell_is_left_to_lightgbm():
    features, labels = _world(0, 0.0)
    assert _kernel(_booster(features, labels, 100)) is None
    assert _kernel(_booster(features, labels, 15, zero_as_missing=True)) is None
    codes = np.abs(np.round(features * 2))
    categorical = lgb.train(
        {"objective": "binary", "verbosity": -1, "min_data_per_group": 5},
        lgb.Dataset(codes, labels, categorical_feature=[0, 1]),
        num_boost_round=3,
    )
    assert _kernel(categorical) is None
    forest = _booster(features, labels, 15, boosting="rf", bagging_freq=1, bagging_fraction=0.5)  # a mean, not a sum
    assert _kernel(forest) is None
    assert _kernel(_booster(features, labels, 15, sigmoid=2.0)) is None
    assert _kernel(_booster(features, labels, 15, linear_tree=True)) is None


def test_a_ranker_whose_trees_are_too_wide_still_answers():
    features, _ = _world(0, 0.1)
    grades = np.digitize(np.nan_to_num(features[:, 0]), [-0.5, 0.5]).astype(np.int64)
    wide = OrdinalRanker(RankerParameters(trees=5, num_leaves=100, min_data_in_leaf=2, feature_fraction=1.0))
    wide.fit(features, [f"f{i}" for i in range(8)], grades)
    raw = [booster.predict(features) for booster in wide.boosters_]
    np.testing.assert_allclose(wide.predict(features), np.minimum.accumulate(np.stack(raw, axis=1), axis=1))
