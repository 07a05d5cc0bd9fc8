"""Kernel ridge regression over pairs of texts: similar demands with similar achievements have similar outcomes."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from data.errors import InputError

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class PairInputs:
    """n pairs over g demands: vectors of both sides whose inner products are cosines, and features of the pair.

    `demands` (g, k) and `achievements` (n, l) float32; `of` (n,) int64 the demand of each pair; `features` (n, f) float32,
    finite; `identity` (g,) int64 tells demands apart, -1 for one without outcomes so far.
    """

    demands: FloatArray
    of: NDArray[np.int64]
    identity: NDArray[np.int64]
    achievements: FloatArray
    features: FloatArray


@dataclass(frozen=True)
class PairKernelParameters:
    """Sharpness of the radial kernels, weights of the kernel's parts, and ridge."""

    text_sharpness: float = 3.0
    feature_sharpness: float = 0.2
    both: float = 5.0
    achievement: float = 0.3
    demand: float = 0.3
    constant: float = 10.0  # so large that the intercept is hardly shrunk
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
    center_: FloatArray
    scale_: FloatArray

    def __init__(self, parameters: PairKernelParameters | None = None) -> None:
        self.parameters = parameters or PairKernelParameters()
        self._inverse: FloatArray | None = None

    def fit(self, pairs: PairInputs, targets: NDArray[np.float64]) -> Self:
        """Fit on n pairs with targets (n, m); time grows with n³ and memory with n²: the caller bounds n."""
        self.center_ = pairs.features.mean(axis=0)
        self.scale_ = np.maximum(pairs.features.std(axis=0), 1e-6)
        self.support_ = self._standardised(pairs)
        kernel = self._kernel(self.support_, self.support_)
        kernel[np.diag_indices(len(targets))] += self.parameters.ridge
        self._inverse = _inverse(kernel)
        self.coefficients_ = (self._inverse @ targets.astype(np.float32)).astype(np.float32)
        return self

    def without(self, rows: NDArray[np.intp]) -> "PairKernelRidge":
        """Return the model that would have been fitted without the given rows of the support, at little cost.

        Block inverse: removing the rows F takes G[:, F] G[F, F]^-1 c[F] from the coefficients c = G y, G the inverse of
        the ridged kernel (leave-group-out for ridge regression, e.g. Rifkin & Lippert 2007).

        Raises:
            InputError: the model was loaded from a file, which does not keep what this needs.

        """
        if self._inverse is None:
            raise InputError("a pair kernel model read from a file cannot leave rows out; fit it again")
        model = PairKernelRidge(self.parameters)
        model.support_, model.center_, model.scale_ = self.support_, self.center_, self.scale_
        own = np.linalg.solve(self._inverse[np.ix_(rows, rows)], self.coefficients_[rows])
        model.coefficients_ = self.coefficients_ - self._inverse[:, rows] @ own
        model.coefficients_[rows] = 0.0
        return model

    def predict(self, pairs: PairInputs) -> NDArray[np.float64]:
        """Return (n, m) predicted targets."""
        return np.asarray(self._kernel(self._standardised(pairs), self.support_) @ self.coefficients_, dtype=np.float64)

    def save(self, path: Path) -> None:
        """Write an npz file."""
        np.savez(
            path,
            **vars(self.support_),
            coefficients=self.coefficients_,
            center=self.center_,
            scale=self.scale_,
            parameters=np.array(list(vars(self.parameters).values())),
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as state:
            model = cls(PairKernelParameters(*state["parameters"].tolist()))
            model.support_ = PairInputs(*(state[field.name] for field in fields(PairInputs)))
            model.coefficients_ = state["coefficients"]
            model.center_, model.scale_ = state["center"], state["scale"]
        return model

    def _standardised(self, pairs: PairInputs) -> PairInputs:
        return replace(pairs, features=((pairs.features - self.center_) / self.scale_).astype(np.float32))

    def _kernel(self, left: PairInputs, right: PairInputs) -> FloatArray:
        """Return the (n, m) kernel; what depends on the demand alone is computed once per demand."""
        weight = self.parameters
        kernel = left.achievements @ right.achievements.T
        kernel -= 1.0
        kernel *= weight.text_sharpness
        np.exp(kernel, out=kernel)
        near = np.exp(weight.text_sharpness * (left.demands @ right.demands.T - 1.0))
        same = (left.identity[:, None] == right.identity[None, :]) & (left.identity >= 0)[:, None]
        # what each demand gives to the product with ka, to the product with kx, and alone
        with_achievement = weight.both * near + weight.achievement + weight.same_demand_achievement * same
        with_features = weight.features + weight.features_demand * near
        alone = weight.demand * near + weight.constant + weight.same_demand * same
        squares = left.features @ right.features.T
        squares *= -2.0
        squares += (left.features**2).sum(axis=1)[:, None]
        squares += (right.features**2).sum(axis=1)[None, :]
        squares *= -weight.feature_sharpness / left.features.shape[1]
        np.exp(squares, out=squares)
        kernel *= _spread(with_achievement, left.of, right.of)
        squares *= _spread(with_features, left.of, right.of)
        kernel += squares
        kernel += _spread(alone, left.of, right.of)
        return np.asarray(kernel, dtype=np.float32)


def _spread(by_demand: NDArray[np.floating], left_of: NDArray[np.int64], right_of: NDArray[np.int64]) -> FloatArray:
    """Return the (n, m) values of pairs from the (g, h) values of their demands."""
    if by_demand.shape[0] == 1:
        return by_demand.astype(np.float32)[:, right_of]
    return by_demand.astype(np.float32)[:, right_of][left_of]


def _inverse(kernel: FloatArray) -> FloatArray:
    """Return the inverse of a symmetric positive definite matrix, which is overwritten (Cholesky: n³ operations)."""
    factor, failed = lapack.spotrf(kernel.T, lower=1, overwrite_a=1)
    if not failed:
        lower, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise InputError(f"the pair kernel is not positive definite at row {failed}; raise its ridge")
    inverse = np.tril(lower)
    return np.asarray(inverse + np.tril(inverse, -1).T, dtype=np.float32)
