"""Order alone: gradient boosted trees that learn from whole lists (LambdaMART, Burges 2010), by LightGBM."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError, InputError
from models.ranking.position_bias import place_of
from models.trees.boosting import RankerParameters

LABEL_GAINS = (0, 1, 3, 7, 15)  # 2^grade - 1, what NDCG counts
TRUNCATION = 20  # pairs below this place of a list teach nothing
MODEL_FILE = "lambdamart.txt"


class LambdaMartRanker:
    """Numbers that order the rows of one list well; between lists, and as probabilities, they mean nothing.

    Attributes after `fit`: `feature_names_` in the order of the columns, `booster_`.
    """

    feature_names_: tuple[str, ...]
    booster_: lgb.Booster

    def __init__(self, parameters: RankerParameters | None = None, threads: int = 1) -> None:
        self.parameters = parameters or RankerParameters()
        self.threads = threads

    def fit(
        self,
        features: NDArray[np.float32],
        feature_names: Sequence[str],
        grades: NDArray[np.int64],
        lists: NDArray[np.int64],
        weights: NDArray[np.float64] | None = None,
        *,
        positions: NDArray[np.int64] | None = None,
    ) -> Self:
        """Fit on rows grouped into lists.

        Args:
            features: (n, f); NaN is a missing value.
            feature_names: f names in the order of the columns.
            grades: (n,) grades 0-4.
            lists: (n,) number of the list (request, or demand of judgements) that each row belongs to.
            weights: (n,) positive row weights, all 1 if absent.
            positions: (n,) places in the lists from 1, 0 where none; with them what a place alone does is learned apart
                and left out of `predict` (LightGBM's `position`).

        Raises:
            InputError: no list holds two different grades.

        """
        order = np.argsort(lists, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(lists[order]) > 0])
        sorted_ = grades[order]
        if not (np.maximum.reduceat(sorted_, starts) > np.minimum.reduceat(sorted_, starts)).any():
            raise InputError(
                "LambdaMART needs a list with outcomes of two different grades; import judgements or events"
            )
        self.feature_names_ = tuple(feature_names)
        table = lgb.Dataset(
            features[order],
            label=sorted_,
            weight=None if weights is None else weights[order],
            group=np.diff(np.r_[starts, len(order)]),
            position=None if positions is None else place_of(positions)[order],
            feature_name=list(self.feature_names_),
            params={"verbosity": -1, "max_bin": self.parameters.max_bin},
        )
        settings = {
            "objective": "lambdarank",
            "label_gain": list(LABEL_GAINS),
            "lambdarank_truncation_level": TRUNCATION,
            **self.parameters.settings(len(order), self.threads),
        }
        self.booster_ = lgb.train(settings, table, num_boost_round=self.parameters.trees)
        return self

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n,) numbers, higher first, comparable within a list only."""
        return np.asarray(self.booster_.predict(features, num_threads=self.threads), dtype=np.float64)

    def save(self, directory: Path) -> None:
        """Write the LightGBM text model into an existing folder."""
        self.booster_.save_model(str(directory / MODEL_FILE))

    @classmethod
    def load(cls, directory: Path, threads: int = 1) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: the file is missing.

        """
        path = directory / MODEL_FILE
        if not path.is_file():
            raise BundleError(f"ranker file {path} is missing; build the bundle again with `gongxu train`")
        ranker = cls(threads=threads)
        ranker.booster_ = lgb.Booster(model_file=str(path))
        ranker.feature_names_ = tuple(ranker.booster_.feature_name())
        return ranker
