"""The requirement report seen from one demand or one achievement: what others meet of it, or it of others."""

from collections.abc import Iterable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.records import Achievement, Demand
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.quantities.names import Synonyms
from knowledge_graph.schema import Relation
from matcher.collection.filters import Filters
from matcher.requirements.collection import Quantities, QuantityCollection
from matcher.requirements.misses import miss_severity
from matcher.requirements.report import RequirementMatches, RequirementReport, compare
from matcher.requirements.table import QuantityTable, Rows

LEAST_STRENGTH = 0.8  # of a synonym that parameters are linked by
LEAST_TEXTS = 1  # that define it: names that are merely close are not taken for one


class RequirementChecker:
    """Compares one record with rows of the other side's collection."""

    def __init__(self, mine: QuantityTable, row: int, other: QuantityCollection, *, from_demand: bool) -> None:
        """Compare the record in `row` of `mine` with the rows of `other`, which are achievements if it is a demand."""
        self._mine, self._row = mine, row
        self.other = other
        self._from_demand = from_demand

    @classmethod
    def of(
        cls,
        quantities: Quantities,
        record: Achievement | Demand,
        row: int | None = None,
        figures: QuantityTable | None = None,
    ) -> Self:
        """Look from `record`, which is in its side's `row` of the bundle as it is given, or nowhere (None).

        `figures` are its own, where they were read already.
        """
        from_demand = isinstance(record, Demand)
        mine, at = quantities.locate(record, row) if figures is None else (figures, 0)
        return cls(mine, at, quantities.achievements if from_demand else quantities.demands, from_demand=from_demand)

    def _compare(self, table: QuantityTable, rows: Rows) -> RequirementMatches:
        mine = np.full(len(rows), self._row, dtype=np.int64)
        if self._from_demand:
            return compare(self._mine, mine, table, rows)
        return compare(table, rows, self._mine, mine)

    def reports(self, rows: Rows) -> list[RequirementReport]:
        """Return the requirement reports with records `rows` of the other side, in that order."""
        found: dict[int, RequirementReport] = {}
        for table, part, places in self.other.parts(rows):
            reports = self._compare(table, part)
            found |= {int(place): reports.report(pair) for pair, place in enumerate(places)}
        return [found[place] for place in range(len(rows))]

    def severity(self, rows: Rows) -> NDArray[np.float64]:
        """Return (n,) how badly pairs with `rows` miss required figures, see `miss_severity`."""
        found = np.zeros(len(rows))
        for table, part, places in self.other.parts(rows):
            found[places] = miss_severity(self._compare(table, part))
        return found

    def allowed(self, rows: Rows, filters: Filters) -> NDArray[np.bool_]:
        """Return (n,) which of `rows` pass the filters that speak of figures; what is not known is never a failure."""
        kept = np.ones(len(rows), dtype=np.bool_)
        for table, part, places in self.other.parts(rows):
            kept[places] = _passing(self._compare(table, part), filters)
        return kept


def pair_requirements(
    quantities: Quantities,
    demand: Demand,
    achievement: Achievement,
    demand_row: int | None,
    achievement_row: int | None,
) -> RequirementReport:
    """Return the report of one pair, of which each is in its side's row of the bundle as it is given, or nowhere."""
    wanted, d = quantities.locate(demand, demand_row)
    offered, a = quantities.locate(achievement, achievement_row)
    return compare(wanted, np.array([d], dtype=np.int64), offered, np.array([a], dtype=np.int64)).report(0)


def _passing(reports: RequirementMatches, filters: Filters) -> NDArray[np.bool_]:
    """Return (n,) which pairs pass; NaN (nothing known, nothing required) is not below any bound."""
    least = (
        (reports.share_met, filters.share_met_at_least),
        (reports.share_known, filters.share_known_at_least),
        (reports.worst_margin, filters.worst_margin_at_least),
    )
    kept = np.ones(reports.pairs, dtype=np.bool_)
    if filters.hide_hard_misses:
        kept &= reports.hard_misses == 0
    for column, bound in least:
        if bound is not None:
            kept &= ~(column < bound)
    return kept


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
