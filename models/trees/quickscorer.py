"""LightGBM's trees evaluated for many rows at once, with bits instead of branches (QuickScorer, Lucchese et al. 2015).

A tree's leaves are numbered from left to right, one bit each. Every split whose answer is "right" strikes out the leaves
to its left; the lowest bit that is left over is the leaf that is reached. Splits are visited one by one for all rows
together, so that a processor compares eight rows at a time and never guesses a branch.
"""

from typing import Self

import numba
import numpy as np
from numpy.typing import NDArray

from models.trees.text import Trees

MAX_LEAVES = 64

# Position of the only bit that is set in a 64-bit word, by its product with a de Bruijn sequence.
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_POSITION = np.zeros(64, dtype=np.int64)
for _bit in range(64):
    _POSITION[((int(_DE_BRUIJN) << _bit) & 0xFFFFFFFFFFFFFFFF) >> 58] = _bit


class TreeKernel:
    """The trees of one model as arrays; `margins` returns what `Booster.predict(raw_score=True)` returns, bit by bit.

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
    def of(cls, trees: Trees) -> Self | None:
        """Return the kernel of a model's trees, or None if they have what bits cannot tell; LightGBM serves those.

        These are categorical splits, zeros that count as missing, more than `MAX_LEAVES` leaves, and what is not a plain
        sum of leaves.
        """
        if not (trees.plain and trees.numeric) or trees.widest > MAX_LEAVES:
            return None
        kept = np.empty(len(trees.split_feature), dtype=np.uint64)
        leaves = np.zeros((len(trees), trees.widest))
        _number_leaves(
            trees.splits, trees.leaves, trees.left_child, trees.right_child, trees.leaf_value, kept, leaves
        )  # fmt: skip
        word = np.uint16 if trees.widest <= 16 else np.uint64
        return cls(trees.split_feature, trees.bounds, trees.nan_left, kept.astype(word), trees.splits, leaves)

    def margins(self, columns: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n,) sums of the trees' leaf values for `columns` (f, n), contiguous, the features' rows transposed."""
        out = np.zeros(columns.shape[1], dtype=np.float64)
        _margins(
            columns, self.feature, self.threshold, self.nan_left, self.kept, self.start, self.leaves, _POSITION, out
        )
        return out


@numba.njit(cache=True)
def _number_leaves(
    splits: NDArray[np.int64],
    bounds: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    values: NDArray[np.float64],
    kept: NDArray[np.uint64],
    leaves: NDArray[np.float64],
) -> None:
    """Write each tree's leaf values from left to right, and per split the bits of all leaves but those to its left."""
    for tree in range(len(splits) - 1):
        first, numbered = splits[tree], 0
        width = bounds[tree + 1] - bounds[tree]
        nodes = np.empty(2 * width, dtype=np.int64)
        begun = np.empty(2 * width, dtype=np.int64)  # leaves to the left of a split whose left side was walked, else -1
        nodes[0], begun[0] = (0 if width > 1 else -1), -1
        depth = 1 if width else 0
        while depth:
            depth -= 1
            node = nodes[depth]
            if node < 0:
                leaves[tree, numbered] = values[bounds[tree] + ~node]
                numbered += 1
            elif begun[depth] < 0:
                begun[depth] = numbered
                depth += 1
                nodes[depth], begun[depth] = left[first + node], -1
                depth += 1
            else:
                before = (np.uint64(1) << np.uint64(begun[depth])) - np.uint64(1)
                # of 64 leaves 63 at most lie to the left of a split
                kept[first + node] = ~(((np.uint64(1) << np.uint64(numbered)) - np.uint64(1)) ^ before)
                nodes[depth], begun[depth] = right[first + node], -1
                depth += 1


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
