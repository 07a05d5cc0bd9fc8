"""The ranker: how likely a pair reaches each grade, by one LightGBM classifier per grade above the lowest."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError, InputError
from models.tree_kernel import TreeKernel

RANKER_FILE = "ranker.json"
# Below this many rows handing work between threads costs more than it saves.
PARALLEL_ROWS = 50_000


@dataclass(frozen=True)
class RankerParameters:
    """LightGBM's parameters under their own names; `trees` are grown per grade."""

    trees: int = 150
    learning_rate: float = 0.03
    num_leaves: int = 15
    min_data_in_leaf: int = 30
    feature_fraction: float = 0.25
    bagging_fraction: float = 0.7
    max_bin: int = 63
    lambda_l2: float = 10.0
    seed: int = 0


class OrdinalRanker:
    """Ordinal regression by cumulative binaries (Frank & Hall 2001): P(grade > g) for each grade g but the highest.

    Attributes after `fit`: `feature_names_` in the order of the columns; `grades_` (g,) ascending; `boosters_` one per
    grade above the lowest.
    """

    feature_names_: tuple[str, ...]
    grades_: NDArray[np.int64]
    boosters_: list[lgb.Booster]

    def __init__(self, parameters: RankerParameters | None = None, threads: int = 1) -> None:
        self.parameters = parameters or RankerParameters()
        self.threads = threads
        self._kernels: list[TreeKernel | None] | None = None  # of the boosters, made when first asked

    def fit(
        self,
        features: NDArray[np.float32],
        feature_names: Sequence[str],
        grades: NDArray[np.int64],
        weights: NDArray[np.float64] | None = None,
    ) -> Self:
        """Fit one binary classifier per grade above the lowest.

        Args:
            features: (n, f); NaN is a missing value.
            feature_names: f names in the order of the columns.
            grades: (n,) non-negative grades.
            weights: (n,) positive row weights, all 1 if absent.

        Raises:
            InputError: fewer than two different grades.

        """
        self.grades_ = np.unique(grades)
        if len(self.grades_) < 2:
            raise InputError(
                f"the ranker needs outcomes of at least 2 different grades, all {len(grades)} have the same; "
                "import judgements or events"
            )
        self.feature_names_ = tuple(feature_names)
        settings = {
            "objective": "binary",
            "learning_rate": self.parameters.learning_rate,
            "num_leaves": self.parameters.num_leaves,
            "min_data_in_leaf": self.parameters.min_data_in_leaf,
            "feature_fraction": self.parameters.feature_fraction,
            "bagging_fraction": self.parameters.bagging_fraction,
            "bagging_freq": 1,
            "max_bin": self.parameters.max_bin,
            "lambda_l2": self.parameters.lambda_l2,
            "seed": self.parameters.seed,
            "num_threads": self.threads if len(features) >= PARALLEL_ROWS else 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        table = lgb.Dataset(
            features,
            weight=weights,
            feature_name=list(self.feature_names_),
            free_raw_data=False,
            params={"verbosity": -1, "max_bin": self.parameters.max_bin},
        )
        self.boosters_, self._kernels = [], None
        for grade in self.grades_[:-1]:
            table.set_label((grades > grade).astype(np.float32))
            self.boosters_.append(lgb.train(settings, table, num_boost_round=self.parameters.trees))
        return self

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n, g - 1) probabilities of exceeding each grade but the highest, non-increasing along a row."""
        if self._kernels is None:
            self._kernels = [TreeKernel.of(booster) for booster in self.boosters_]
        columns = np.ascontiguousarray(features.T)
        exceeds = [
            1.0 / (1.0 + np.exp(-kernel.margins(columns)))
            if kernel is not None
            else np.asarray(booster.predict(features, num_threads=self.threads), dtype=np.float64)
            for kernel, booster in zip(self._kernels, self.boosters_, strict=True)
        ]
        return np.minimum.accumulate(np.stack(exceeds, axis=1), axis=1)

    def expected_grade(self, exceeds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) expectation of the grade from what `predict` returned: the order to recommend in."""
        return float(self.grades_[0]) + exceeds @ np.diff(self.grades_).astype(np.float64)

    def median_grade(self, exceeds: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (n,) posterior median of the grade, the estimate of least expected absolute error."""
        return np.asarray(self.grades_[(exceeds > 0.5).sum(axis=1)], dtype=np.int64)

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n, f) contributions to the log-odds, summed over the grades (TreeSHAP, Lundberg et al. 2020)."""
        parts = [
            np.asarray(booster.predict(features, pred_contrib=True, num_threads=self.threads))[:, :-1]
            for booster in self.boosters_
        ]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float64)

    def importance(self) -> dict[str, float]:
        """Return each feature's total gain over all grades, largest first."""
        gain = np.sum([booster.feature_importance("gain") for booster in self.boosters_], axis=0)
        return {self.feature_names_[i]: float(gain[i]) for i in np.argsort(-gain)}

    def save(self, directory: Path) -> None:
        """Write LightGBM text models and `ranker.json` (names, grades) into an existing folder."""
        for grade, booster in zip(self.grades_[:-1], self.boosters_, strict=True):
            booster.save_model(str(directory / f"above_{grade}.txt"))
        state = {"feature_names": self.feature_names_, "grades": self.grades_.tolist()}
        (directory / RANKER_FILE).write_text(json.dumps(state, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, threads: int = 1) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: a model file is missing or names other features than `ranker.json`.

        """
        state = json.loads((directory / RANKER_FILE).read_text(encoding="utf-8"))
        ranker = cls(threads=threads)
        ranker.feature_names_ = tuple(state["feature_names"])
        ranker.grades_ = np.array(state["grades"], dtype=np.int64)
        ranker.boosters_ = []
        for grade in ranker.grades_[:-1]:
            path = directory / f"above_{grade}.txt"
            if not path.is_file():
                raise BundleError(f"ranker file {path} is missing; build the bundle again with `gongxu train`")
            booster = lgb.Booster(model_file=str(path))
            if tuple(booster.feature_name()) != ranker.feature_names_:
                raise BundleError(f"ranker file {path} was trained on other features than {RANKER_FILE} names")
            ranker.boosters_.append(booster)
        return ranker
