"""Quantities of both sides under the rows of their collections: parsed when a bundle is built and when a record is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.cluster.workers import THIS_PROCESS, Workers
from data.records import Achievement, Demand, Record
from knowledge_graph.quantities.names import Encode, Synonyms
from knowledge_graph.quantities.types import Quantity
from matcher.collection.rows import Placement
from matcher.requirements.report import FEATURES, requirement_features
from matcher.requirements.table import QuantityTable, Rows, quantities_of


@dataclass(frozen=True)
class QuantityCollection:
    """Quantities of one side: `base` those of the bundle's rows, `extra` those written since, behind them.

    Rows are those of the collection of the same side, as long as both are given the same records in the same order.
    """

    base: QuantityTable
    extra: QuantityTable | None = None

    def __len__(self) -> int:
        return len(self.base) + (len(self.extra) if self.extra else 0)

    def written(self, table: QuantityTable, placement: Placement) -> "QuantityCollection":
        """Return the collection with the records of `table` where records of the same side were placed."""
        if not len(table):
            return self
        extra = table if self.extra is None else QuantityTable.concat([self.extra, table])
        return replace(self, extra=extra if placement.order is None else extra.take(placement.order))

    def take(self, rows: Rows) -> QuantityTable:
        """Return the quantities of the given rows, in that order, by themselves."""
        (held, first, places), *rest = self.parts(rows)
        if not rest:
            return held.take(first)
        table = QuantityTable.concat([held.take(first), *(other.take(part) for other, part, _ in rest)])
        places = np.concatenate([places, *(place for _, _, place in rest)])
        return table.take(np.argsort(places).astype(np.int64))

    def parts(self, rows: Rows) -> list[tuple[QuantityTable, Rows, NDArray[np.intp]]]:
        """Return (table, rows in it, places in `rows`) of each table that holds some of `rows`."""
        late = rows >= len(self.base)
        early = (self.base, rows[~late], np.flatnonzero(~late))
        if self.extra is None or not late.any():
            return [early]
        return [early, (self.extra, rows[late] - len(self.base), np.flatnonzero(late))]


def _quantities_of_all(records: Sequence[Record], workers: Workers) -> Iterator[tuple[Quantity, ...]]:
    """Yield the quantities of each record."""
    return chain.from_iterable(workers.map(_quantities_of_part, workers.parts(records), None))


def _quantities_of_part(_: None, records: Sequence[Record]) -> list[tuple[Quantity, ...]]:
    """Return the quantities of each of one partition's records."""
    return [quantities_of(record) for record in records]


class Quantities:
    """Quantities of a store's demands and achievements, and the way to read those of a record that is not stored."""

    def __init__(
        self,
        demands: QuantityCollection,
        achievements: QuantityCollection,
        encode: Encode | None = None,
        synonyms: Synonyms | None = None,
    ) -> None:
        self.demands = demands
        self.achievements = achievements
        self._encode = encode
        self._synonyms = synonyms

    @classmethod
    def build(
        cls,
        demands: Sequence[Demand],
        achievements: Sequence[Achievement],
        encode: Encode | None = None,
        synonyms: Synonyms | None = None,
        workers: Workers = THIS_PROCESS,
    ) -> Self:
        """Read the quantities of all records, given in the order of their collections' rows."""
        wanted = QuantityTable.build(_quantities_of_all(demands, workers), encode, synonyms)
        offered = QuantityTable.build(_quantities_of_all(achievements, workers), encode, synonyms)
        return cls(QuantityCollection(wanted), QuantityCollection(offered), encode, synonyms)

    def read(self, records: Sequence[Record]) -> QuantityTable:
        """Return the quantities of records, stored or not."""
        return QuantityTable.build(map(quantities_of, records), self._encode, self._synonyms)

    def locate(self, record: Record, row: int | None) -> tuple[QuantityTable, int]:
        """Return the table that holds a record, and its row there: the bundle's if it is in `row`, else a new one."""
        if row is None:
            return self.read([record]), 0
        return (self.demands if isinstance(record, Demand) else self.achievements).base, row

    def with_demands(self, records: Sequence[Demand], placement: Placement) -> "Quantities":
        """Return the quantities after demands were written, which got the rows of `placement`."""
        written = self.demands.written(self.read(records), placement)
        return self.of(written, self.achievements)

    def with_achievements(self, records: Sequence[Achievement], placement: Placement) -> "Quantities":
        """Return the quantities after achievements were written, which got the rows of `placement`."""
        written = self.achievements.written(self.read(records), placement)
        return self.of(self.demands, written)

    def pair_features(self, demands: Rows, achievements: Rows) -> NDArray[np.float32]:
        """Return (n, len(FEATURES)) of stored demands with stored achievements, by their rows, (n,) each."""
        result = np.empty((len(demands), len(FEATURES)), dtype=np.float32)
        for wanted, d, places in self.demands.parts(demands):
            for offered, a, within in self.achievements.parts(achievements[places]):
                result[places[within]] = requirement_features(wanted, d[within], offered, a)
        return result

    def of(self, demands: QuantityCollection, achievements: QuantityCollection) -> "Quantities":
        """Return other quantities, read in the same way."""
        return Quantities(demands, achievements, self._encode, self._synonyms)

    def shard(self, demands: Rows, achievements: Rows) -> "Quantities":
        """Return the quantities of the records at the given rows of the bundle, as rows of their own."""
        wanted, offered = self.demands.base.take(demands), self.achievements.base.take(achievements)
        return self.of(QuantityCollection(wanted), QuantityCollection(offered))

    def save(self, directory: Path) -> None:
        """Write both sides into `directory`, which is created; only quantities as built can be saved."""
        self.demands.base.save(directory / "demands")
        self.achievements.base.save(directory / "achievements")

    @classmethod
    def load(cls, directory: Path, encode: Encode | None = None, synonyms: Synonyms | None = None) -> Self:
        """Read what `save` wrote, mapped into memory."""
        wanted, offered = QuantityTable.load(directory / "demands"), QuantityTable.load(directory / "achievements")
        return cls(QuantityCollection(wanted), QuantityCollection(offered), encode, synonyms)
