"""What is known of outcomes beside their grades: how much they count, who gave them, of which texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray, load_mmap
from data.columns.strings import StringColumn
from matcher.collection.pairs import PairBatch

_ARRAYS = ("weights", "silent", "judged")
_TEXT_KEYS = "text_keys.arrow"


@dataclass(frozen=True)
class OutcomeDetails:
    """Details of t outcomes, row by row.

    `weights` (t,) in (0, 1] how much each counts; `silent` (t,) which were shown and left alone: no outcomes to speak of;
    `judged` (t,) which experts gave; `text_keys` (t,) of the judged ones' pairs, see `text_key`, "" of the others.
    """

    weights: FloatArray
    silent: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    text_keys: Sequence[str]

    @classmethod
    def none(cls) -> Self:
        """Return the details of no outcomes."""
        nothing = np.zeros(0, dtype=np.bool_)
        return cls(np.zeros(0, dtype=np.float32), nothing, nothing, ())

    def take(self, rows: NDArray[np.intp]) -> "OutcomeDetails":
        """Return the details of the given outcomes, in that order."""
        text_keys = [self.text_keys[row] for row in rows.tolist()]
        return OutcomeDetails(self.weights[rows], self.silent[rows], self.judged[rows], text_keys)

    def save(self, directory: Path) -> None:
        """Write everything into `directory`."""
        for name in _ARRAYS:
            np.save(directory / f"{name}.npy", getattr(self, name))
        StringColumn.of(self.text_keys).save(directory / _TEXT_KEYS)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote."""
        weights, silent, judged = (load_mmap(directory / f"{name}.npy") for name in _ARRAYS)
        return cls(weights, silent, judged, StringColumn.load(directory / _TEXT_KEYS))


def text_key(pairs: PairBatch, d: int, a: int) -> str:
    """Return the key of the texts of a demand and an achievement, at these places of their views."""
    return pairs.demands.cards.text_keys[d] + pairs.achievements.cards.text_keys[a]
