"""What each feature contributes to the sum of LightGBM's trees: TreeSHAP's values, by quadrature instead of recursion.

Path-dependent TreeSHAP (Lundberg et al. 2020) asks, at a split whose feature is not known, for the shares of the training
rows that went left and right. Over one leaf with the value v, a feature that d - 1 others share the path with contributes

    v (o - z) · Σ over sets S of the others of |S|! (d - 1 - |S|)! / d! · Π over S of o · Π over the rest of z,

where o is 1 if the row meets the feature's conditions on the path, otherwise 0, and z the share of training rows that do.
The weights are Beta integrals, ∫ t^|S| (1 - t)^(d - 1 - |S|) dt over [0, 1], so that the sum over all sets becomes

    ∫ Π over the others of (t o + (1 - t) z) dt,

a polynomial in t of degree d - 1, which Gauss and Legendre's rule integrates exactly with half as many points. At fixed t
the products are shared by all leaves below an edge, as in linear TreeSHAP (Yu et al. 2022): one walk down, one back up,
for several rows at once.
"""

from dataclasses import dataclass
from typing import Self

import numba
import numpy as np
from numpy.typing import NDArray

from models.trees.text import Trees

_LEFT, _NAN_LEFT, _LEAF = 1, 2, 4
_ROWS = 16  # that are walked together
_ROUNDING = {"contract", "reassoc", "nsz"}  # what compiled code may do to sums; NaN stays what it is


@dataclass(frozen=True)
class TreeContributions:
    """The edges of all trees as arrays, each tree's from the root downwards; what LightGBM calls `pred_contrib`.

    Attributes, per edge of e, that is per node but the roots: `feature` and `threshold` (float32, as the kernel of the
    margins has them) of the split above; `flags` uint8: is the left side, takes NaN left, ends in a leaf; `above` the edge
    above within the tree, counted from 1, 0 at the root; `again` that of the nearest edge above with the same feature,
    0 if none; `value` of a leaf; `share` of the training rows that meet the conditions this path sets on the feature.
    `start` (t + 1,) first edge of each tree; `order` (t,) points that its integrals need, row `order` of `points` and
    `weights` (m + 1, m), of which the first `order` count.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    flags: NDArray[np.uint8]
    above: NDArray[np.int32]
    again: NDArray[np.int32]
    value: NDArray[np.float64]
    share: NDArray[np.float64]
    start: NDArray[np.int64]
    order: NDArray[np.int64]
    points: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, trees: Trees) -> Self | None:
        """Return the contributions of a model's trees, or None where LightGBM has to compute them.

        It has to for categorical splits, zeros that count as missing, nodes that no training row reached, and what is not a
        plain sum of leaves.
        """
        widths = np.diff(trees.leaves)
        reached = (trees.internal_count > 0).all() and (trees.leaf_count[np.repeat(widths > 1, widths)] > 0).all()
        if not (trees.plain and trees.numeric and reached):
            return None
        edges = 2 * len(trees.split_feature)
        split, flags = np.empty(edges, dtype=np.int64), np.zeros(edges, dtype=np.uint8)
        above, again = np.zeros(edges, dtype=np.int32), np.zeros(edges, dtype=np.int32)
        value, share, different = np.zeros(edges), np.ones(edges), np.ones(len(trees), dtype=np.int64)
        _walk(
            trees.splits, trees.leaves, trees.left_child, trees.right_child, trees.split_feature, trees.internal_count,
            trees.leaf_count, trees.leaf_value, split, flags, above, again, value, share, different,
        )  # fmt: skip
        flags[trees.nan_left[split]] |= _NAN_LEFT
        feature, threshold = trees.split_feature[split], trees.bounds[split]
        order = (different + 1) // 2
        rules = _rules(int(order.max(initial=1)))
        return cls(feature, threshold, flags, above, again, value, share, 2 * trees.splits, order, *rules)

    def add(self, rows: NDArray[np.float32], out: NDArray[np.float64]) -> None:
        """Add to `out` (n, f) what each feature contributes to the margins of `rows` (n, f)."""
        longest = int(np.diff(self.start).max(initial=0))
        for begin in range(0, len(rows), _ROWS):
            columns = np.ascontiguousarray(rows[begin : begin + _ROWS].T)
            sums = np.zeros(columns.shape, dtype=np.float64)
            _add(
                columns, self.feature, self.threshold, self.flags, self.above, self.again, self.value, self.share,
                self.start, self.order, self.points, self.weights, longest, sums,
            )  # fmt: skip
            out[begin : begin + _ROWS] += sums.T


def _rules(most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the points and weights (most + 1, most) of Gauss and Legendre's rules on [0, 1]; row m has m of them."""
    points, weights = np.zeros((most + 1, most)), np.zeros((most + 1, most))
    for count in range(1, most + 1):
        points[count, :count], weights[count, :count] = np.polynomial.legendre.leggauss(count)
    return (points + 1.0) / 2.0, weights / 2.0


@numba.njit(cache=True)
def _walk(
    splits: NDArray[np.int64],
    leaves: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    feature: NDArray[np.int32],
    internal_count: NDArray[np.float64],
    leaf_count: NDArray[np.float64],
    leaf_value: NDArray[np.float64],
    split: NDArray[np.int64],
    flags: NDArray[np.uint8],
    above: NDArray[np.int32],
    again: NDArray[np.int32],
    value: NDArray[np.float64],
    share: NDArray[np.float64],
    different: NDArray[np.int64],
) -> None:
    """Fill in the last seven columns: edge by edge, and how many different features a path of each tree has at most."""
    for tree in range(len(splits) - 1):
        first, begin, size = splits[tree], 2 * splits[tree], splits[tree + 1] - splits[tree]
        todo = np.zeros(2 * size + 1, dtype=np.int64)  # edges to go on from; 0 represents the root
        node_of, depth_of = np.zeros(2 * size + 1, dtype=np.int64), np.zeros(2 * size + 1, dtype=np.int64)
        waiting, used = (1 if size else 0), 0
        while waiting:
            waiting -= 1
            edge = todo[waiting]
            here = first + node_of[edge]
            nearest = edge
            while nearest and feature[split[begin + nearest - 1]] != feature[here]:
                nearest = above[begin + nearest - 1]
            for side in range(2):
                child = left[here] if side == 0 else right[here]
                at = begin + used
                used += 1
                split[at], above[at], again[at] = here, edge, nearest
                flags[at] = _LEFT if side == 0 else 0
                count = internal_count[first + child] if child >= 0 else leaf_count[leaves[tree] + ~child]
                share[at] = count / internal_count[here]
                if nearest:
                    share[at] *= share[begin + nearest - 1]
                depth_of[used] = depth_of[edge] + (0 if nearest else 1)
                different[tree] = max(different[tree], depth_of[used])
                if child >= 0:
                    node_of[used] = child
                    todo[waiting] = used
                    waiting += 1
                else:
                    flags[at] |= _LEAF
                    value[at] = leaf_value[leaves[tree] + ~child]


@numba.njit(nogil=True, cache=True, fastmath=_ROUNDING)
def _add(  # noqa: PLR0912
    columns: NDArray[np.float32],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    flags: NDArray[np.uint8],
    above: NDArray[np.int32],
    again: NDArray[np.int32],
    value: NDArray[np.float64],
    share: NDArray[np.float64],
    start: NDArray[np.int64],
    order: NDArray[np.int64],
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    longest: int,
    out: NDArray[np.float64],
) -> None:
    """Add the contributions of all trees to `out` (f, n), tree after tree; all rows n are in step, so that loops are wide."""
    n, most = columns.shape[1], points.shape[1]
    product = np.ones((longest + 1, most, n))  # over the features above an edge, of t o + (1 - t) z; 1 at the root
    below = np.zeros((longest + 1, most, n))  # leaf value times product, summed over the leaves below an edge
    met = np.ones((longest + 1, n))  # 1 where a row meets all conditions of the path on the edge's feature, else 0
    found = np.zeros(n)
    for tree in range(len(start) - 1):
        first, last = start[tree] - 1, start[tree + 1] - start[tree]  # a tree's edges are counted from 1
        m = order[tree]
        below[0] = 0.0
        for edge in range(1, last + 1):
            at = first + edge
            f, bound, flag, z = feature[at], threshold[at], flags[at], share[at]
            up, before = above[at], again[at]
            is_left, nan_left, is_leaf = (flag & _LEFT) != 0, (flag & _NAN_LEFT) != 0, (flag & _LEAF) != 0
            for row in range(n):
                asked = columns[f, row]
                left = nan_left if np.isnan(asked) else asked <= bound
                met[edge, row] = met[before, row] if left == is_left else 0.0
            target = below if is_leaf else product
            times = value[at] if is_leaf else 1.0
            for k in range(m):
                t, rest = points[m, k], 1.0 - points[m, k]
                hot, cold = times * t, times * rest * z
                if before == 0:
                    for row in range(n):
                        target[edge, k, row] = product[up, k, row] * (cold + met[edge, row] * hot)
                else:  # the feature's factor is in the product already, with weaker conditions
                    unmet = 1.0 / (rest * share[first + before])
                    more = 1.0 / (t + rest * share[first + before]) - unmet
                    for row in range(n):
                        factor = (cold + met[edge, row] * hot) * (unmet + met[before, row] * more)
                        target[edge, k, row] = product[up, k, row] * factor
                if not is_leaf:
                    for row in range(n):
                        below[edge, k, row] = 0.0
        for edge in range(last, 0, -1):
            at = first + edge
            up, before = above[at], again[at]
            found[:] = 0.0
            for k in range(m):
                t, rest = points[m, k], 1.0 - points[m, k]
                unmet = -weights[m, k] / rest
                more = weights[m, k] * (1.0 - share[at]) / (t + rest * share[at]) - unmet
                for row in range(n):
                    part = below[edge, k, row]
                    below[up, k, row] += part
                    found[row] += (unmet + met[edge, row] * more) * part
                if before:  # these leaves count with the conditions here, not with the weaker ones above
                    z = share[first + before]
                    more = weights[m, k] * (1.0 - z) / (t + rest * z) - unmet
                    for row in range(n):
                        found[row] -= (unmet + met[before, row] * more) * below[edge, k, row]
            for row in range(n):
                out[feature[at], row] += found[row]
