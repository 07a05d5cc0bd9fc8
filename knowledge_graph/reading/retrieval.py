"""The graph channel: push the demand's terms through the term graph, gather the achievements that they reach."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge_graph import kernels
from knowledge_graph.reading.signals import SignalTables, walk_from
from knowledge_graph.records.table import GraphRow, RecordTable

PUSHED_TERMS = 160
"""Terms that a query is pushed to; the heaviest, the rest adds time and no match."""
_ALL = np.zeros(0, dtype=np.bool_)
OWN = 1.0
"""Weight of the demand's own terms beside the walk's mass."""


@dataclass(frozen=True)
class Postings:
    """The mentions of a table by term: `records[starts[t] : starts[t + 1]]` hold term t with `values`."""

    starts: NDArray[np.int64]
    records: NDArray[np.int32]
    values: NDArray[np.float32]

    @classmethod
    def of(cls, table: RecordTable, size: int) -> "Postings":
        """Return the postings of all rows of a table over `size` terms."""
        columns = table.mentions(size).T.tocsr()
        arrays = (
            columns.indptr.astype(np.int64),
            columns.indices.astype(np.int32),
            columns.data.astype(np.float32),
        )
        for array in arrays:
            array.flags.writeable = False
        return cls(*arrays)


def pushed(tables: SignalTables, demand: GraphRow) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the terms (at most `PUSHED_TERMS`, ascending) that a demand reaches, and their weights."""
    reached = walk_from(tables, demand) * tables.vocabulary.idf
    reached[demand.terms] += OWN * demand.weights * tables.vocabulary.idf[demand.terms]
    terms, weights = kernels.reached_best(reached, _ALL, PUSHED_TERMS)
    best = np.sort(np.argsort(-weights, kind="stable")[:PUSHED_TERMS])
    return terms[best].astype(np.int32), weights[best]


def search(
    tables: SignalTables,
    demand: GraphRow,
    postings: Postings,
    records: int,
    k: int,
    allowed: NDArray[np.bool_] | None,
    written: RecordTable | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the `k` best of the `records` that `postings` hold, and their scores, best first; fewer if fewer are reached.

    The rows of `written` records count behind them. `allowed` (rows,) masks what may be returned.
    """
    terms, weights = pushed(tables, demand)
    scores = kernels.accumulate(terms, weights, postings.starts, postings.records, postings.values, records)
    if written is not None:
        dense = np.zeros(len(tables.vocabulary), dtype=np.float32)
        dense[terms] = weights
        every = np.arange(len(written), dtype=np.int64)
        late = kernels.dots(dense, written.starts, written.lengths, written.pool_terms, written.pool_weights, every)
        scores = np.concatenate([scores, late])
    rows, reached = kernels.reached_best(scores, _ALL if allowed is None else allowed, k)
    best = np.argsort(-reached, kind="stable")[:k]
    return rows[best], reached[best]
