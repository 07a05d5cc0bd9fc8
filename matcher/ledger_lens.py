"""The constraint ledger seen from one demand or one achievement: what others meet of it, or it of others."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from data.records import Achievement, Demand
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.quantities.names import Synonyms
from knowledge_graph.schema import Relation
from matcher.ledger import Ledger, Ledgers, compare
from matcher.ledger_shelf import Quantities
from matcher.ledger_table import QuantityTable, Rows

LEAST_STRENGTH = 0.8  # of a synonym that parameters are linked by
LEAST_TEXTS = 1  # that define it: names that are merely close are not taken for one


class LedgerLens:
    """Compares one record with rows of the other side's shelf."""

    def __init__(self, quantities: Quantities, record: Achievement | Demand, row: int | None = None) -> None:
        """Look from `record`, which stands in its side's `row` of the bundle as it is given, or nowhere (None)."""
        self._quantities = quantities
        self._from_demand = isinstance(record, Demand)
        if row is not None:
            side = quantities.demands if self._from_demand else quantities.achievements
            self._mine, self._row = side.base, row
        else:
            self._mine, self._row = quantities.read([record]), 0

    def _compare(self, table: QuantityTable, rows: Rows) -> Ledgers:
        mine = np.full(len(rows), self._row, dtype=np.int64)
        if self._from_demand:
            return compare(self._mine, mine, table, rows)
        return compare(table, rows, self._mine, mine)

    def ledgers(self, rows: Rows) -> list[Ledger]:
        """Return the ledgers with records `rows` of the other side, in that order."""
        other = self._quantities.achievements if self._from_demand else self._quantities.demands
        found: dict[int, Ledger] = {}
        for table, part, places in other.parts(rows):
            ledgers = self._compare(table, part)
            found |= {int(place): ledgers.ledger(pair) for pair, place in enumerate(places)}
        return [found[place] for place in range(len(rows))]

    def hard_misses(self, rows: Rows) -> NDArray[np.int64]:
        """Return (n,) how many requirements are clearly missed between the record and each of `rows`."""
        other = self._quantities.achievements if self._from_demand else self._quantities.demands
        misses = np.zeros(len(rows), dtype=np.int64)
        for table, part, places in other.parts(rows):
            misses[places] = self._compare(table, part).hard_misses
        return misses


def graph_synonyms(graph: KnowledgeGraph) -> Synonyms:
    """Return a function from a term to its other names in the graph: those that texts define, not those that are near."""
    relations, terms, numbers = graph.relations, graph.vocabulary.terms, graph.vocabulary.numbers

    def synonyms(term: str) -> Iterable[str]:
        number = numbers.get(term)
        if number is None:
            return []
        places = range(*relations.neighbours(number).indices(len(relations.targets)))
        return [
            terms[int(relations.targets[place])]
            for place in places
            if relations.relations[place] == Relation.SYNONYM
            and relations.support[place] >= LEAST_TEXTS
            and relations.strengths[place] >= LEAST_STRENGTH
        ]

    return synonyms
