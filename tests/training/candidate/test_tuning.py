"""Search of parameters: within its time, never worse than the defaults, going on where it stopped."""

from dataclasses import replace

import numpy as np
import optuna
import pytest

from data.errors import InputError
from data.learning import TuningRanges
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.fit import Examples
from models.ranking.ordinal import RankerParameters
from training.candidate.tuning import SEARCHED, tune

N = 240
NAMES = ("useful", "noise", "more_noise")


@pytest.fixture(scope="module")
def examples():
    random = np.random.default_rng(0)
    features = random.standard_normal((N, 3)).astype(np.float32)
    grade = np.digitize(features[:, 0] + 0.3 * random.standard_normal(N), [0.0, 1.0]).astype(np.int64)
    rows = np.arange(N)
    return Examples(GradedPairs(rows % 30, rows, grade, np.ones(N)), np.vstack([features, features]), NAMES)


GROUP = np.arange(N) % 30


def trials(path):
    storage = f"sqlite:///{path}"
    return [optuna.load_study(study_name=name, storage=storage).trials for name in optuna.get_all_study_names(storage)]


@pytest.fixture(scope="module")
def sitting(examples, tmp_path_factory):
    path = tmp_path_factory.mktemp("tuning") / "tuning.db"
    return path, tune(examples, GROUP, 0.03, path)


def test_the_defaults_come_first_and_the_result_is_no_worse(sitting):
    path, tuned = sitting
    (found,) = trials(path)
    defaults = RankerParameters()
    assert {name: found[0].params[name] for name in found[0].params} == pytest.approx(
        {name: getattr(defaults, name) for name in found[0].params}
    )
    assert tuned.default_loss == found[0].value
    assert tuned.loss <= tuned.default_loss
    assert tuned.trials == len(found)
    done = [trial for trial in found if trial.value is not None]
    assert all(trial.params["trees"] * trial.params["num_leaves"] <= TuningRanges().leaves_in_all for trial in done)


def test_a_second_sitting_goes_on_and_other_data_begin_anew(sitting, examples):
    path, first = sitting
    again = tune(examples, GROUP, 1e-6, path)
    assert again.trials == first.trials + 1
    assert again.loss <= first.loss
    assert again.default_loss == first.default_loss
    turned = replace(examples, pairs=replace(examples.pairs, grade=2 - examples.pairs.grade))
    assert tune(turned, GROUP, 1e-6, path).trials == 1
    assert len(trials(path)) == 2


def test_a_budget_and_enough_demands_are_needed(examples, tmp_path):
    with pytest.raises(InputError, match="--tune is 0 minutes; it must be above 0"):
        tune(examples, GROUP, 0.0, tmp_path / "t.db")
    with pytest.raises(InputError, match="at least 3 demands, there are 2"):
        tune(examples, GROUP % 2, 1.0, tmp_path / "t.db")


def test_the_ranges_of_the_settings_bound_the_search_and_hold_the_defaults(examples, tmp_path):
    ranges = TuningRanges(trees=(4, 9), num_leaves=(2, 3), lambda_l2=(200.0, 300.0), folds=2)
    path = tmp_path / "tuning.db"
    tuned = tune(examples, GROUP, 0.02, path, ranges=ranges)
    (found,) = trials(path)
    defaults = RankerParameters()
    assert found[0].params == {name: getattr(defaults, name) for name in SEARCHED}
    assert tuned.loss <= tuned.default_loss
    assert len(found[0].intermediate_values) == 2
    bounds = found[0].distributions
    assert (bounds["trees"].low, bounds["trees"].high) == (4, defaults.trees)
    assert (bounds["num_leaves"].low, bounds["num_leaves"].high) == (2, defaults.num_leaves)
    assert (bounds["lambda_l2"].low, bounds["lambda_l2"].high) == (defaults.lambda_l2, 300.0)
    assert tune(examples, GROUP, 1e-6, path).trials == 1  # other ranges are another study
