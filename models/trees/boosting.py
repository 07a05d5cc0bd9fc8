"""LightGBM's parameters, and one booster trained with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import lightgbm as lgb

# Below this many rows handing work between threads costs more than it saves.
PARALLEL_ROWS = 50_000


@dataclass(frozen=True)
class RankerParameters:
    """LightGBM's parameters under their own names; `trees` are grown per grade.

    `correct_positions` tells whether what a place in a list does to outcomes is learned apart and left out.
    """

    trees: int = 150
    learning_rate: float = 0.03
    num_leaves: int = 15
    min_data_in_leaf: int = 30
    feature_fraction: float = 0.25
    bagging_fraction: float = 0.7
    max_bin: int = 63
    lambda_l2: float = 10.0
    seed: int = 0
    correct_positions: bool = True

    def settings(self, rows: int, threads: int) -> dict[str, object]:
        """Return what `lightgbm.train` takes for a table of so many rows."""
        return {
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_data_in_leaf,
            "feature_fraction": self.feature_fraction,
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": 1,
            "max_bin": self.max_bin,
            "lambda_l2": self.lambda_l2,
            "seed": self.seed,
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

    settings = {"objective": "binary", **parameters.settings(rows, threads), **(more or {})}
    return lgb.train(settings, table, num_boost_round=parameters.trees)
