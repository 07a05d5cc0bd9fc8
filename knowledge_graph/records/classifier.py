"""Industry and field of records that do not say: learned from records that do, calibrated, silent when unsure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from knowledge_graph.taxonomy.fields import UNKNOWN_FIELD

MIN_RECORDS = 200
MIN_PER_CLASS = 8
MAX_TRAINING = 40_000
WANTED_PRECISION = 0.8
"""The threshold is the lowest at which the held-out records above it are right this often."""


@dataclass(frozen=True)
class LinearClassifier:
    """Softmax over linear scores: `weights` float32 (V, C), `bias` (C,), `labels` of the classes.

    `temperature` divides the scores (calibrated on held-out records); below `threshold` it abstains. `precision` and
    `coverage` are what the held-out records above the threshold reached.
    """

    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperature: float
    threshold: float
    precision: float
    coverage: float

    def probabilities(self, terms: NDArray[np.int32], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (C,) calibrated probabilities for one record's terms."""
        scores = weights @ self.weights[terms] + self.bias
        return np.asarray(_softmax(scores[None, :] / self.temperature)[0], dtype=np.float64)

    def classify(self, terms: NDArray[np.int32], weights: NDArray[np.float32]) -> str:
        """Return the most probable label, "" when its probability is below the threshold or no term is known."""
        if not len(terms):
            return ""
        probabilities = self.probabilities(terms, weights)
        best = int(probabilities.argmax())
        return self.labels[best] if probabilities[best] >= self.threshold else ""


@dataclass(frozen=True)
class RecordClassifier:
    """Classifiers of industry division and field; None where too few records said theirs."""

    industry: LinearClassifier | None = None
    field: LinearClassifier | None = None

    def classify(self, terms: NDArray[np.int32], weights: NDArray[np.float32]) -> tuple[str, int]:
        """Return (division code or "", field number or `UNKNOWN_FIELD`)."""
        division = self.industry.classify(terms, weights) if self.industry else ""
        field = self.field.classify(terms, weights) if self.field else ""
        return division, int(field) if field else UNKNOWN_FIELD


def fit_classifier(mentions: sp.csr_array, labels: Sequence[str], *, seed: int = 0) -> LinearClassifier | None:
    """Fit a classifier on the records whose label is not empty; None if there are too few, or only one class.

    `mentions` (records, V) holds the terms' weights. Four fifths of the labelled records train, one fifth calibrates
    the temperature and chooses the threshold.
    """
    from sklearn.linear_model import SGDClassifier

    known, counts = np.unique([label for label in labels if label], return_counts=True)
    classes = {str(label) for label, count in zip(known, counts, strict=True) if count >= MIN_PER_CLASS}
    rows = np.array([row for row, label in enumerate(labels) if label in classes], dtype=np.int64)
    if len(classes) < 2 or len(rows) < MIN_RECORDS:
        return None
    rng = np.random.default_rng(seed)
    rows = rng.permutation(rows)[:MAX_TRAINING]
    held_out, training = rows[: len(rows) // 5], rows[len(rows) // 5 :]
    target = np.array([labels[row] for row in rows])
    model = SGDClassifier(loss="log_loss", alpha=2e-6, max_iter=20, tol=None, random_state=seed, average=True)
    model.fit(mentions[training], target[len(held_out) :])
    coefficients = np.atleast_2d(model.coef_)
    bias = np.atleast_1d(model.intercept_)
    if len(coefficients) == 1:  # two classes share one row
        coefficients, bias = np.vstack([-coefficients[0], coefficients[0]]), np.array([-bias[0], bias[0]])
    names = tuple(str(name) for name in model.classes_)
    scores = mentions[held_out] @ coefficients.T + bias
    truth = np.array([names.index(label) if label in names else -1 for label in target[: len(held_out)]])
    temperature = _temperature(scores, truth)
    probabilities = _softmax(scores / temperature)
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    threshold, precision, coverage = _threshold(sure, right)
    return LinearClassifier(
        names,
        np.ascontiguousarray(coefficients.T, dtype=np.float32),
        bias.astype(np.float32),
        temperature,
        threshold,
        precision,
        coverage,
    )


def _softmax(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float64)


def _temperature(scores: NDArray[np.floating], truth: NDArray[np.integer]) -> float:
    """Return the temperature with the least negative log likelihood on a grid from 0.05 to 20."""
    known = truth >= 0

    def loss(temperature: float) -> float:
        probabilities = _softmax(scores[known] / temperature)
        return float(-np.log(probabilities[np.arange(len(probabilities)), truth[known]].clip(min=1e-12)).mean())

    return min((float(t) for t in np.geomspace(0.05, 20.0, 60)), key=loss)


def _threshold(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return (threshold, precision, coverage): the widest coverage that still reaches `WANTED_PRECISION`."""
    order = np.argsort(-sure, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(precision >= WANTED_PRECISION)
    if not len(good):
        return 1.01, 0.0, 0.0
    last = int(good[-1])
    return float(sure[order[last]]), float(precision[last]), (last + 1) / len(order)
