"""Records of one side in encoded form: columns, text vectors and what the graph knows of them, row by row, immutable."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.cluster.workers import THIS_PROCESS, Cut, Workers
from data.columns.arrays import FloatArray, load_mmap
from data.records import Achievement, Demand, Record
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.records.table import RecordTable
from matcher.collection.columns import RecordColumns
from matcher.texts.similarities import (
    CONTEXT,
    SIMILARITIES,
    TextSide,
    achievement_against,
    demand_against,
    similarities,
)
from matcher.texts.space import TextRows, TextSpace, record_text
from models.encoder.base import Encoder, Kind
from models.encoder.record_vectors import RecordVectors

# Records of the other side that a record is compared with to learn what is near for it.
REFERENCE_ACHIEVEMENTS = 256
REFERENCE_DEMANDS = 96


@dataclass(frozen=True)
class EncodedRecords:
    """Records of one side; `typical` (n, 2, s): mean and deviation of its similarities to the reference.

    `graph` holds their terms and taxonomy in the knowledge graph's numbers; None where no graph was given.
    """

    cards: RecordColumns
    texts: TextSide
    typical: FloatArray
    graph: RecordTable | None = None

    def __len__(self) -> int:
        return len(self.cards)

    def take(self, rows: NDArray[np.int64]) -> "EncodedRecords":
        """Return the given rows, in that order."""
        graph = None if self.graph is None else self.graph.take(rows)
        return EncodedRecords(self.cards.take(rows), self.texts.take(rows), self.typical[rows], graph)

    def apart(self, rows: NDArray[np.int64]) -> "EncodedRecords":
        """Return the given rows by themselves, nothing of the others behind them: fit to be sent to another process."""
        graph = None if self.graph is None else self.graph.take(rows)
        return EncodedRecords(self.cards.apart(rows), self.texts.take(rows), self.typical[rows], graph)

    @staticmethod
    def concat(parts: Sequence["EncodedRecords"]) -> "EncodedRecords":
        """Return the rows of all parts, one after the other."""
        graphs = [part.graph for part in parts if part.graph is not None]
        return EncodedRecords(
            RecordColumns.concat([part.cards for part in parts]),
            TextSide.concat([part.texts for part in parts]),
            np.concatenate([part.typical for part in parts]),
            RecordTable.concat(graphs) if len(graphs) == len(parts) else None,
        )

    def terms(self, row: int) -> list[int]:
        """Return the graph's numbers of one record's terms; none without a graph."""
        return [] if self.graph is None else self.graph.row(row).terms.tolist()

    def with_graph(self, table: RecordTable) -> "EncodedRecords":
        """Return the same records with what the graph knows of them, row by row."""
        return replace(self, graph=table)

    def save(self, directory: Path) -> None:
        """Write everything but the graph's rows, which the graph keeps, into `directory`, which is created."""
        directory.mkdir(parents=True)
        self.cards.save(directory / "cards")
        self.texts.save(directory / "texts")
        np.save(directory / "typical.npy", self.typical)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote, mapped into memory; `with_graph` adds the rest."""
        return cls(
            RecordColumns.load(directory / "cards"),
            TextSide.load(directory / "texts"),
            load_mmap(directory / "typical.npy"),
        )


class RecordEncoder:
    """Encodes records: the text space, the reference records of both sides and, once built, the knowledge graph.

    How near is near differs from record to record: a demand in plain words is somewhat like everything, an achievement
    of rare words like nothing. Compared with the same reference at training and at serving time, a similarity becomes
    comparable across demands and achievements.
    """

    def __init__(
        self,
        space: TextSpace,
        reference_demands: TextSide,
        reference_achievements: TextSide,
        graph: KnowledgeGraph | None = None,
    ) -> None:
        self.space = space
        self.reference_demands = reference_demands
        self.reference_achievements = reference_achievements
        self.graph = graph

    def with_graph(self, graph: KnowledgeGraph) -> "RecordEncoder":
        """Return an encoder that also reads what the graph knows of records."""
        encoder = copy(self)
        encoder.graph = graph
        return encoder

    def without_graph(self) -> "RecordEncoder":
        """Return an encoder that reads texts alone."""
        encoder = copy(self)
        encoder.graph = None
        return encoder

    @classmethod
    def fit(
        cls,
        space: TextSpace,
        demands: Sequence[Demand],
        achievements: Sequence[Achievement],
        seed: int = 0,
        workers: Workers = THIS_PROCESS,
    ) -> tuple[Self, EncodedRecords, EncodedRecords]:
        """Draw the reference records and return the viewer with the views of all demands and all achievements."""
        random = np.random.default_rng(seed)
        (asked, demand_side), (offered, achievement_side) = _columns_and_texts(space, demands, achievements, workers)
        record_encoder = cls(
            space,
            demand_side.take(_draw(random, len(demands), REFERENCE_DEMANDS)),
            achievement_side.take(_draw(random, len(achievements), REFERENCE_ACHIEVEMENTS)),
        )
        return (
            record_encoder,
            EncodedRecords(asked, demand_side, record_encoder._typical_of_all(demand_side, workers)),
            EncodedRecords(
                offered, achievement_side, record_encoder._typical_of_all(achievement_side, workers, demands=False)
            ),
        )

    def demands(self, records: Sequence[Demand]) -> EncodedRecords:
        """Return demands in encoded form, stored or new."""
        side = text_side(self.space, records)
        typical = self._typical_of_demands(side)
        return EncodedRecords(RecordColumns.from_records(records), side, typical, self._described(records))

    def achievements(self, records: Sequence[Achievement]) -> EncodedRecords:
        """Return achievements in encoded form, stored or new."""
        side = text_side(self.space, records)
        typical = self._typical_of_achievements(side)
        return EncodedRecords(RecordColumns.from_records(records), side, typical, self._described(records))

    def _described(self, records: Sequence[Demand] | Sequence[Achievement]) -> RecordTable | None:
        return None if self.graph is None else self.graph.describe_all(list(records))

    def save(self, directory: Path) -> None:
        """Write the text space (without its encoders) and the reference records into `directory`, which is created."""
        directory.mkdir(parents=True)
        self.space.save(directory / "text")
        self.reference_demands.save(directory / "reference_demands")
        self.reference_achievements.save(directory / "reference_achievements")

    @classmethod
    def load(cls, directory: Path, encoder: Encoder, contextual: Encoder | None = None) -> Self:
        """Read what `save` wrote."""
        return cls(
            TextSpace.load(directory / "text", encoder, contextual),
            TextSide.load(directory / "reference_demands"),
            TextSide.load(directory / "reference_achievements"),
        )

    def _typical_of_demands(self, demands: TextSide) -> FloatArray:
        reference = self.reference_achievements
        if len(demands) > len(reference):
            return self._typical_of_all(demands, THIS_PROCESS)
        return _mean_and_deviation(similarities(self.space, demands, reference).transpose(1, 0, 2), reference)

    def _typical_of_achievements(self, achievements: TextSide) -> FloatArray:
        reference = self.reference_demands
        if len(achievements) > len(reference):
            return self._typical_of_all(achievements, THIS_PROCESS, demands=False)
        return _mean_and_deviation(similarities(self.space, reference, achievements), reference)

    def _typical_of_all(self, subjects: TextSide, workers: Workers, *, demands: bool = True) -> FloatArray:
        """Return (n, 2, s) of many records, in partitions."""
        rows = workers.parts(range(len(subjects))) or [range(0)]
        parts = Cut(lambda part: subjects.take(np.array(part, dtype=np.int64)), rows)
        reference = self.reference_achievements if demands else self.reference_demands
        return np.concatenate(list(workers.map(_typical_of_part, parts, (self.space.comparing(), reference, demands))))


def text_side(space: TextSpace, records: Sequence[Achievement] | Sequence[Demand]) -> TextSide:
    """Return the text numbers of records."""
    kind: Kind = "query" if records and isinstance(records[0], Demand) else "passage"
    texts = [record_text(record) for record in records]
    return TextSide(
        space.rows([text.title for text in texts], kind),
        space.rows([text.full for text in texts], kind),
        space.in_context(texts, kind),
    )


def _columns_and_texts(
    space: TextSpace, demands: Sequence[Demand], achievements: Sequence[Achievement], workers: Workers
) -> list[tuple[RecordColumns, TextSide]]:
    """Return the columns and the text numbers of all demands and of all achievements."""
    parts: list[tuple[Kind, Sequence[Record]]] = [("query", part) for part in workers.parts(demands) or [demands]]
    first = len(parts)
    parts += [("passage", part) for part in workers.parts(achievements) or [achievements]]
    encoded = list(workers.map(_encoded_part, parts, space.without_context()))
    return [
        _joined(encoded[:first], space.in_context([record_text(record) for record in demands], "query")),
        _joined(encoded[first:], space.in_context([record_text(record) for record in achievements], "passage")),
    ]


def _encoded_part(space: TextSpace, part: tuple[Kind, Sequence[Record]]) -> tuple[RecordColumns, TextRows, TextRows]:
    """Return columns, titles and full texts of one partition's records."""
    kind, records = part
    texts = [record_text(record) for record in records]
    titles, fulls = space.rows([text.title for text in texts], kind), space.rows([text.full for text in texts], kind)
    return RecordColumns.from_records(records), titles, fulls


def _joined(
    encoded: Sequence[tuple[RecordColumns, TextRows, TextRows]], context: RecordVectors
) -> tuple[RecordColumns, TextSide]:
    """Return the columns and the text numbers of one side's partitions."""
    title, full = TextRows.concat([part[1] for part in encoded]), TextRows.concat([part[2] for part in encoded])
    return RecordColumns.concat([part[0] for part in encoded]), TextSide(title, full, context)


def _draw(random: np.random.Generator, n: int, at_most: int) -> NDArray[np.int64]:
    return np.sort(random.permutation(n)[:at_most]).astype(np.int64)


def _typical_of_part(shared: tuple[TextSpace, TextSide, bool], subjects: TextSide) -> FloatArray:
    """Return (n, 2, s) mean and deviation over the reference records, each of which is compared with all n at once."""
    space, reference, subject_is_demand = shared
    against = achievement_against if subject_is_demand else demand_against
    every = np.arange(len(subjects), dtype=np.int64)
    values = np.zeros((len(reference), len(subjects), len(SIMILARITIES)), dtype=np.float32)
    for row in range(len(reference)):
        values[row] = against(space, reference, row, subjects, every)
    return _mean_and_deviation(values, reference)


def _mean_and_deviation(values: FloatArray, reference: TextSide) -> FloatArray:
    """Return (n, 2, s) mean and deviation of (m, n, s) similarities to m reference records; it is at least 0.001."""
    typical = np.zeros((values.shape[1], 2, len(SIMILARITIES)), dtype=np.float32)
    if not len(reference):
        typical[:, 1] = 1.0
        return typical
    typical[:, 0] = values.mean(axis=0)
    typical[:, 1] = np.maximum(values.std(axis=0), 1e-3)
    known = reference.context.known
    if known.any() and not known.all():
        # One reference record without text, 0 where all others are near 0.8, would blur all deviations.
        readable = values[known]
        typical[:, 0, CONTEXT] = readable.mean(axis=0)[:, CONTEXT]
        typical[:, 1, CONTEXT] = np.maximum(readable.std(axis=0)[:, CONTEXT], 1e-3)
    return typical
