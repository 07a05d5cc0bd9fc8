"""Row numbers by the table that they count in: mypy refuses one where another is meant.

`Collection` gives them out: it turns ids into collection rows, and these into rows of what holds them. A record of the
bundle has one number in bundle, collection and graph; one written since has a collection row behind all of these.
"""

from dataclasses import dataclass
from typing import NewType

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

BundleRow = NewType("BundleRow", int)  # of a record in the bundle's files: columns, vectors, figures, graph
CollectionRow = NewType(
    "CollectionRow", int
)  # of one version of a record in a collection, those written since included
ViewRow = NewType("ViewRow", int)  # of a record in some `EncodedRecords`

CollectionRows = NewType("CollectionRows", Rows)
ViewRows = NewType("ViewRows", Rows)
GraphRows = NewType("GraphRows", Rows)  # of achievements in the graph's tables, written ones behind them
PairIndices = NewType("PairIndices", NDArray[np.intp])  # of pairs in a `PairBatch`, or of what was found for each


def all_rows(count: int) -> ViewRows:
    """Return the rows 0 to `count` - 1 of a view."""
    return ViewRows(np.arange(count, dtype=np.int64))


def repeated(row: int, count: int) -> ViewRows:
    """Return one row of a view `count` times."""
    return ViewRows(np.full(count, row, dtype=np.int64))


@dataclass(frozen=True)
class Placement:
    """Where written records are: `rows` (m,) of the collection, which has `size` rows then.

    `order` (size - records of the bundle,) puts what was written before, followed by what is written now, in the order of
    its rows; None where it is in order already.
    """

    rows: CollectionRows
    size: int
    order: Rows | None

    @classmethod
    def of(cls, bundled: int, held: int, written: int, free: Rows) -> "Placement":
        """Place `written` records behind `bundled` and later ones, `held` in all; rows in `free` are used again first.

        Rows of the bundle are not: its files are as they are.
        """
        reused = free[free >= bundled][:written]
        appended = np.arange(held, held + written - len(reused), dtype=np.int64)
        rows = np.concatenate([reused, appended])
        size = held + len(appended)
        if not len(reused):
            return cls(CollectionRows(rows), size, None)
        order = np.arange(size - bundled, dtype=np.int64)
        order[rows - bundled] = held - bundled + np.arange(written, dtype=np.int64)
        return cls(CollectionRows(rows), size, order)
