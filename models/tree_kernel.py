"""LightGBM's trees evaluated for many rows at once, with bits instead of branches (QuickScorer, Lucchese et al. 2015).

A tree's leaves are numbered from left to right, one bit each. Every split whose answer is "right" strikes out the leaves
to its left; the lowest bit that is left over is the leaf that is reached. Splits are visited one by one for all rows
together, so that a processor compares eight rows at a time and never guesses a branch.
"""

from typing import Self

import lightgbm as lgb
import numba
import numpy as np
from numpy.typing import NDArray

MAX_LEAVES = 64
_EVERYTHING = 2**64 - 1
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_SHIFT, _MISSING_ZERO, _MISSING_NAN = 2, 1, 2

# Position of the only bit that is set in a 64-bit word, by its product with a de Bruijn sequence.
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_POSITION = np.zeros(64, dtype=np.int64)
for _bit in range(64):
    _POSITION[((int(_DE_BRUIJN) << _bit) & 0xFFFFFFFFFFFFFFFF) >> 58] = _bit


class TreeKernel:
    """The trees of one booster as arrays; `margins` returns what `Booster.predict(raw_score=True)` returns, bit by bit.

    Attributes: `feature`, `threshold` (float32, rounded down: a float32 lies below it exactly if it lies below
    LightGBM's), `nan_left`, `kept` (bits that survive "right") per split, split by split of all trees; `start` (t + 1,)
    first split of each tree; `leaves` (t, leaves) float64 values from left to right.
    """

    def __init__(
        self,
        feature: NDArray[np.int32],
        threshold: NDArray[np.float32],
        nan_left: NDArray[np.bool_],
        kept: NDArray[np.unsignedinteger],
        start: NDArray[np.int64],
        leaves: NDArray[np.float64],
    ) -> None:
        self.feature = feature
        self.threshold = threshold
        self.nan_left = nan_left
        self.kept = kept
        self.start = start
        self.leaves = leaves

    @classmethod
    def of(cls, booster: lgb.Booster) -> Self | None:
        """Return the kernel of a booster, or None if it has what bits cannot tell; `Booster.predict` serves that.

        These are categorical splits, zeros that count as missing, and more than `MAX_LEAVES` leaves.
        """
        trees = [_fields(block) for block in booster.model_to_string().split("\nTree=")[1:]]
        widest = max((int(tree["num_leaves"][0]) for tree in trees), default=1)
        kinds = np.array([int(kind) for tree in trees for kind in tree.get("decision_type", ())], dtype=np.int64)
        if widest > MAX_LEAVES or (kinds & _CATEGORICAL).any() or (kinds >> _MISSING_SHIFT == _MISSING_ZERO).any():
            return None
        word = np.uint16 if widest <= 16 else np.uint64
        splits: list[tuple[int, float, bool, int]] = []
        start, leaves = [0], np.zeros((len(trees), widest))
        for number, tree in enumerate(trees):
            leaves[number] = _add_splits(tree, widest, splits)
            start.append(len(splits))
        feature, threshold, nan_left, kept = zip(*splits, strict=True) if splits else ((),) * 4
        return cls(
            np.array(feature, dtype=np.int32),
            _rounded_down(np.array(threshold, dtype=np.float64)),
            np.array(nan_left, dtype=np.bool_),
            np.array(kept, dtype=np.uint64).astype(word),
            np.array(start, dtype=np.int64),
            leaves,
        )

    def margins(self, columns: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n,) sums of the trees' leaf values for `columns` (f, n), contiguous, the features' rows transposed."""
        out = np.zeros(columns.shape[1], dtype=np.float64)
        _margins(
            columns, self.feature, self.threshold, self.nan_left, self.kept, self.start, self.leaves, _POSITION, out
        )
        return out


def _fields(block: str) -> dict[str, list[str]]:
    lines = (line.partition("=") for line in block.splitlines())
    return {name: value.split() for name, equals, value in lines if equals}


def _add_splits(
    tree: dict[str, list[str]], widest: int, splits: list[tuple[int, float, bool, int]]
) -> NDArray[np.float64]:
    """Append (feature, threshold, does NaN go left, bits of all leaves but those to the left) of a tree's splits.

    Returns the (widest,) values of its leaves from left to right.
    """
    values = np.array(tree["leaf_value"], dtype=np.float64)
    found = np.zeros(widest)
    if len(values) == 1:  # a tree without a split
        found[0] = values[0]
        return found
    left, right = ([int(child) for child in tree[side]] for side in ("left_child", "right_child"))
    bits = [0] * len(left)
    order: list[int] = []
    # A child c >= 0 is a split, otherwise leaf ~c. A split's own bits are known once its left side was walked.
    todo: list[tuple[int, int]] = [(0, -1)]
    while todo:
        node, begun = todo.pop()
        if node < 0:
            order.append(~node)
        elif begun < 0:
            todo += [(node, len(order)), (left[node], -1)]
        else:
            bits[node] = _EVERYTHING ^ ((1 << len(order)) - (1 << begun))
            todo.append((right[node], -1))
    found[: len(order)] = values[order]
    for node, (feature, threshold, kind) in enumerate(
        zip(tree["split_feature"], tree["threshold"], tree["decision_type"], strict=True)
    ):
        seen_missing = int(kind) >> _MISSING_SHIFT == _MISSING_NAN
        # Where training saw no gap LightGBM reads NaN as 0.
        nan_left = bool(int(kind) & _DEFAULT_LEFT) if seen_missing else float(threshold) >= 0.0
        splits.append((int(feature), float(threshold), nan_left, bits[node]))
    return found


def _rounded_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


@numba.njit(nogil=True, cache=True)
def _margins(
    columns: NDArray[np.float32],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    nan_left: NDArray[np.bool_],
    kept: NDArray[np.unsignedinteger],
    start: NDArray[np.int64],
    leaves: NDArray[np.float64],
    position: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Add every tree's leaf value to `out` (n,), tree after tree as LightGBM does, so that the sums are the same."""
    n = columns.shape[1]
    alive = np.empty(n, dtype=kept.dtype)
    everything = ~kept.dtype.type(0)
    for tree in range(len(start) - 1):
        alive[:] = everything
        for split in range(start[tree], start[tree + 1]):
            values, bound, keep = columns[feature[split]], threshold[split], kept[split]
            if nan_left[split]:
                for row in range(n):
                    alive[row] &= keep if values[row] > bound else everything
            else:
                for row in range(n):
                    alive[row] &= everything if values[row] <= bound else keep
        for row in range(n):
            bits = np.uint64(alive[row])
            lowest = bits & (~bits + np.uint64(1))
            out[row] += leaves[tree, position[(lowest * _DE_BRUIJN) >> np.uint64(58)]]
