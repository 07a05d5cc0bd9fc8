"""One side of the market as the matcher sees it: cards and text numbers, row by row, immutable."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray, load_mmap
from data.records import Achievement, Demand
from matcher.collection.columns import RecordColumns
from matcher.texts.similarities import SIMILARITIES, TextSide, similarities
from matcher.texts.space import TextSpace, record_rows
from models.encoder.base import Encoder

# Records of the other side that a record is held against to learn what is near for it.
REFERENCE_ACHIEVEMENTS = 256
REFERENCE_DEMANDS = 96
_BLOCK = 2048  # records that are held against the reference at once; bounds memory


@dataclass(frozen=True)
class EncodedRecords:
    """Records of one side; `typical` (n, 2, s): mean and deviation of its similarities to the reference."""

    cards: RecordColumns
    texts: TextSide
    typical: FloatArray

    def __len__(self) -> int:
        return len(self.cards)

    def take(self, rows: NDArray[np.int64]) -> "EncodedRecords":
        """Return the given rows, in that order."""
        return EncodedRecords(self.cards.take(rows), self.texts.take(rows), self.typical[rows])

    @staticmethod
    def concat(parts: Sequence["EncodedRecords"]) -> "EncodedRecords":
        """Return the rows of all parts, one after the other."""
        return EncodedRecords(
            RecordColumns.concat([part.cards for part in parts]),
            TextSide.concat([part.texts for part in parts]),
            np.concatenate([part.typical for part in parts]),
        )

    def save(self, directory: Path) -> None:
        """Write everything into `directory`, which is created."""
        directory.mkdir(parents=True)
        self.cards.save(directory / "cards")
        self.texts.save(directory / "texts")
        np.save(directory / "typical.npy", self.typical)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote, mapped into memory."""
        return cls(
            RecordColumns.load(directory / "cards"),
            TextSide.load(directory / "texts"),
            load_mmap(directory / "typical.npy"),
        )


class RecordEncoder:
    """Turns records into views: the text space and the reference records of both sides.

    How near is near differs from record to record: a demand in plain words is somewhat like everything, an achievement
    of rare words like nothing. Held against the same reference at training and at serving time, a similarity becomes
    comparable across demands and achievements.
    """

    def __init__(self, space: TextSpace, reference_demands: TextSide, reference_achievements: TextSide) -> None:
        self.space = space
        self.reference_demands = reference_demands
        self.reference_achievements = reference_achievements

    @classmethod
    def fit(
        cls, space: TextSpace, demands: Sequence[Demand], achievements: Sequence[Achievement], seed: int = 0
    ) -> tuple[Self, EncodedRecords, EncodedRecords]:
        """Draw the reference records and return the viewer with the views of all demands and all achievements."""
        random = np.random.default_rng(seed)
        demand_side, achievement_side = text_side(space, demands), text_side(space, achievements)
        viewer = cls(
            space,
            demand_side.take(_draw(random, len(demands), REFERENCE_DEMANDS)),
            achievement_side.take(_draw(random, len(achievements), REFERENCE_ACHIEVEMENTS)),
        )
        return (
            viewer,
            EncodedRecords(RecordColumns.from_records(demands), demand_side, viewer._typical_of_demands(demand_side)),
            EncodedRecords(
                RecordColumns.from_records(achievements),
                achievement_side,
                viewer._typical_of_achievements(achievement_side),
            ),
        )

    def demands(self, records: Sequence[Demand]) -> EncodedRecords:
        """Return the view of demands, new ones too."""
        side = text_side(self.space, records)
        return EncodedRecords(RecordColumns.from_records(records), side, self._typical_of_demands(side))

    def achievements(self, records: Sequence[Achievement]) -> EncodedRecords:
        """Return the view of achievements, new ones too."""
        side = text_side(self.space, records)
        return EncodedRecords(RecordColumns.from_records(records), side, self._typical_of_achievements(side))

    def save(self, directory: Path) -> None:
        """Write the text space (without its encoder) and the reference records into `directory`, which is created."""
        directory.mkdir(parents=True)
        self.space.save(directory / "text")
        self.reference_demands.save(directory / "reference_demands")
        self.reference_achievements.save(directory / "reference_achievements")

    @classmethod
    def load(cls, directory: Path, encoder: Encoder) -> Self:
        """Read what `save` wrote."""
        return cls(
            TextSpace.load(directory / "text", encoder),
            TextSide.load(directory / "reference_demands"),
            TextSide.load(directory / "reference_achievements"),
        )

    def _typical_of_demands(self, demands: TextSide) -> FloatArray:
        return _typical(self.space, demands, self.reference_achievements, subject_is_demand=True)

    def _typical_of_achievements(self, achievements: TextSide) -> FloatArray:
        return _typical(self.space, achievements, self.reference_demands, subject_is_demand=False)


def text_side(space: TextSpace, records: Sequence[Achievement] | Sequence[Demand]) -> TextSide:
    """Return the text numbers of records."""
    return TextSide(*record_rows(space, records))


def _draw(random: np.random.Generator, n: int, at_most: int) -> NDArray[np.int64]:
    return np.sort(random.permutation(n)[:at_most]).astype(np.int64)


def _typical(space: TextSpace, subjects: TextSide, reference: TextSide, *, subject_is_demand: bool) -> FloatArray:
    """Return (n, 2, s) mean and deviation over the reference records; the deviation is at least 0.001."""
    typical = np.zeros((len(subjects), 2, len(SIMILARITIES)), dtype=np.float32)
    m = len(reference)
    if not m:
        typical[:, 1] = 1.0
        return typical
    for start in range(0, len(subjects), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(subjects)), dtype=np.int64)
        some = subjects.take(rows)
        values = (
            similarities(space, some, reference)
            if subject_is_demand
            else similarities(space, reference, some).transpose(1, 0, 2)
        )
        typical[rows, 0] = values.mean(axis=1)
        typical[rows, 1] = np.maximum(values.std(axis=1), 1e-3)
    return typical
