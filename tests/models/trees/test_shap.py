"""Contributions by quadrature are LightGBM's own `pred_contrib`."""

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ranking.ordinal import OrdinalRanker, RankerParameters
from models.trees.shap import TreeContributions
from models.trees.text import Trees

worlds = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**16),
        "width": st.integers(1, 6),  # few features recur on a path
        "num_leaves": st.sampled_from([2, 3, 8, 15, 40, 90]),
        "min_data_in_leaf": st.sampled_from([2, 5, 40, 150]),  # of 300 rows: down to trees without a split
        "gaps": st.sampled_from([0.0, 0.3]),
        "direction": st.sampled_from([0, 1, -1]),
        "weighted": st.booleans(),
        "skewed": st.booleans(),
        "bagging_fraction": st.sampled_from([1.0, 0.5]),
    }
)


def _booster(world):
    random = np.random.default_rng(world["seed"])
    features = random.standard_normal((300, world["width"])).astype(np.float32)
    features[:, 0] = np.round(4 * features[:, 0]) / 4  # ties on thresholds
    features[random.random(features.shape) < world["gaps"]] = np.nan
    labels = (np.nansum(features, axis=1) + random.standard_normal(300) > np.nanmedian(features)).astype(np.float32)
    if world["skewed"]:  # steps of a stair, finer and finer: chains of splits, unbalanced and deep trees
        labels = np.floor(3 * np.exp(np.nan_to_num(features[:, -1]))).astype(np.float32) % 2
    given = {name: world[name] for name in ("num_leaves", "min_data_in_leaf", "bagging_fraction")}
    given |= {"objective": "binary", "verbosity": -1, "num_threads": 1, "bagging_freq": 1, "learning_rate": 0.3}
    given |= {"monotone_constraints": [world["direction"]] * world["width"]}
    table = lgb.Dataset(features, labels, weight=random.uniform(0.5, 2.0, 300) if world["weighted"] else None)
    asked = np.vstack([features[:12], random.standard_normal((9, world["width"])).astype(np.float32)])
    asked[random.random(asked.shape) < 0.2] = np.nan  # also where training saw no gap
    asked[-1] = np.inf
    return lgb.train(given, table, num_boost_round=6), asked


@settings(max_examples=60, deadline=None)
@given(worlds)
def test_contributions_are_lightgbms(world):
    booster, asked = _booster(world)
    found = np.zeros(asked.shape)
    TreeContributions.of(Trees.read(booster.model_to_string())).add(asked, found)
    wanted = booster.predict(asked, pred_contrib=True, num_threads=1)
    np.testing.assert_allclose(found, wanted[:, :-1], rtol=1e-9, atol=1e-9)


def test_a_row_alone_and_many_rows_get_what_each_gets():
    booster, asked = _booster(
        {"seed": 3, "width": 5, "num_leaves": 15, "min_data_in_leaf": 3, "gaps": 0.3, "direction": 0}
        | {"weighted": True, "skewed": False, "bagging_fraction": 1.0}
    )
    contributions = TreeContributions.of(Trees.read(booster.model_to_string()))
    together, apart = np.zeros(asked.shape), np.zeros(asked.shape)
    contributions.add(asked, together)
    for row in range(len(asked)):
        contributions.add(asked[row : row + 1], apart[row : row + 1])
    np.testing.assert_allclose(together, apart, rtol=1e-12, atol=1e-14)


def test_what_arrays_cannot_tell_is_left_to_lightgbm():
    random = np.random.default_rng(0)
    codes = random.integers(0, 9, (300, 2)).astype(np.float32)
    table = lgb.Dataset(codes, codes[:, 0] % 2, categorical_feature=[0])
    model = lgb.train({"objective": "binary", "verbosity": -1, "min_data_per_group": 5}, table, num_boost_round=2)
    assert TreeContributions.of(Trees.read(model.model_to_string())) is None
    text = _text()
    assert TreeContributions.of(Trees.read(text)) is not None
    count = next(line for line in text.splitlines() if line.startswith("leaf_count="))
    unreached = count.replace(count.split("=")[1].split()[0], "0", 1)  # LightGBM would divide by it
    assert TreeContributions.of(Trees.read(text.replace(count, unreached, 1))) is None


@pytest.mark.parametrize("leaves", [15, 100])
def test_a_ranker_explains_as_its_boosters_do(leaves):
    random = np.random.default_rng(1)
    features = random.standard_normal((600, 4)).astype(np.float32)
    grades = np.digitize(features[:, 0] + random.standard_normal(600), [-0.5, 0.5]).astype(np.int64)
    parameters = RankerParameters(trees=5, num_leaves=leaves, min_data_in_leaf=2, feature_fraction=1.0)
    ranker = OrdinalRanker(parameters).fit(features, ["a", "b", "c", "d"], grades)
    wanted = sum(booster.predict(features[:20], pred_contrib=True)[:, :-1] for booster in ranker.boosters_)
    np.testing.assert_allclose(ranker.contributions(features[:20]), wanted, atol=1e-9)


def _text():
    random = np.random.default_rng(0)
    features = random.standard_normal((300, 3)).astype(np.float32)
    table = lgb.Dataset(features, features[:, 0] > 0)
    return lgb.train({"objective": "binary", "verbosity": -1}, table, num_boost_round=2).model_to_string()


def test_a_text_that_lacks_something_is_refused():
    text = _text()
    with pytest.raises(ValueError, match="no whole LightGBM model"):
        Trees.read(text[: len(text) // 3])
    with pytest.raises(ValueError, match=r"leaf_value has \d+ values instead of \d+"):
        Trees.read(text.replace("leaf_value=", "leaf_valves=", 1))
    with pytest.raises(ValueError, match="could not convert string to float"):
        Trees.read(text.replace("threshold=", "threshold=x", 1))
