"""The records of one side as columns: their terms in one pool, and their place in every taxonomy."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from knowledge_graph.taxonomy import chains, industries


@dataclass(frozen=True)
class GraphRow:
    """What the graph knows of one record.

    `terms` int32 (m,) ascending, `weights` float32 (m,) of length 1, `titles` bool (m,): terms of title and keywords;
    `industries` int32 (3, 4); `field` -1 and `region` 0 if unknown; `stages` int16 and `shares` float32 (3,);
    `organisation` -1 if unnamed; `money` in 万元 (upper end), NaN if unknown; `is_open`: still to be had or to be
    solved. `field_stated` and `industries_stated` tell the record's own words from the classifier's.
    """

    terms: NDArray[np.int32]
    weights: NDArray[np.float32]
    titles: NDArray[np.bool_]
    industries: NDArray[np.int32]
    field: int
    region: int
    stages: NDArray[np.int16]
    shares: NDArray[np.float32]
    organisation: int
    money: float
    is_open: bool
    industries_stated: bool = True
    field_stated: bool = True

    @classmethod
    def empty(cls) -> Self:
        """Return the row of a record that says nothing, or is gone."""
        return cls(
            np.zeros(0, dtype=np.int32),
            np.zeros(0, dtype=np.float32),
            np.zeros(0, dtype=np.bool_),
            np.full((industries.PER_RECORD, 4), -1, dtype=np.int32),
            -1,
            0,
            np.full(chains.PER_RECORD, -1, dtype=np.int16),
            np.zeros(chains.PER_RECORD, dtype=np.float32),
            -1,
            float("nan"),
            False,
        )


def _frozen(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return a read-only view: mapped files are read-only too, and one kind of array means one compiled kernel."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True)
class RecordTable:
    """Rows of `GraphRow` as columns; row r has the terms `pool_terms[starts[r] : starts[r] + lengths[r]]`.

    Immutable: whoever reads a table goes on undisturbed, whatever is written.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int32]
    pool_terms: NDArray[np.int32]
    pool_weights: NDArray[np.float32]
    pool_titles: NDArray[np.bool_]
    industries: NDArray[np.int32]
    field: NDArray[np.int8]
    region: NDArray[np.int32]
    stages: NDArray[np.int16]
    shares: NDArray[np.float32]
    organisation: NDArray[np.int32]
    money: NDArray[np.float32]
    is_open: NDArray[np.bool_]
    industries_stated: NDArray[np.bool_]
    field_stated: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for column in fields(self):
            object.__setattr__(self, column.name, _frozen(getattr(self, column.name)))

    @classmethod
    def of(cls, rows: Sequence[GraphRow]) -> Self:
        """Return the table of the given rows."""
        lengths = np.array([len(row.terms) for row in rows], dtype=np.int32)
        ends = np.cumsum(lengths, dtype=np.int64)
        n = len(rows)

        def pool(name: str, kind: type[np.generic]) -> Any:
            return np.concatenate([getattr(row, name) for row in rows]) if rows else np.zeros(0, dtype=kind)

        def column(name: str, kind: type[np.generic], shape: tuple[int, ...] = ()) -> Any:
            return np.array([getattr(row, name) for row in rows], dtype=kind).reshape((n, *shape))

        return cls(
            ends - lengths,
            lengths,
            pool("terms", np.int32),
            pool("weights", np.float32),
            pool("titles", np.bool_),
            column("industries", np.int32, (industries.PER_RECORD, 4)),
            column("field", np.int8),
            column("region", np.int32),
            column("stages", np.int16, (chains.PER_RECORD,)),
            column("shares", np.float32, (chains.PER_RECORD,)),
            column("organisation", np.int32),
            column("money", np.float32),
            column("is_open", np.bool_),
            column("industries_stated", np.bool_),
            column("field_stated", np.bool_),
        )

    def __len__(self) -> int:
        return len(self.starts)

    def row(self, number: int) -> GraphRow:
        """Return one row."""
        pool = slice(int(self.starts[number]), int(self.starts[number]) + int(self.lengths[number]))
        return GraphRow(
            self.pool_terms[pool],
            self.pool_weights[pool],
            self.pool_titles[pool],
            self.industries[number],
            int(self.field[number]),
            int(self.region[number]),
            self.stages[number],
            self.shares[number],
            int(self.organisation[number]),
            float(self.money[number]),
            bool(self.is_open[number]),
            bool(self.industries_stated[number]),
            bool(self.field_stated[number]),
        )

    def take(self, rows: NDArray[np.int64]) -> "RecordTable":
        """Return the given rows, in that order, with a pool of their own."""
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths, dtype=np.int64)
        pooled = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(self.starts[rows] - (ends - lengths), lengths)
        single = {name: getattr(self, name)[rows] for name in _SINGLE}
        pools = {name: getattr(self, name)[pooled] for name in _POOLS}
        return replace(self, starts=ends - lengths, lengths=lengths, **pools, **single)

    @staticmethod
    def concat(parts: Sequence["RecordTable"]) -> "RecordTable":
        """Return the rows of all parts, one after the other."""
        shifts = np.cumsum([0, *(len(part.pool_terms) for part in parts[:-1])])
        starts = np.concatenate([part.starts + shift for part, shift in zip(parts, shifts, strict=True)])
        others = [column.name for column in fields(RecordTable) if column.name != "starts"]
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in others}
        return RecordTable(starts=starts, **joined)

    def mentions(self, size: int) -> sp.csr_array:
        """Return the weights as a sparse matrix (rows, size) in CSR form."""
        rows = np.repeat(np.arange(len(self)), self.lengths)
        starts = np.repeat(self.starts, self.lengths)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(self.lengths, dtype=np.int64) - self.lengths, self.lengths)
        place = starts + within
        shape = (len(self), size)
        return sp.csr_array((self.pool_weights[place], (rows, self.pool_terms[place])), shape=shape)


_POOLS = ("pool_terms", "pool_weights", "pool_titles")
_SINGLE = tuple(column.name for column in fields(RecordTable) if column.name not in {"starts", "lengths", *_POOLS})
