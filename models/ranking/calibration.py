"""From scores to levels and probabilities that mean the same for every demand."""

import json
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError

_FURTHEST = 1e9  # scores are far nearer to zero


class LevelCutpoints:
    """Ordered cut points that turn a score into a level with the least mean absolute error on the fitted rows.

    Attributes after `fit`: `levels_` (g,) the levels seen, ascending; `cutpoints_` (g - 1,) ascending; a score above
    `cutpoints_[i]` has at least level `levels_[i + 1]`.
    """

    levels_: NDArray[np.int64]
    cutpoints_: NDArray[np.float64]

    def fit(self, scores: NDArray[np.float64], levels: NDArray[np.int64]) -> Self:
        """Find the best cut points exactly, by dynamic programming over the sorted scores.

        Args:
            scores: (n,) any real numbers, higher meaning better.
            levels: (n,) judged levels.

        Raises:
            InputError: there are no rows.

        """
        if not len(scores):
            raise InputError("cannot fit level cut points on 0 judgements; at least 1 is needed")
        values, tie = np.unique(scores, return_inverse=True)
        self.levels_ = np.unique(levels)
        # cost[g, v]: error of calling all rows of the v-th score value level g
        error = np.abs(levels[None, :] - self.levels_[:, None]).astype(np.float64)
        cost = np.array([np.bincount(tie, weights=row, minlength=len(values)) for row in error])
        prefix = np.hstack([np.zeros((len(self.levels_), 1)), np.cumsum(cost, axis=1)])
        # best[v]: least error of the first v values if the last of them has at most the current level; the value before
        # which the current level starts is kept to walk back
        best, starts = prefix[0], []
        for row in prefix[1:]:
            open_ = best - row
            start = np.maximum.accumulate(np.where(open_ <= np.minimum.accumulate(open_), np.arange(len(row)), 0))
            starts.append(start)
            best = row + open_[start]
        cuts, end = [], len(values)
        for start in reversed(starts):
            end = int(start[end])
            cuts.append(_between(values, end))
        self.cutpoints_ = np.array(cuts[::-1], dtype=np.float64)
        return self

    def predict(self, scores: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (n,) levels for (n,) scores."""
        return np.asarray(self.levels_[np.searchsorted(self.cutpoints_, scores, side="left")], dtype=np.int64)

    def save(self, path: Path) -> None:
        """Write levels and cut points as JSON."""
        bounded = np.clip(self.cutpoints_, -_FURTHEST, _FURTHEST)  # JSON knows no infinity
        state = {"levels": self.levels_.tolist(), "cutpoints": bounded.tolist()}
        path.write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        state = json.loads(path.read_text(encoding="utf-8"))
        model = cls()
        model.levels_ = np.array(state["levels"], dtype=np.int64)
        model.cutpoints_ = np.array(state["cutpoints"], dtype=np.float64)
        return model


def _between(values: NDArray[np.float64], position: int) -> float:
    """Return a cut below `values[position]` and above the value before it."""
    if position == 0:
        return -np.inf
    if position == len(values):
        return np.inf
    below, above = float(values[position - 1]), float(values[position])
    middle = below + (above - below) / 2.0
    return middle if middle < above else below  # between neighbouring floats there is no middle


class IsotonicCalibration:
    """A score's probability of being relevant, by centred isotonic regression (Oron & Flournoy 2017), within (0, 1).

    Isotonic regression gives steps; a line through the steps' centres keeps different scores apart.

    Attributes after `fit`: `scores_` and `probabilities_` (k,) the ascending corner points; `base_rate_` the share of
    relevant rows.
    """

    scores_: NDArray[np.float64]
    probabilities_: NDArray[np.float64]
    base_rate_: float

    def fit(
        self,
        scores: NDArray[np.float64],
        relevant: NDArray[np.bool_] | NDArray[np.float64],
        weights: NDArray[np.float64] | None = None,
    ) -> Self:
        """Fit on (n,) out-of-fold scores, outcomes or how likely they are relevant, and positive weights (1 if absent).

        One irrelevant and one relevant row of weight 1 are added as prior.
        """
        from sklearn.isotonic import IsotonicRegression  # here: a server only reads what was fitted

        weight = np.ones(len(scores)) if weights is None else weights
        padded = np.r_[scores.min(), scores, scores.max()] if len(scores) else np.zeros(2)
        outcome = np.r_[0.0, relevant.astype(np.float64), 1.0]
        weight = np.r_[1.0, weight, 1.0]
        model = IsotonicRegression(y_min=1e-3, y_max=1 - 1e-3, out_of_bounds="clip").fit(padded, outcome, weight)
        self.probabilities_, step = np.unique(model.predict(padded), return_inverse=True)
        self.scores_ = np.bincount(step, weights=padded * weight) / np.bincount(step, weights=weight)
        self.base_rate_ = float(np.average(relevant, weights=weight[1:-1])) if len(relevant) else 0.0
        return self

    def predict(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) probabilities in [0.001, 0.999] for (n,) scores."""
        return np.asarray(np.interp(scores, self.scores_, self.probabilities_), dtype=np.float64)

    def save(self, path: Path) -> None:
        """Write the corner points as JSON."""
        state = {
            "scores": self.scores_.tolist(),
            "probabilities": self.probabilities_.tolist(),
            "base_rate": self.base_rate_,
        }
        path.write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        state = json.loads(path.read_text(encoding="utf-8"))
        model = cls()
        model.scores_ = np.array(state["scores"], dtype=np.float64)
        model.probabilities_ = np.array(state["probabilities"], dtype=np.float64)
        model.base_rate_ = float(state["base_rate"])
        return model
