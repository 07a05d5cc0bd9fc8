"""Trains one LightGBM booster with the ranker's parameters."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from data.learning import RankerParameters

if TYPE_CHECKING:
    import lightgbm as lgb

# Below this many rows handing work between threads costs more than it saves.
PARALLEL_ROWS = 50_000


def lightgbm_settings(parameters: RankerParameters, rows: int, threads: int) -> dict[str, object]:
    """Return what `lightgbm.train` takes for a table of so many rows."""
    return {
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.num_leaves,
        "min_data_in_leaf": parameters.min_data_in_leaf,
        "feature_fraction": parameters.feature_fraction,
        "bagging_fraction": parameters.bagging_fraction,
        "bagging_freq": 1,
        "max_bin": parameters.max_bin,
        "lambda_l2": parameters.lambda_l2,
        "seed": parameters.seed,
        "num_threads": threads if rows >= PARALLEL_ROWS else 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def train_binary(
    table: "lgb.Dataset",
    rows: int,
    parameters: RankerParameters,
    threads: int,
    more: Mapping[str, object] | None = None,
) -> "lgb.Booster":
    """Return a binary classifier fitted on a labelled dataset of so many rows; `more` adds LightGBM settings."""
    import lightgbm as lgb  # here: a server only reads what was trained

    settings = {"objective": "binary", **lightgbm_settings(parameters, rows, threads), **(more or {})}
    return lgb.train(settings, table, num_boost_round=parameters.trees)
