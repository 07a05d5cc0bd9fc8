"""Kernel ridge regression over pairs of texts: similar demands with similar achievements have similar outcomes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class PairInputs:
    """n pairs: vectors of both sides whose inner products are kernels, features of the pair, number of the demand.

    `demand` (n, k) and `achievement` (n, l) float32; `features` (n, f) float32, finite; `group` (n,) int64, -1 for a
    demand without outcomes so far.
    """

    demand: FloatArray
    achievement: FloatArray
    features: FloatArray
    group: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> "PairInputs":
        """Return the given pairs, in that order."""
        return PairInputs(self.demand[rows], self.achievement[rows], self.features[rows], self.group[rows])


@dataclass(frozen=True)
class PairKernelParameters:
    """Sharpness of the radial kernels, weights of the kernel's parts, and ridge."""

    text_sharpness: float = 3.0
    feature_sharpness: float = 0.2
    both: float = 5.0
    achievement: float = 0.3
    demand: float = 0.3
    constant: float = 0.1
    same_demand: float = 0.5
    same_demand_achievement: float = 1.5
    features: float = 2.0
    features_demand: float = 1.0
    ridge: float = 2.0


class PairKernelRidge:
    """Ridge regression with a kernel made of parts: k = both·kd·ka + achievement·ka + demand·kd + same·(…) + kx·(…).

    ka and kd are exp(text_sharpness · (cosine - 1)) of the sides' vectors, same tells pairs of one demand, kx is
    exp(-feature_sharpness · mean squared difference of the standardised features): sums and products of kernels over
    both sides (Basilico & Hofmann 2004). Attributes after `fit`: `support_` the fitted pairs with standardised
    features, `coefficients_` (n, m) for m targets, `mean_` (m,) of the targets, `center_` and `scale_` (f,) of the
    features.
    """

    support_: PairInputs
    coefficients_: FloatArray
    mean_: NDArray[np.float64]
    center_: FloatArray
    scale_: FloatArray

    def __init__(self, parameters: PairKernelParameters | None = None) -> None:
        self.parameters = parameters or PairKernelParameters()

    def fit(self, pairs: PairInputs, targets: NDArray[np.float64]) -> Self:
        """Fit on n pairs with targets (n, m); time grows with n³ and memory with n²: the caller bounds n."""
        self.center_ = pairs.features.mean(axis=0)
        self.scale_ = np.maximum(pairs.features.std(axis=0), 1e-6)
        self.support_ = self._standardised(pairs)
        self.mean_ = targets.mean(axis=0)
        kernel = self._kernel(self.support_, self.support_)
        kernel[np.diag_indices(len(targets))] += self.parameters.ridge
        factor = cho_factor(kernel, overwrite_a=True, check_finite=False)
        centred = (targets - self.mean_).astype(np.float32)
        self.coefficients_ = cho_solve(factor, centred, check_finite=False).astype(np.float32)
        return self

    def predict(self, pairs: PairInputs) -> NDArray[np.float64]:
        """Return (n, m) predicted targets."""
        return np.asarray(self._kernel(self._standardised(pairs), self.support_) @ self.coefficients_ + self.mean_)

    def save(self, path: Path) -> None:
        """Write an npz file."""
        np.savez(
            path,
            demand=self.support_.demand,
            achievement=self.support_.achievement,
            features=self.support_.features,
            group=self.support_.group,
            coefficients=self.coefficients_,
            mean=self.mean_,
            center=self.center_,
            scale=self.scale_,
            parameters=np.array(list(vars(self.parameters).values())),
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as state:
            model = cls(PairKernelParameters(*state["parameters"].tolist()))
            model.support_ = PairInputs(state["demand"], state["achievement"], state["features"], state["group"])
            model.coefficients_, model.mean_ = state["coefficients"], state["mean"]
            model.center_, model.scale_ = state["center"], state["scale"]
        return model

    def _standardised(self, pairs: PairInputs) -> PairInputs:
        features = ((pairs.features - self.center_) / self.scale_).astype(np.float32)
        return PairInputs(pairs.demand, pairs.achievement, features, pairs.group)

    def _kernel(self, left: PairInputs, right: PairInputs) -> FloatArray:
        """Return the (n, m) kernel; the demand's part is computed once per demand, not once per pair."""
        weight = self.parameters
        achievement = left.achievement @ right.achievement.T
        achievement -= 1.0
        achievement *= weight.text_sharpness
        np.exp(achievement, out=achievement)
        left_demands, left_of = np.unique(left.demand, axis=0, return_inverse=True)
        right_demands, right_of = np.unique(right.demand, axis=0, return_inverse=True)
        nearness = np.exp(weight.text_sharpness * (left_demands @ right_demands.T - 1.0)).astype(np.float32)
        demand = nearness[left_of.ravel()][:, right_of.ravel()]
        squares = left.features @ right.features.T
        squares *= -2.0
        squares += (left.features**2).sum(axis=1)[:, None]
        squares += (right.features**2).sum(axis=1)[None, :]
        squares *= -weight.feature_sharpness / left.features.shape[1]
        np.exp(squares, out=squares)
        squares *= weight.features + weight.features_demand * demand
        same = (left.group[:, None] == right.group[None, :]) & (left.group >= 0)[:, None]
        squares += weight.demand * demand + weight.constant + weight.same_demand * same
        demand *= weight.both
        demand += weight.achievement
        demand += weight.same_demand_achievement * same
        achievement *= demand
        achievement += squares
        return np.asarray(achievement, dtype=np.float32)
