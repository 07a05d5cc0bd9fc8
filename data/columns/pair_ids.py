"""Ids of many pairs, kept as two columns of strings in files that are mapped into memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self, overload

import numpy as np
from numpy.typing import NDArray

from data.columns.strings import StringColumn

_FILES = ("demand_ids.arrow", "achievement_ids.arrow")


class PairIds(Sequence[tuple[str, str]]):
    """(demand id, achievement id) of each of n pairs. Immutable."""

    def __init__(self, demands: StringColumn, achievements: StringColumn) -> None:
        """Take both columns, n strings each."""
        if len(demands) != len(achievements):
            raise ValueError(f"{len(demands)} demands are beside {len(achievements)} achievements")
        self._demands = demands
        self._achievements = achievements

    @classmethod
    def of(cls, demands: Sequence[str], achievements: Sequence[str]) -> Self:
        """Return the ids of n pairs, given side by side."""
        return cls(StringColumn.of(demands), StringColumn.of(achievements))

    def take(self, pairs: NDArray[np.intp]) -> Self:
        """Return the ids of the given pairs, in that order."""
        places = pairs.tolist()
        return type(self).of(self._demands.at(places), self._achievements.at(places))

    def __len__(self) -> int:
        return len(self._demands)

    @overload
    def __getitem__(self, place: int) -> tuple[str, str]: ...

    @overload
    def __getitem__(self, place: slice) -> list[tuple[str, str]]: ...

    def __getitem__(self, place: int | slice) -> tuple[str, str] | list[tuple[str, str]]:
        """Return the ids of one pair, or the list of those of a slice."""
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        return self._demands[place], self._achievements[place]

    def achievements(self, start: int, end: int) -> list[str]:
        """Return the ids of the achievements of the pairs from `start` to `end`."""
        return self._achievements.at(range(start, end))

    def save(self, directory: Path) -> None:
        """Write one file for each side into `directory`, which exists."""
        for name, column in zip(_FILES, (self._demands, self._achievements), strict=True):
            column.save(directory / name)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Map what `save` wrote."""
        return cls(*(StringColumn.load(directory / name) for name in _FILES))
