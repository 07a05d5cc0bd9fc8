"""Kernel ridge regression over pairs of texts: similar demands with similar achievements have similar outcomes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from data.errors import InputError

FloatArray = NDArray[np.float32]
LANDMARKS = 256  # pairs whose kernels with a pair describe it


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


@dataclass(frozen=True)
class _Landmarks:
    """A radial kernel by its values at some points (Nyström; Williams & Seeger 2001): k(x, y) = f(x) · f(y).

    `points` (r, k) float32; `whitening` (r, r) the inverse square root of their own kernel: f(x) = k(x, points) · whitening.
    """

    points: FloatArray
    whitening: FloatArray

    @classmethod
    def fit(cls, points: FloatArray, sharpness: float) -> Self:
        values, vectors = np.linalg.eigh(_radial(points, points, sharpness).astype(np.float64))
        kept = values > 1e-6 * values[-1]
        root = vectors[:, kept] / np.sqrt(values[kept]) @ vectors[:, kept].T
        return cls(points, root.astype(np.float32))


class PairKernelRidge:
    """Ridge regression with a kernel made of parts: k = both·kd·ka + achievement·ka + demand·kd + same·(…) + kx·(…).

    kd is exp(text_sharpness · (cosine - 1)) of the demands, same tells pairs of one demand; ka of the achievements and
    kx = exp(-feature_sharpness · mean squared difference of the standardised features) are known by their values at
    `LANDMARKS` pairs. Sums and products of kernels over both sides (Basilico & Hofmann 2004). A prediction needs, for
    each demand that was fitted, only the sums of its pairs' coefficients and landmarks: its cost does not grow with the
    pairs.

    Attributes after `fit`: `demands_` (g, k) and `identity_` (g,) of the fitted demands; `achievements_` and `features_`
    the landmarks; `sums_` (g, (r_a + r_x + 1) · m) for m targets; `center_` and `scale_` (f,) of the features.
    """

    demands_: FloatArray
    identity_: NDArray[np.int64]
    achievements_: _Landmarks
    features_: _Landmarks
    sums_: FloatArray
    center_: FloatArray
    scale_: FloatArray

    def __init__(self, parameters: PairKernelParameters | None = None) -> None:
        self.parameters = parameters or PairKernelParameters()
        self._fitted: _Fitted | None = None

    def fit(self, pairs: PairInputs, targets: NDArray[np.float64], seed: int = 0) -> Self:
        """Fit on n pairs with targets (n, m); time grows with n³ and memory with n²: the caller bounds n."""
        self.center_ = pairs.features.mean(axis=0)
        self.scale_ = np.maximum(pairs.features.std(axis=0), 1e-6)
        chosen = np.random.default_rng(seed).permutation(len(targets))[:LANDMARKS]
        weight, features = self.parameters, self._standardised(pairs.features)
        self.achievements_ = _Landmarks.fit(pairs.achievements[chosen], weight.text_sharpness)
        self.features_ = _Landmarks.fit(features[chosen], _half_width(weight, features))
        self.demands_, self.identity_ = pairs.demands, pairs.identity
        by_achievement = _radial(pairs.achievements, self.achievements_.points, weight.text_sharpness)
        by_features = _radial(features, self.features_.points, _half_width(weight, features))
        described = by_achievement @ self.achievements_.whitening, by_features @ self.features_.whitening
        kernel = self._kernel(pairs.of, *described)
        kernel[np.diag_indices(len(targets))] += weight.ridge
        inverse = _inverse(kernel)
        self._fitted = _Fitted(pairs.of, *described, inverse, inverse @ targets.astype(np.float32))
        self.sums_ = self._summed(self._fitted, self._fitted.coefficients)
        return self

    def without(self, rows: NDArray[np.intp]) -> "PairKernelRidge":
        """Return the model that would have been fitted without the given rows of the fit, at little cost.

        Block inverse: removing the rows F takes G[:, F] G[F, F]^-1 c[F] from the coefficients c = G y, G the inverse of
        the ridged kernel (leave-group-out for ridge regression, e.g. Rifkin & Lippert 2007).

        Raises:
            InputError: the model was loaded from a file, which does not keep what this needs.

        """
        if self._fitted is None:
            raise InputError("a pair kernel model read from a file cannot leave rows out; fit it again")
        model = PairKernelRidge(self.parameters)
        model.center_, model.scale_ = self.center_, self.scale_
        model.demands_, model.identity_ = self.demands_, self.identity_
        model.achievements_, model.features_ = self.achievements_, self.features_
        inverse, coefficients = self._fitted.inverse, self._fitted.coefficients
        own = np.linalg.solve(inverse[np.ix_(rows, rows)], coefficients[rows])
        left = coefficients - inverse[:, rows] @ own
        left[rows] = 0.0
        model.sums_ = self._summed(self._fitted, left)
        return model

    def predict(self, pairs: PairInputs) -> NDArray[np.float64]:
        """Return (n, m) predicted targets."""
        weight = self.parameters
        near, same = self._demand_kernel(pairs.demands, pairs.identity)
        r, q = len(self.achievements_.points), len(self.features_.points)
        m = self.sums_.shape[1] // (r + q + 1)
        at_achievements, at_features, alone = np.split(self.sums_, [r * m, (r + q) * m], axis=1)
        by_achievement = weight.both * near + weight.achievement + weight.same_demand_achievement * same
        by_features = weight.features + weight.features_demand * near
        alone_of = (weight.demand * near + weight.constant + weight.same_demand * same) @ alone
        achievement_of = (by_achievement @ at_achievements).reshape(-1, r, m)
        feature_of = (by_features @ at_features).reshape(-1, q, m)
        features = self._standardised(pairs.features)
        ka = _radial(pairs.achievements, self.achievements_.points, weight.text_sharpness)
        kx = _radial(features, self.features_.points, _half_width(weight, features))
        found = alone_of[pairs.of]
        for demand in range(len(pairs.demands)):
            rows = pairs.of == demand if len(pairs.demands) > 1 else slice(None)
            found[rows] += ka[rows] @ achievement_of[demand] + kx[rows] @ feature_of[demand]
        return np.asarray(found, dtype=np.float64)

    def save(self, path: Path) -> None:
        """Write an npz file."""
        np.savez(
            path,
            demands=self.demands_,
            identity=self.identity_,
            achievement_points=self.achievements_.points,
            achievement_whitening=self.achievements_.whitening,
            feature_points=self.features_.points,
            feature_whitening=self.features_.whitening,
            sums=self.sums_,
            center=self.center_,
            scale=self.scale_,
            parameters=np.array(list(vars(self.parameters).values())),
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as state:
            model = cls(PairKernelParameters(*state["parameters"].tolist()))
            model.demands_, model.identity_ = state["demands"], state["identity"]
            model.achievements_ = _Landmarks(state["achievement_points"], state["achievement_whitening"])
            model.features_ = _Landmarks(state["feature_points"], state["feature_whitening"])
            model.sums_ = state["sums"]
            model.center_, model.scale_ = state["center"], state["scale"]
        return model

    def _standardised(self, features: FloatArray) -> FloatArray:
        return np.asarray((features - self.center_) / self.scale_, dtype=np.float32)

    def _demand_kernel(self, demands: FloatArray, identity: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Return (h, g) kernel and sameness of h demands with the g fitted ones."""
        near = np.exp(self.parameters.text_sharpness * (demands @ self.demands_.T - 1.0))
        same = (identity[:, None] == self.identity_[None, :]) & (identity >= 0)[:, None]
        return near.astype(np.float32, copy=False), same.astype(np.float32)

    def _kernel(self, of: NDArray[np.int64], by_achievement: FloatArray, by_features: FloatArray) -> FloatArray:
        """Return the (n, n) kernel of the fitted pairs."""
        weight = self.parameters
        near, same = self._demand_kernel(self.demands_, self.identity_)

        def spread(by_demand: FloatArray) -> FloatArray:
            return by_demand[:, of][of]

        kernel = by_achievement @ by_achievement.T
        kernel *= spread(weight.both * near + weight.achievement + weight.same_demand_achievement * same)
        other = by_features @ by_features.T
        other *= spread(weight.features + weight.features_demand * near)
        kernel += other
        kernel += spread(weight.demand * near + weight.constant + weight.same_demand * same)
        return np.asarray(kernel, dtype=np.float32)

    def _summed(self, fitted: "_Fitted", coefficients: FloatArray) -> FloatArray:
        """Return each demand's coefficients (n, m) added up, weighed by what describes their pairs: `sums_`."""
        order = np.argsort(fitted.of, kind="stable")
        of = fitted.of[order]
        bounds = np.searchsorted(of, np.arange(len(self.demands_) + 1))
        parts = [fitted.by_achievement[order], fitted.by_features[order]]
        whitening = [self.achievements_.whitening, self.features_.whitening]
        coefficients = coefficients[order]
        m = coefficients.shape[1]
        widths = [part.shape[1] for part in parts]
        sums = np.zeros((len(self.demands_), (sum(widths) + 1) * m), dtype=np.float32)
        for demand in range(len(self.demands_)):
            rows = slice(bounds[demand], bounds[demand + 1])
            some = coefficients[rows]
            described = [w @ (part[rows].T @ some) for part, w in zip(parts, whitening, strict=True)]
            sums[demand] = np.concatenate([*(d.ravel() for d in described), some.sum(axis=0)])
        return sums


@dataclass(frozen=True)
class _Fitted:
    """What leaving rows out needs: the fitted pairs, described by landmarks, and the inverse of their kernel."""

    of: NDArray[np.int64]
    by_achievement: FloatArray
    by_features: FloatArray
    inverse: FloatArray
    coefficients: FloatArray


def _half_width(weight: PairKernelParameters, features: FloatArray) -> float:
    """Return what exp multiplies half of the squared distance of features by, negated."""
    return 2.0 * weight.feature_sharpness / int(features.shape[1])


def _radial(left: FloatArray, right: FloatArray, sharpness: float) -> FloatArray:
    """Return (n, r) exp(-sharpness · squared distance / 2); of vectors of length 1, exp(sharpness · (cosine - 1))."""
    kernel = left @ right.T
    kernel -= 0.5 * np.einsum("nk,nk->n", left, left)[:, None]
    kernel -= 0.5 * np.einsum("nk,nk->n", right, right)[None, :]
    kernel *= np.float32(sharpness)
    return np.asarray(np.exp(kernel, out=kernel), dtype=np.float32)


def _inverse(kernel: FloatArray) -> FloatArray:
    """Return the inverse of a symmetric positive definite matrix, which is overwritten (Cholesky: n³ operations)."""
    factor, failed = lapack.spotrf(kernel.T, lower=1, overwrite_a=1)
    if not failed:
        lower, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise InputError(f"the pair kernel is not positive definite at row {failed}; raise its ridge")
    inverse = np.tril(lower)
    return np.asarray(inverse + np.tril(inverse, -1).T, dtype=np.float32)
