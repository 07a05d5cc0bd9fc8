"""A bundle's model over the records as they are now, of which only what was written since is read.

What was fitted on all records stays as it was: vocabularies and their weights, topics, reference records, the adapted
encoder, terms, relations, classifiers. Every record has the form that reading all of them again with these would give it.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from data.records import Achievement, Demand, Record
from knowledge_graph.renewal import Kept
from matcher.collection.collection import Side
from matcher.collection.encoded import EncodedRecords, RecordEncoder
from matcher.model import MatchingModel
from matcher.requirements.collection import Quantities, QuantityCollection
from matcher.requirements.table import QuantityTable
from matcher.texts.space import record_text
from models.encoder.base import Encoder

COMPARED = 200  # records that are compared with what the bundle says of them


@dataclass(frozen=True)
class Unlike:
    """Why a bundle's records cannot be taken over."""

    reason: str


def kept_rows(known: EncodedRecords, records: Sequence[Record], changed: Set[str]) -> Kept | Unlike:
    """Return where a bundle keeps the records of a side; those in `changed` are to be read.

    A store that is not the one that the bundle was built from shows by records that the bundle lacks or says otherwise of.
    """
    rows = known.cards.rows
    found = [-1 if record.record_id in changed else rows.get(record.record_id, -2) for record in records]
    if -2 in found:
        return Unlike(f"the bundle lacks {records[found.index(-2)].record_id!r}, which was not written since")
    gone = len(rows) - sum(row >= 0 for row in found) - sum(record_id in rows for record_id in changed)
    if gone:
        return Unlike(f"{gone} records of the bundle are gone, though not deleted since")
    unchanged = [(record, row) for record, row in zip(records, found, strict=True) if row >= 0]
    for record, row in unchanged[:: max(1, len(unchanged) // COMPARED)]:
        if not isinstance(record, Achievement | Demand) or not known.cards.describes(row, record, record_text(record)):
            return Unlike(f"the bundle says otherwise of {record.record_id!r}, which was not written since")
    return Kept(np.array(found, dtype=np.int64), len(known))


def renewed(
    previous: MatchingModel,
    achievements: Sequence[Achievement],
    demands: Sequence[Demand],
    kept: Mapping[Side, Kept],
    contextual: Encoder | None,
    progress: Callable[[str], None] = lambda _: None,
) -> MatchingModel:
    """Return the model over the given records, of which `kept` tells where `previous` has them; it has no scorer.

    `contextual` is the encoder of `previous` that reads in context, maybe one that keeps what it read.
    """
    progress("views")
    space = previous.space.with_context(contextual)
    known = previous.record_encoder
    encoder = RecordEncoder(space, known.reference_demands, known.reference_achievements)
    offers, asks = kept["achievements"], kept["demands"]
    offered = _view(previous.achievements.base, offers, encoder.achievements(offers.to_read(achievements)))
    wanted = _view(previous.demands.base, asks, encoder.demands(asks.to_read(demands)))
    progress("graph")
    graph = previous.graph
    if graph is not None:
        graph = graph.renewed(achievements, demands, offers, asks)
        offered, wanted = offered.with_graph(graph.achievements), wanted.with_graph(graph.demands)
        encoder = encoder.with_graph(graph)
    progress("quantities")
    figures = None if previous.quantities is None else _figures(previous.quantities, achievements, demands, kept)
    progress("indexes")
    return MatchingModel(
        "",
        encoder,
        previous.achievements.renewed(offered, offers.rows, offers.to_read(achievements)),
        previous.demands.renewed(wanted, asks.rows, asks.to_read(demands)),
        None,
        graph,
        figures,
        previous.least_familiarity,
    )


def _view(known: EncodedRecords, kept: Kept, read: EncodedRecords) -> EncodedRecords:
    """Return the records in their order, of which `read` holds those that were read."""
    joined = EncodedRecords.concat([replace(known, graph=None), read]) if len(read) else replace(known, graph=None)
    return joined.take(kept.places)


def _figures(
    known: Quantities, achievements: Sequence[Achievement], demands: Sequence[Demand], kept: Mapping[Side, Kept]
) -> Quantities:
    def table(held: QuantityTable, records: Sequence[Record], rows: Kept) -> QuantityCollection:
        read = known.read(rows.to_read(records))
        return QuantityCollection(QuantityTable.concat([held, read]).take(rows.places).with_distinct_names())

    return known.of(
        table(known.demands.base, demands, kept["demands"]),
        table(known.achievements.base, achievements, kept["achievements"]),
    )
