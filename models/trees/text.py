"""LightGBM's text models read into arrays, so that whoever only asks a model need not import LightGBM."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_SHIFT, _MISSING_ZERO, _MISSING_NAN = 2, 1, 2
_OF_SPLITS = {
    "split_feature": np.int32,
    "split_gain": np.float64,
    "threshold": np.float64,
    "decision_type": np.int64,
    "left_child": np.int64,
    "right_child": np.int64,
    "internal_count": np.float64,
}
_OF_LEAVES = {"leaf_value": np.float64, "leaf_count": np.float64}


@dataclass(frozen=True)
class Trees:
    """The trees of one model for one binary question, one after the other.

    Tree i has the splits `splits[i]` to `splits[i + 1]` and the leaves `leaves[i]` to `leaves[i + 1]`. Of each split:
    `split_feature` int32, `split_gain`, `threshold` float64 (at most this goes left), `decision_type` int64 as LightGBM
    writes it, `left_child` and `right_child` int64 (a split of the tree, or leaf ~c if negative), `internal_count` the
    training rows that came by. Of each leaf: `leaf_value` float64 and `leaf_count`; a tree without a split has the
    count 0. `plain`: the sum of the leaves' values, through the logistic function, is what the model predicts.
    """

    feature_names: tuple[str, ...]
    plain: bool
    splits: NDArray[np.int64]
    leaves: NDArray[np.int64]
    split_feature: NDArray[np.int32]
    split_gain: NDArray[np.float64]
    threshold: NDArray[np.float64]
    decision_type: NDArray[np.int64]
    left_child: NDArray[np.int64]
    right_child: NDArray[np.int64]
    internal_count: NDArray[np.float64]
    leaf_value: NDArray[np.float64]
    leaf_count: NDArray[np.float64]

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `lightgbm.Booster.model_to_string` wrote.

        Raises:
            ValueError: the text is no such model, or a part of it is missing.

        """
        head, *blocks = text.partition("\nend of trees")[0].split("\nTree=")
        header = _fields(head)
        if "feature_names" not in header or not text.startswith("tree\n") or "\nend of trees" not in text:
            raise ValueError("no whole LightGBM model")
        trees = [_fields(block) for block in blocks]
        widths = np.array([int(tree.get("num_leaves", "0")) for tree in trees], dtype=np.int64)
        leaves, splits = np.concatenate([[0], np.cumsum(widths)]), np.concatenate([[0], np.cumsum(widths - 1)])
        parts = {
            name: _numbers([tree.get(name, "") for tree in trees if "split_feature" in tree]).astype(kind)
            for name, kind in _OF_SPLITS.items()
        }
        # a tree without a split writes no count of its only leaf
        parts |= {
            name: _numbers([tree.get(name, "") or "0" for tree in trees]).astype(kind)
            for name, kind in _OF_LEAVES.items()
        }
        for name, part in parts.items():
            wanted = int((splits if name in _OF_SPLITS else leaves)[-1])
            if len(part) != wanted:
                raise ValueError(f"{name} has {len(part)} values instead of {wanted}")
        plain = (
            header.get("objective") == "binary sigmoid:1"
            and header.get("num_tree_per_iteration") == "1"
            and "average_output" not in head.split("\n")
            and all(tree.get("is_linear", "0") == "0" for tree in trees)
        )
        return cls(tuple(header["feature_names"].split()), plain, splits, leaves, **parts)

    def __len__(self) -> int:
        return len(self.splits) - 1

    @property
    def widest(self) -> int:
        """Leaves of the tree that has most; 1 without trees."""
        return int(np.diff(self.leaves).max(initial=1))

    @property
    def numeric(self) -> bool:
        """Whether all splits compare numbers, and none takes a zero for a missing value."""
        missing = self.decision_type >> _MISSING_SHIFT
        return not ((self.decision_type & _CATEGORICAL).any() or (missing == _MISSING_ZERO).any())

    @property
    def nan_left(self) -> NDArray[np.bool_]:
        """Whether NaN goes left, per split. Where training saw no gap LightGBM reads NaN as 0."""
        seen_missing = self.decision_type >> _MISSING_SHIFT == _MISSING_NAN
        left: NDArray[np.bool_] = np.where(seen_missing, self.decision_type & _DEFAULT_LEFT != 0, self.threshold >= 0.0)
        return left

    @property
    def bounds(self) -> NDArray[np.float32]:
        """Thresholds rounded down: a float32 lies at or below one exactly if it lies at or below LightGBM's."""
        with np.errstate(over="ignore"):
            near = self.threshold.astype(np.float32)
        return np.where(near > self.threshold, np.nextafter(near, np.float32(-np.inf)), near)

    def gain(self) -> NDArray[np.float64]:
        """Return (f,) total gain of each feature's splits."""
        gain = np.maximum(self.split_gain, 0.0)
        return np.bincount(self.split_feature, gain, len(self.feature_names)).astype(np.float64)


def _fields(block: str) -> dict[str, str]:
    lines = (line.partition("=") for line in block.splitlines())
    return {name: value for name, equals, value in lines if equals}


def _numbers(lines: list[str]) -> NDArray[np.float64]:
    return np.array([float(number) for line in lines for number in line.split()], dtype=np.float64)
