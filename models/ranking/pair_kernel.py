"""Kernel ridge regression over pairs of texts: similar demands with similar achievements have similar outcomes."""

from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from data.errors import InputError
from models.ranking.radial import from_products

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

    `points` (r, k) float32; `whitening` (r, s) with s <= r: f(x) = k(x, points) · whitening; `sharpness` of the kernel ().
    """

    points: FloatArray
    whitening: FloatArray
    sharpness: NDArray[np.float64]

    @classmethod
    def fit(cls, points: FloatArray, sharpness: float) -> Self:
        values, vectors = np.linalg.eigh(_radial(points, points, sharpness, _squares(points)).astype(np.float64))
        kept = values > 1e-6 * values[-1]
        return cls(points, (vectors[:, kept] / np.sqrt(values[kept])).astype(np.float32), np.array(sharpness))

    def kernel(self, vectors: FloatArray) -> FloatArray:
        """Return k of n vectors with the points, (n, r)."""
        return _radial(vectors, self.points, float(self.sharpness), self._squares)

    def saved(self) -> dict[str, Any]:
        """Return what makes it, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _squares(self) -> FloatArray:
        return _squares(self.points)

    def describe(self, vectors: FloatArray) -> FloatArray:
        """Return f of n vectors, (n, s)."""
        return np.asarray(self.kernel(vectors) @ self.whitening, dtype=np.float32)


class PairKernelRidge:
    """Ridge regression with a kernel made of parts: k = both·kd·ka + achievement·ka + demand·kd + same·(…) + kx·(…).

    kd is exp(text_sharpness · (cosine - 1)) of the demands, same tells pairs of one demand; ka of the achievements and
    kx = exp(-feature_sharpness · mean squared difference of the standardised features). kd, ka and kx are known by their
    values at `LANDMARKS` demands and pairs. Sums and products of kernels over both sides (Basilico & Hofmann 2004). A
    prediction needs only sums over the fitted pairs of their coefficients by their landmarks, and those of the demand
    itself: its cost grows neither with the pairs nor with the demands.

    Attributes after `fit`: `demands_`, `achievements_` and `features_` the landmarks; `sums_` what predictions need;
    `center_` and `scale_` (f,) of the features.
    """

    demands_: _Landmarks
    achievements_: _Landmarks
    features_: _Landmarks
    sums_: "_Sums"
    center_: FloatArray
    scale_: FloatArray

    def __init__(self, parameters: PairKernelParameters | None = None) -> None:
        self.parameters = parameters or PairKernelParameters()
        self._fitted: _Fitted | None = None

    def fit(
        self, pairs: PairInputs, targets: NDArray[np.float64], seed: int = 0, weights: FloatArray | None = None
    ) -> Self:
        """Fit on n pairs with targets (n, m); time grows with n³ and memory with n²: the caller bounds n.

        The demands' `identity` must ascend. `weights` (n,) > 0 tell how much each pair counts; None: all alike.
        """
        self.center_ = pairs.features.mean(axis=0)
        self.scale_ = np.maximum(pairs.features.std(axis=0), 1e-6)
        random = np.random.default_rng(seed)
        chosen = random.permutation(len(targets))[:LANDMARKS]
        weight, features = self.parameters, self._standardised(pairs.features)
        self.achievements_ = _Landmarks.fit(pairs.achievements[chosen], weight.text_sharpness)
        self.features_ = _Landmarks.fit(features[chosen], _half_width(weight, features))
        some = random.permutation(len(pairs.demands))[:LANDMARKS]
        self.demands_ = _Landmarks.fit(pairs.demands[some], weight.text_sharpness)
        described = _Described(
            pairs.of,
            pairs.identity,
            self.demands_.describe(pairs.demands),
            self.achievements_.describe(pairs.achievements),
            self.features_.describe(features),
        )
        kernel = self._kernel(described)
        # A pair of weight w has an error of variance 1/w.
        kernel[np.diag_indices(len(targets))] += weight.ridge / (1.0 if weights is None else weights)
        inverse = _inverse(kernel)
        self._fitted = _Fitted(described, inverse, inverse @ targets.astype(np.float32))
        self.sums_ = self._summed(self._fitted.coefficients)
        return self

    def without(self, rows: NDArray[np.intp]) -> "PairKernelRidge":
        """Return the model that would have been fitted without the given rows of the fit, at little cost.

        Block inverse: removing the rows F takes G[:, F] G[F, F]^-1 c[F] from the coefficients c = G y, G the inverse of
        the ridged kernel (leave-group-out for ridge regression, e.g. Rifkin & Lippert 2007).

        Raises:
            InputError: the model was loaded from a file, which does not keep what this needs.

        """
        fitted = self._known()
        model = PairKernelRidge(self.parameters)
        model.center_, model.scale_ = self.center_, self.scale_
        model.demands_, model.achievements_, model.features_ = self.demands_, self.achievements_, self.features_
        inverse, coefficients = fitted.inverse, fitted.coefficients
        own = np.linalg.solve(inverse[np.ix_(rows, rows)], coefficients[rows])
        left = coefficients - inverse[:, rows] @ own
        left[rows] = 0.0
        model.sums_ = self._summed(left)
        return model

    def predict(self, pairs: PairInputs) -> NDArray[np.float64]:
        """Return (n, m) predicted targets."""
        weight, sums = self.parameters, self.sums_
        r, q, m = sums.shape
        near = self.demands_.kernel(pairs.demands) @ sums.near
        own = sums.of_demands(pairs.identity)
        at_achievements, at_features = slice(0, r * m), slice(r * m, (r + q) * m)
        achievement_of = weight.both * near[:, at_achievements] + weight.achievement * sums.total[at_achievements]
        achievement_of += weight.same_demand_achievement * own[:, : r * m]
        feature_of = weight.features * sums.total[at_features] + weight.features_demand * near[:, at_features]
        alone_of = weight.demand * near[:, -m:] + weight.constant * sums.total[-m:] + weight.same_demand * own[:, -m:]
        ka = self.achievements_.kernel(pairs.achievements)
        kx = self.features_.kernel(self._standardised(pairs.features))
        found = alone_of[pairs.of]
        for demand in range(len(pairs.demands)):
            rows = pairs.of == demand if len(pairs.demands) > 1 else slice(None)
            found[rows] += ka[rows] @ achievement_of[demand].reshape(r, m)
            found[rows] += kx[rows] @ feature_of[demand].reshape(q, m)
        return np.asarray(found, dtype=np.float64)

    def save(self, path: Path) -> None:
        """Write an npz file."""
        parts = {"demand": self.demands_, "achievement": self.achievements_, "feature": self.features_}
        landmarks = {f"{name}_{field}": array for name, part in parts.items() for field, array in part.saved().items()}
        sums = {f"sums_{field}": array for field, array in vars(self.sums_).items()}
        np.savez(
            path,
            center=self.center_,
            scale=self.scale_,
            parameters=np.array(list(vars(self.parameters).values())),
            **landmarks,
            **sums,
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as state:
            model = cls(PairKernelParameters(*state["parameters"].tolist()))
            model.demands_, model.achievements_, model.features_ = (
                _Landmarks(state[f"{name}_points"], state[f"{name}_whitening"], state[f"{name}_sharpness"])
                for name in ("demand", "achievement", "feature")
            )
            model.sums_ = _Sums(*(state[f"sums_{field.name}"] for field in fields(_Sums)))
            model.center_, model.scale_ = state["center"], state["scale"]
        return model

    def _summed(self, coefficients: FloatArray) -> "_Sums":
        """Return the sums of coefficients (n, m)."""
        pairs, m = self._known().described, coefficients.shape[1]
        order = np.argsort(pairs.of, kind="stable")
        bounds = np.searchsorted(pairs.of[order], np.arange(len(pairs.identity) + 1))
        parts, coefficients = (pairs.by_achievement[order], pairs.by_features[order]), coefficients[order]
        whitening = self.achievements_.whitening, self.features_.whitening
        shape = np.array([*(len(w) for w in whitening), m])
        sums = np.zeros((len(pairs.identity), shape[0] * m + shape[1] * m + m), dtype=np.float32)
        for demand, (start, end) in enumerate(pairwise(bounds.tolist())):
            some = coefficients[start:end]
            weighed = [w @ (part[start:end].T @ some) for part, w in zip(parts, whitening, strict=True)]
            sums[demand] = np.concatenate([*(w.ravel() for w in weighed), some.sum(axis=0)])
        own = np.hstack([sums[:, : shape[0] * m], sums[:, -m:]])
        near = self.demands_.whitening @ (pairs.by_demand.T @ sums)
        return _Sums(near, sums.sum(axis=0), own, pairs.identity, shape)

    def _known(self) -> "_Fitted":
        """Return what only a model knows that was fitted here, or raise InputError."""
        if self._fitted is None:
            raise InputError("a pair kernel model read from a file cannot leave rows out; fit it again")
        return self._fitted

    def _standardised(self, features: FloatArray) -> FloatArray:
        return np.asarray((features - self.center_) / self.scale_, dtype=np.float32)

    def _kernel(self, pairs: "_Described") -> FloatArray:
        """Return the (n, n) kernel of the fitted pairs."""
        weight, of = self.parameters, pairs.of
        near = pairs.by_demand @ pairs.by_demand.T
        same = np.diag(pairs.identity >= 0).astype(np.float32)

        def spread(by_demand: FloatArray) -> FloatArray:
            return by_demand[:, of][of]

        kernel = pairs.by_achievement @ pairs.by_achievement.T
        kernel *= spread(weight.both * near + weight.achievement + weight.same_demand_achievement * same)
        other = pairs.by_features @ pairs.by_features.T
        other *= spread(weight.features + weight.features_demand * near)
        kernel += other
        kernel += spread(weight.demand * near + weight.constant + weight.same_demand * same)
        return np.asarray(kernel, dtype=np.float32)


@dataclass(frozen=True)
class _Described:
    """Fitted pairs by landmarks: `of` (n,) and `identity` (g,) as in the inputs, `by_demand` (g, r_d), the others (n, ·)."""

    of: NDArray[np.int64]
    identity: NDArray[np.int64]
    by_demand: FloatArray
    by_achievement: FloatArray
    by_features: FloatArray


@dataclass(frozen=True)
class _Sums:
    """Sums over the fitted pairs of coefficients for kernels with landmarks: w = (r_a + r_x + 1) · m columns, m targets.

    `near` (r_d, w) for kernels with the demands' landmarks, `total` (w,) of all, `own` (g, (r_a + 1) · m) of each demand
    alone, whose `identity` (g,) ascends; `shape` holds r_a, r_x and m.
    """

    near: FloatArray
    total: FloatArray
    own: FloatArray
    identity: NDArray[np.int64]
    shape: NDArray[np.int64]

    def of_demands(self, identity: NDArray[np.int64]) -> FloatArray:
        """Return (h, (r_a + 1) · m) sums of h demands' own pairs, 0 for one that was not fitted."""
        found = np.zeros((len(identity), self.own.shape[1]), dtype=np.float32)
        place = np.minimum(np.searchsorted(self.identity, identity), len(self.identity) - 1)
        known = (self.identity[place] == identity) & (identity >= 0)
        found[known] = self.own[place[known]]
        return found


@dataclass(frozen=True)
class _Fitted:
    """What leaving rows out needs: the fitted pairs, and the inverse of their kernel."""

    described: _Described
    inverse: FloatArray
    coefficients: FloatArray


def _half_width(weight: PairKernelParameters, features: FloatArray) -> float:
    """Return what exp multiplies half of the squared distance of features by, negated."""
    return 2.0 * weight.feature_sharpness / int(features.shape[1])


def _squares(vectors: FloatArray) -> FloatArray:
    """Return (n,) half the squared lengths of vectors (n, k)."""
    return np.asarray(0.5 * np.einsum("nk,nk->n", vectors, vectors), dtype=np.float32)


def _radial(left: FloatArray, right: FloatArray, sharpness: float, of_right: FloatArray) -> FloatArray:
    """Return (n, r) exp(-sharpness · squared distance / 2); of vectors of length 1, exp(sharpness · (cosine - 1)).

    `of_right` (r,) are the `_squares` of `right`.
    """
    kernel: FloatArray = left @ right.T
    from_products(kernel, _squares(left), of_right, np.float32(sharpness))
    return kernel


def _inverse(kernel: FloatArray) -> FloatArray:
    """Return the inverse of a symmetric positive definite matrix, which is overwritten (Cholesky: n³ operations)."""
    factor, failed = lapack.spotrf(kernel.T, lower=1, overwrite_a=1)
    if not failed:
        lower, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise InputError(f"the pair kernel is not positive definite at row {failed}; raise its ridge")
    inverse = np.tril(lower)
    return np.asarray(inverse + np.tril(inverse, -1).T, dtype=np.float32)
