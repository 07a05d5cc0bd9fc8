"""A kind's own ranker: what outcomes of its records say beyond the texts, with probabilities calibrated on shown pairs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.ranking.calibration import IsotonicCalibration

FEATURES = ("prior", "expertise", "same_city", "same_province")
LEAST_PAIRS, LEAST_GOOD, LEAST_DEMANDS = 200, 30, 20  # outcomes of a kind from which a ranker of its own is fitted
FOLDS = 5  # by demand
REGULARISATION = 1.0  # ridge penalty on standardised weights


@dataclass(frozen=True)
class KindRanker:
    """A logistic regression over `FEATURES` and the calibration of its scores.

    `weights` (f,) are those of standardised features; `means` and `scales` (f,) standardise.
    """

    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: float
    calibration: IsotonicCalibration

    def scores(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) log-odds of features (n, f) before what records miss is taken off."""
        return np.asarray((features - self.means) / self.scales @ self.weights + self.intercept, dtype=np.float64)

    def probability(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) probabilities that a shown record is taken up, in [0.001, 0.999], of (n,) final scores."""
        return self.calibration.predict(scores)

    def save(self, directory: Path) -> None:
        """Write the ranker into `directory`, which is created."""
        directory.mkdir(parents=True)
        state = {
            "features": FEATURES,
            "means": self.means.tolist(),
            "scales": self.scales.tolist(),
            "weights": self.weights.tolist(),
            "intercept": self.intercept,
        }
        (directory / "ranker.json").write_text(json.dumps(state), encoding="utf-8")
        self.calibration.save(directory / "calibration.json")

    @classmethod
    def load(cls, directory: Path) -> Self | None:
        """Read what `save` wrote; None if there is nothing or it was fitted on other features."""
        path = directory / "ranker.json"
        if not path.is_file():
            return None
        state = json.loads(path.read_text(encoding="utf-8"))
        if tuple(state["features"]) != FEATURES:
            return None
        means, scales, weights = (np.array(state[name], dtype=np.float64) for name in ("means", "scales", "weights"))
        return cls(means, scales, weights, state["intercept"], IsotonicCalibration.load(directory / "calibration.json"))


def fit_ranker(
    features: NDArray[np.float64], penalty: NDArray[np.float64], good: NDArray[np.bool_], demands: NDArray[np.int64]
) -> KindRanker | None:
    """Return the ranker of a kind, or None where outcomes are too few or it orders new demands no better than texts do.

    Args:
        features: (n, f) `FEATURES` of pairs with an outcome.
        penalty: (n,) what is taken off their scores for what the records miss.
        good: (n,) whether the record was taken up.
        demands: (n,) number of the demand of each pair; folds keep a demand's pairs together.

    """
    enough = len(good) >= LEAST_PAIRS and LEAST_GOOD <= good.sum() <= len(good) - LEAST_GOOD
    if not enough or len(np.unique(demands)) < LEAST_DEMANDS:
        return None
    fold = np.unique(demands, return_inverse=True)[1].ravel() % FOLDS
    unseen = np.zeros(len(good))
    for number in range(FOLDS):
        asked = fold == number
        means, scales, weights, intercept = _logistic(features[~asked], good[~asked])
        unseen[asked] = (features[asked] - means) / scales @ weights + intercept
    unseen -= penalty
    from sklearn.metrics import roc_auc_score

    if roc_auc_score(good, unseen) <= roc_auc_score(good, features[:, 0] + features[:, 1] - penalty):
        return None
    means, scales, weights, intercept = _logistic(features, good)
    return KindRanker(means, scales, weights, intercept, IsotonicCalibration().fit(unseen, good))


def _logistic(
    features: NDArray[np.float64], good: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Return means, scales and weights (f,) and the intercept of a ridge logistic regression."""
    from sklearn.linear_model import LogisticRegression  # here: a server only reads what was fitted
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features)
    fitted = LogisticRegression(C=1.0 / REGULARISATION).fit(scaler.transform(features), good)
    return scaler.mean_, scaler.scale_, fitted.coef_[0], float(fitted.intercept_[0])
