"""The ranker: how likely a pair reaches each grade, by one LightGBM classifier per grade above the lowest."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError, InputError
from data.learning import RankerParameters
from models.ranking.position_bias import MIN_POSITIVES, PLACES, place_of, place_offsets
from models.trees.boosting import train_binary
from models.trees.quickscorer import TreeKernel
from models.trees.shap import TreeContributions
from models.trees.text import Trees

if TYPE_CHECKING:
    import lightgbm as lgb

__all__ = ["RANKER_FILE", "OrdinalRanker", "RankerParameters"]

RANKER_FILE = "ranker.json"
SPREAD_ROWS = 20_000  # that tell the deviation of expected grades


class OrdinalRanker:
    """Ordinal regression by cumulative binaries (Frank & Hall 2001): P(grade > g) for each grade g but the highest.

    Fitting takes LightGBM; a fitted model is its text, read into arrays. LightGBM is imported to predict only where the
    arrays cannot tell what the text says, see `TreeKernel.of`.

    Attributes after `fit`: `feature_names_` in the order of the columns; `grades_` (g,) ascending; `models_` LightGBM's
    texts, one per grade above the lowest; `offsets_` (g - 1, PLACES) log-odds that each place in a list was found to add;
    `spread_` standard deviation of expected grades: of the rows that it was fitted on, unless somebody who asked rankers
    about rows that they had not seen sets it to that of those.
    """

    feature_names_: tuple[str, ...]
    grades_: NDArray[np.int64]
    models_: list[str]
    offsets_: NDArray[np.float64]
    spread_: float

    def __init__(self, parameters: RankerParameters | None = None, threads: int = 1) -> None:
        self.parameters = parameters or RankerParameters()
        self.threads = threads
        self._take([])

    def fit(
        self,
        features: NDArray[np.float32],
        feature_names: Sequence[str],
        grades: NDArray[np.int64],
        weights: NDArray[np.float64] | None = None,
        *,
        positions: NDArray[np.int64] | None = None,
        monotone: Mapping[str, int] | None = None,
    ) -> Self:
        """Fit one binary classifier per grade above the lowest.

        With positions, what a row's place in the list alone does to its outcome is taken out: it enters training as a
        fixed offset of the log-odds (`models.position_bias`) and is left out in prediction, which is as if every row was
        where the average training row was.

        Args:
            features: (n, f); NaN is a missing value.
            feature_names: f names in the order of the columns.
            grades: (n,) non-negative grades.
            weights: (n,) positive row weights, or (n, k) with a column for exceeding each of the grades 0 to k - 1, where
                0 leaves a row out; all 1 if absent.
            positions: (n,) places in the lists that showed the rows, from 1; 0 where none did.
            monotone: of some features, 1 where more must not lower the grade and -1 where more must not raise it.

        Raises:
            InputError: fewer than two different grades.

        """
        self.grades_ = np.unique(grades)
        if len(self.grades_) < 2:
            raise InputError(
                f"the ranker needs outcomes of at least 2 different grades, all {len(grades)} have the same; "
                "import judgements or events"
            )
        import lightgbm as lgb

        self.feature_names_ = tuple(feature_names)
        table = lgb.Dataset(
            features,
            feature_name=list(self.feature_names_),
            free_raw_data=False,
            params={"verbosity": -1, "max_bin": self.parameters.max_bin},
        )
        directions = [(monotone or {}).get(name, 0) for name in self.feature_names_]
        more = {"monotone_constraints": directions} if any(directions) else {}
        corrected = positions is not None and positions.any() and self.parameters.correct_positions
        places = place_of(positions) if positions is not None and corrected else None
        models, self.offsets_ = [], np.zeros((len(self.grades_) - 1, PLACES))
        for number, grade in enumerate(self.grades_[:-1]):
            exceeds = grades > grade
            weight = _weights_above(weights, int(grade), len(grades))
            table.set_label(exceeds.astype(np.float32))
            table.set_weight(weight)
            base = 0.0
            if places is not None:
                if number == 0 or exceeds[weight > 0].sum() >= MIN_POSITIVES:
                    offsets = place_offsets(features, exceeds, places, weight, self.parameters, self.threads)
                    offsets -= np.average(offsets[places], weights=weight)
                self.offsets_[number] = offsets
                share = np.clip(np.average(exceeds, weights=weight), 1e-6, 1 - 1e-6)
                base = float(np.log(share / (1.0 - share)))
                table.set_init_score(base + offsets[places])
            booster = train_binary(table, len(grades), self.parameters, self.threads, more)
            model = _raised(booster, base).model_to_string()
            models.append((model, Trees.read(model)))
        self._take(models)
        some = features[:: max(1, len(features) // SPREAD_ROWS)]
        self.spread_ = float(self.expected_grade(self.predict(some)).std())
        return self

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n, g - 1) probabilities of exceeding each grade but the highest, non-increasing along a row."""
        columns = np.ascontiguousarray(features.T)
        exceeds = [
            1.0 / (1.0 + np.exp(-kernel.margins(columns)))
            if kernel is not None
            else np.asarray(self.boosters_[number].predict(features, num_threads=self.threads), dtype=np.float64)
            for number, kernel in enumerate(self._kernels)
        ]
        return np.minimum.accumulate(np.stack(exceeds, axis=1), axis=1)

    def expected_grade(self, exceeds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) expectation of the grade from what `predict` returned: the order to recommend in."""
        return float(self.grades_[0]) + exceeds @ np.diff(self.grades_).astype(np.float64)

    def above(self, exceeds: NDArray[np.float64], grade: int) -> NDArray[np.float64]:
        """Return (n,) probabilities of exceeding `grade` from what `predict` returned, also of a grade never seen."""
        column = int(np.searchsorted(self.grades_, grade, side="right")) - 1
        if column < 0:
            return np.ones(len(exceeds))
        return exceeds[:, column] if column < exceeds.shape[1] else np.zeros(len(exceeds))

    def median_grade(self, exceeds: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (n,) posterior median of the grade, the estimate of least expected absolute error."""
        return np.asarray(self.grades_[(exceeds > 0.5).sum(axis=1)], dtype=np.int64)

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n, f) contributions to the log-odds, summed over the grades (TreeSHAP, Lundberg et al. 2020)."""
        total = np.zeros(features.shape, dtype=np.float64)
        for number, contributions in enumerate(self._contributions):
            if contributions is not None:
                contributions.add(features, total)
            else:
                booster = self.boosters_[number]
                total += np.asarray(booster.predict(features, pred_contrib=True, num_threads=self.threads))[:, :-1]
        return total

    def importance(self) -> dict[str, float]:
        """Return each feature's total gain over all grades, largest first."""
        gain = np.sum([trees.gain() for trees in self._trees], axis=0)
        return {self.feature_names_[i]: float(gain[i]) for i in np.argsort(-gain)}

    def save(self, directory: Path) -> None:
        """Write LightGBM text models and `ranker.json` (names, grades) into an existing folder."""
        for grade, model in zip(self.grades_[:-1], self.models_, strict=True):
            (directory / f"above_{grade}.txt").write_text(model, encoding="utf-8")
        state = {
            "feature_names": self.feature_names_,
            "grades": self.grades_.tolist(),
            "offsets": self.offsets_.tolist(),
            "spread": self.spread_,
        }
        (directory / RANKER_FILE).write_text(json.dumps(state, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, threads: int = 1) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: a model file is missing, damaged, or names other features than `ranker.json`.

        """
        state = json.loads((directory / RANKER_FILE).read_text(encoding="utf-8"))
        ranker = cls(threads=threads)
        ranker.feature_names_ = tuple(state["feature_names"])
        ranker.grades_ = np.array(state["grades"], dtype=np.int64)
        ranker.offsets_ = np.array(state["offsets"], dtype=np.float64)
        ranker.spread_ = float(state["spread"])
        models = []
        for grade in ranker.grades_[:-1]:
            path = directory / f"above_{grade}.txt"
            if not path.is_file():
                raise BundleError(f"ranker file {path} is missing; build the bundle again with `gongxu train`")
            model = path.read_text(encoding="utf-8", errors="replace")
            try:
                trees = Trees.read(model)
            except ValueError as error:
                raise BundleError(
                    f"ranker file {path} is damaged ({error}); train again with `gongxu train`"
                ) from error
            if trees.feature_names != ranker.feature_names_:
                raise BundleError(f"ranker file {path} was trained on other features than {RANKER_FILE} names")
            models.append((model, trees))
        ranker._take(models)
        return ranker

    @cached_property
    def boosters_(self) -> list["lgb.Booster"]:
        """The models as LightGBM has them, one per grade above the lowest; asking for them imports it."""
        import lightgbm as lgb

        return [lgb.Booster(model_str=model) for model in self.models_]

    def _take(self, models: Sequence[tuple[str, Trees]]) -> None:
        self.models_ = [model for model, _ in models]
        self._trees = [trees for _, trees in models]
        self._kernels = [TreeKernel.of(trees) for trees in self._trees]
        self._contributions = [TreeContributions.of(trees) for trees in self._trees]
        self.__dict__.pop("boosters_", None)  # of the models there were


def _weights_above(weights: NDArray[np.float64] | None, grade: int, n: int) -> NDArray[np.float64]:
    """Return (n,) row weights for the question whether a row exceeds `grade`."""
    if weights is None:
        return np.ones(n)
    return weights if weights.ndim == 1 else np.ascontiguousarray(weights[:, min(grade, weights.shape[1] - 1)])


def _raised(booster: "lgb.Booster", base: float) -> "lgb.Booster":
    """Return the booster with `base` added to its margin: to the leaves of its first tree, as LightGBM itself does."""
    if base and booster.num_trees():
        leaves = booster.dump_model(num_iteration=1)["tree_info"][0]["num_leaves"]
        for leaf in range(leaves):
            booster.set_leaf_output(0, leaf, booster.get_leaf_output(0, leaf) + base)
    return booster
