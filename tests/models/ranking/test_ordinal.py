"""The ordinal ranker: what it learns, what it refuses, what it keeps."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import spearmanr

from data.errors import BundleError, InputError
from models.ranking.ordinal import RANKER_FILE, OrdinalRanker
from models.trees.boosting import RankerParameters

SMALL = RankerParameters(trees=60, learning_rate=0.1, min_data_in_leaf=10, feature_fraction=1.0)
NAMES = ("useful", "noise", "gaps")


@pytest.fixture(scope="module")
def world():
    random = np.random.default_rng(0)
    features = random.standard_normal((800, 3)).astype(np.float32)
    features[random.random(800) < 0.3, 2] = np.nan
    truth = features[:, 0] + 0.2 * random.standard_normal(800)
    return features, np.digitize(truth, [-0.5, 0.3, 1.0]).astype(np.int64)


@pytest.fixture(scope="module")
def ranker(world):
    return OrdinalRanker(SMALL).fit(world[0][:600], NAMES, world[1][:600])


def test_a_known_order_is_recovered(world, ranker):
    features, grades = world
    expected = ranker.expected_grade(ranker.predict(features[600:]))
    assert spearmanr(expected, grades[600:]).statistic > 0.85
    assert next(iter(ranker.importance())) == "useful"


def test_probabilities_of_exceeding_never_rise_with_the_grade(world, ranker):
    exceeds = ranker.predict(world[0])
    assert exceeds.shape == (800, 3)
    assert (np.diff(exceeds, axis=1) <= 0).all()
    assert exceeds.min() >= 0
    assert exceeds.max() <= 1


def test_expectation_and_median_by_hand():
    ranker = OrdinalRanker()
    ranker.grades_ = np.array([0, 2, 3])
    exceeds = np.array([[0.9, 0.6], [0.4, 0.1], [0.5, 0.5]])
    np.testing.assert_allclose(ranker.expected_grade(exceeds), [2 * 0.9 + 0.6, 2 * 0.4 + 0.1, 1.5])
    assert ranker.median_grade(exceeds).tolist() == [3, 0, 0]


def test_the_median_errs_least_in_expectation(world, ranker):
    exceeds = ranker.predict(world[0][:50])
    share = -np.diff(np.hstack([np.ones((50, 1)), exceeds, np.zeros((50, 1))]), axis=1)
    error = share @ np.abs(ranker.grades_[:, None] - ranker.grades_[None, :])
    chosen = np.searchsorted(ranker.grades_, ranker.median_grade(exceeds))
    np.testing.assert_allclose(error[np.arange(50), chosen], error.min(axis=1), atol=1e-9)


def test_contributions_add_up_to_the_log_odds(world, ranker):
    features = world[0][:20]
    raw = sum(booster.predict(features, raw_score=True) for booster in ranker.boosters_)
    base = raw - ranker.contributions(features).sum(axis=1)
    np.testing.assert_allclose(base, base[0], atol=1e-6)  # what remains is one constant for all rows


def test_the_same_rows_give_the_same_model(world, ranker):
    again = OrdinalRanker(SMALL).fit(world[0][:600], NAMES, world[1][:600])
    np.testing.assert_array_equal(again.predict(world[0]), ranker.predict(world[0]))


def test_weights_count(world):
    features, grades = world
    weights = np.where(grades == 0, 1e-3, 1.0)
    light = OrdinalRanker(SMALL).fit(features, NAMES, grades, weights)
    plain = OrdinalRanker(SMALL).fit(features, NAMES, grades)
    assert light.predict(features)[:, 0].mean() > plain.predict(features)[:, 0].mean() + 0.1


def test_one_grade_teaches_nothing(world):
    with pytest.raises(InputError, match="at least 2 different grades, all 800 have the same"):
        OrdinalRanker(SMALL).fit(world[0], NAMES, np.ones(800, dtype=np.int64))


def test_a_saved_ranker_gives_identical_scores(world, ranker, tmp_path):
    ranker.save(tmp_path)
    loaded = OrdinalRanker.load(tmp_path)
    assert loaded.feature_names_ == NAMES
    np.testing.assert_array_equal(loaded.grades_, ranker.grades_)
    np.testing.assert_array_equal(loaded.predict(world[0]), ranker.predict(world[0]))


def test_other_feature_names_are_refused(ranker, tmp_path):
    ranker.save(tmp_path)
    state = json.loads((tmp_path / RANKER_FILE).read_text())
    state["feature_names"] = ["noise", "useful", "gaps"]  # the same names in another order score silently wrong
    (tmp_path / RANKER_FILE).write_text(json.dumps(state))
    with pytest.raises(BundleError, match=r"above_0\.txt was trained on other features"):
        OrdinalRanker.load(tmp_path)


def test_a_missing_model_file_is_named(ranker, tmp_path):
    ranker.save(tmp_path)
    (tmp_path / "above_1.txt").unlink()
    with pytest.raises(BundleError, match=r"above_1\.txt is missing"):
        OrdinalRanker.load(tmp_path)


def test_a_monotone_feature_never_lowers_the_grade(world):
    """The rows say that more is worse; a ranker constrained so that more cannot hurt stays flat."""
    features, _ = world
    grades = (features[:, 0] < 0).astype(np.int64)
    free = OrdinalRanker(SMALL).fit(features, NAMES, grades)
    held = OrdinalRanker(SMALL).fit(features, NAMES, grades, monotone={"useful": 1})
    line = np.zeros((50, 3), dtype=np.float32)
    line[:, 0] = np.linspace(-2, 2, 50)
    assert (np.diff(free.predict(line)[:, 0]) < 0).any()
    assert (np.diff(held.predict(line)[:, 0]) >= 0).all()


def test_positions_shift_no_prediction_but_are_remembered(world, tmp_path):
    features, grades = world
    positions = np.random.default_rng(0).integers(1, 11, len(grades))
    seen = (grades > 0) & (np.random.default_rng(1).random(len(grades)) < 1 / positions)
    ranker = OrdinalRanker(SMALL).fit(features, NAMES, seen.astype(np.int64), positions=positions)
    assert ranker.offsets_[0, 1] > ranker.offsets_[0, 10] + 1
    assert ranker.predict(features)[:, 0].mean() == pytest.approx(seen.mean(), rel=0.35)
    ranker.save(tmp_path)
    loaded = OrdinalRanker.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(features), ranker.predict(features))
    np.testing.assert_array_equal(loaded.offsets_, ranker.offsets_)


def test_a_weight_of_zero_leaves_a_row_out_of_one_question_only(world):
    features, grades = world
    weights = np.ones((len(grades), 3))
    weights[grades == 0, 2] = 0.0
    found = OrdinalRanker(SMALL).fit(features, NAMES, grades, weights)
    plain = OrdinalRanker(SMALL).fit(features, NAMES, grades)
    np.testing.assert_array_equal(found.boosters_[0].predict(features), plain.boosters_[0].predict(features))
    assert found.boosters_[2].predict(features).mean() > plain.boosters_[2].predict(features).mean()


def test_above_answers_for_grades_never_seen():
    ranker = OrdinalRanker()
    ranker.grades_ = np.array([1, 3])
    exceeds = np.array([[0.4], [0.2]])
    assert [ranker.above(exceeds, grade).tolist() for grade in range(4)] == [[1, 1], [0.4, 0.2], [0.4, 0.2], [0, 0]]


def test_a_loaded_ranker_answers_and_explains_without_lightgbm(world, ranker, tmp_path):
    ranker.save(tmp_path)
    np.save(tmp_path / "rows.npy", world[0][:9])
    script = (
        "import sys, numpy as np; from pathlib import Path; from models.ranking.ordinal import OrdinalRanker\n"
        f"folder = Path({str(tmp_path)!r}); ranker = OrdinalRanker.load(folder); rows = np.load(folder / 'rows.npy')\n"
        "np.save(folder / 'seen.npy', np.hstack([ranker.predict(rows), ranker.contributions(rows)])); ranker.importance()\n"
        "sys.exit(', '.join({'lightgbm', 'sklearn', 'pandas'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    rows = world[0][:9]
    np.testing.assert_array_equal(
        np.load(tmp_path / "seen.npy"), np.hstack([ranker.predict(rows), ranker.contributions(rows)])
    )


def test_a_damaged_model_file_is_named(ranker, tmp_path):
    ranker.save(tmp_path)
    path = tmp_path / "above_1.txt"
    path.write_text(path.read_text()[:3000])
    with pytest.raises(BundleError, match=r"above_1\.txt is damaged \(no whole LightGBM model\)"):
        OrdinalRanker.load(tmp_path)
