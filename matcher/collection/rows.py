"""Row numbers by the table that they count in: mypy refuses one where another is meant.

`Collection` gives them out: it turns ids into collection rows, and these into rows of what holds them. A record of the
bundle has one number in bundle, collection and graph; one written since has a collection row behind all of these.
"""

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
