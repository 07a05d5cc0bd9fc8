"""The knowledge graph as the rest of the project sees it: describe, signals, retrieve, paths, changes."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from data.cluster.workers import THIS_PROCESS, Workers
from data.columns.features import names_of
from data.records import Achievement, Demand, OutcomeEvent, Record
from knowledge_graph.build import BuiltParts, Progress, build_parts, no_progress
from knowledge_graph.reading import retrieval
from knowledge_graph.reading.paths import Node, Path, PathFinder
from knowledge_graph.reading.signals import (
    PLACE_SIGNALS,
    SIGNAL_NAMES,
    TERM_SIGNALS,
    SignalTables,
    place_signals,
    reverse_term_signals,
    term_signals,
    walk_from,
)
from knowledge_graph.records.describe import Describer
from knowledge_graph.records.holders import (
    Outcomes,
    Portfolios,
    build_portfolios,
    collect_outcomes,
    day_number,
    similar_demands,
)
from knowledge_graph.records.table import GraphRow, RecordTable
from knowledge_graph.relations.matrix import RelationMatrix
from knowledge_graph.relations.synonyms import Encode
from knowledge_graph.renewal import Kept, renewed_parts
from knowledge_graph.schema import NodeKind
from knowledge_graph.storage import NAMES, Stored, read_graph, write_graph, write_renewed, write_shard
from knowledge_graph.taxonomy.chains import load_chains
from knowledge_graph.terms.vocabulary import Vocabulary

if TYPE_CHECKING:
    import networkx as nx

Rows = NDArray[np.int64]
_NO_TERMS = (np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32))


class KnowledgeGraph:
    """Achievements and demands, by their rows at build time, connected by terms and taxonomies.

    It never changes: a record written since is described by it (`describe_all`) and kept elsewhere.
    """

    def __init__(
        self,
        parts: BuiltParts,
        outcomes: Outcomes,
        portfolios: Portfolios | None = None,
        postings: tuple[retrieval.Postings, retrieval.Postings] | None = None,
    ) -> None:
        """Put a graph together; `portfolios` and `postings` (achievements', demands') are computed unless given."""
        self.describer: Describer = parts.describer
        self.achievements: RecordTable = parts.achievements
        self.demands: RecordTable = parts.demands
        self.relations: RelationMatrix = parts.relations
        self.achievement_ids: Sequence[str] = parts.achievement_ids
        self.demand_ids: Sequence[str] = parts.demand_ids
        self.achievement_titles: Sequence[str] = parts.achievement_titles
        self.demand_titles: Sequence[str] = parts.demand_titles
        self.achievement_ipc: Sequence[str] = parts.achievement_ipc
        self.achievement_experts: Sequence[str] = parts.achievement_experts
        self.outcomes = outcomes
        self.tables = SignalTables(self.vocabulary, parts.relations, parts.describer.fields, parts.describer.regions)
        self._term_graph = parts.terms
        self._postings, self._demand_postings = postings or (
            retrieval.Postings.of(self.achievements, len(self.vocabulary)),
            retrieval.Postings.of(self.demands, len(self.vocabulary)),
        )
        self.portfolios = portfolios or build_portfolios(
            self.achievements, self.achievements.mentions(len(self.vocabulary)), len(self.describer.organisations)
        )

    @classmethod
    def build(
        cls,
        achievements: Iterable[Achievement],
        demands: Iterable[Demand],
        *,
        outcomes: Iterable[OutcomeEvent] = (),
        encode: Encode | None = None,
        progress: Progress = no_progress,
        workers: Workers = THIS_PROCESS,
    ) -> Self:
        """Build the graph of the given records; rows are their places in the sequences. Deterministic.

        `encode` turns n texts into (n, d) float32 vectors of length 1 and adds edges between terms of close meaning;
        `outcomes` feed the holders' record; `progress` is called with (step, done, total);
        `workers` read the records.
        """
        parts = build_parts(list(achievements), list(demands), encode, progress, workers)
        graph = cls(parts, Outcomes.empty(len(parts.demand_ids)))
        graph.set_outcomes(outcomes)
        return graph

    def renewed(
        self, achievements: Sequence[Achievement], demands: Sequence[Demand], offers: Kept, asks: Kept
    ) -> "KnowledgeGraph":
        """Return the graph of other records, of which `offers` and `asks` tell which rows this one has; it knows no outcome.

        Terms, relations, frequencies and classifiers stay as they are.
        """
        parts = renewed_parts(self._as_parts(), achievements, demands, offers, asks)
        return KnowledgeGraph(parts, Outcomes.empty(len(parts.demand_ids)))

    def save(self, directory: FilePath, source: FilePath | None = None) -> None:
        """Write the graph into a folder of arrays and strings; one that was `renewed` is linked with its `source`'s."""
        if source is None:
            write_graph(directory, self._stored())
        else:
            write_renewed(directory, self._stored(), source)

    def save_shard(self, directory: FilePath, source: FilePath, achievements: Rows, demands: Rows) -> None:
        """Write the graph of the records at the given rows, ascending; `source` is the folder that this one was read from.

        Terms, relations and frequencies are those of all records: a record is described as before, under another row.
        """
        columns: dict[str, Any] = {}
        for name in NAMES:
            values, rows = getattr(self, name), demands if name.startswith("demand") else achievements
            columns[name] = [values[row] for row in rows.tolist()]
        wanted, offered = self.demands.take(demands), self.achievements.take(achievements)
        parts = replace(self._as_parts(), achievements=offered, demands=wanted, **columns)
        size = len(self.vocabulary)
        postings = (retrieval.Postings.of(table, size) for table in (parts.achievements, parts.demands))
        write_shard(directory, Stored(parts, self.outcomes, self.portfolios, *postings), source)

    def _stored(self) -> Stored:
        return Stored(self._as_parts(), self.outcomes, self.portfolios, self._postings, self._demand_postings)

    @classmethod
    def load(cls, directory: FilePath) -> Self:
        """Read what `save` wrote; arrays are mapped into memory, shared between processes.

        Raises:
            BundleError: the folder holds no graph, one of another format, or a damaged one; the file is named.

        """
        stored = read_graph(directory)
        postings = stored.postings, stored.demand_postings
        return cls(stored.parts, stored.outcomes, stored.portfolios, postings)

    def _as_parts(self) -> BuiltParts:
        return BuiltParts(
            self.describer,
            self.achievements,
            self.demands,
            self.relations,
            lambda: self.terms,
            self.achievement_ids,
            self.demand_ids,
            self.achievement_titles,
            self.demand_titles,
            self.achievement_ipc,
            self.achievement_experts,
        )

    @property
    def vocabulary(self) -> Vocabulary:
        """The terms."""
        return self.describer.vocabulary

    @cached_property
    def terms(self) -> "nx.MultiDiGraph":
        """The graph of terms: nodes are term numbers, edges keyed by relation with confidence and evidence."""
        return self._term_graph()

    def words(self, least: int = 3) -> list[tuple[str, int, str]]:
        """Return the terms of two or more characters that `least` records mention, as `data.segment.add_words` takes them.

        The frequency is 0: just high enough for the word to be kept whole.
        """
        frequent = np.flatnonzero(self.vocabulary.df >= least).tolist()
        return [(term, 0, "n") for term in map(self.vocabulary.terms.__getitem__, frequent) if len(term) > 1]

    # Reading

    def describe(self, record: Record) -> GraphRow:
        """Return terms and taxonomy of a record, known or new; about half a millisecond for 500 characters."""
        return self.describer.describe(record)

    def describe_all(self, records: Sequence[Record]) -> RecordTable:
        """Return terms and taxonomy of records, known or new, one row each."""
        return RecordTable.of([self.describer.describe(record) for record in records])

    def demand(self, row: int) -> GraphRow:
        """Return what the graph knows of a demand by its row."""
        return self.demands.row(row)

    def achievement(self, row: int) -> GraphRow:
        """Return what the graph knows of an achievement by its row."""
        return self.achievements.row(row)

    def signals(
        self,
        demand: GraphRow,
        achievements: Rows,
        *,
        table: RecordTable | None = None,
        demand_row: int | None = None,
        before: date | None = None,
    ) -> NDArray[np.float32]:
        """Return (n, len(SIGNAL_NAMES)) float32 for one demand against the achievements at `achievements` (n,).

        They are rows of `table`, by default of the graph's own achievements; `describe_all` reads others. NaN where the
        graph does not know. `demand_row` names the demand's own row, whose outcomes then do not count:
        the signals of a pair never tell the pair's own outcome. With `before`, only outcomes before that day (UTC)
        count.
        """
        rows = np.ascontiguousarray(achievements, dtype=np.int64)
        table = self.achievements if table is None else table
        mass = walk_from(self.tables, demand)
        owners = table.organisation[rows]
        return np.column_stack(
            [
                term_signals(self.tables, demand, mass, table, rows),
                place_signals(self.tables, demand, table, rows),
                self.portfolios.signal(mass, owners),
                self._holder_record(demand, owners, demand_row, before),
            ]
        )

    def reverse_signals(
        self,
        achievement: int,
        demands: Rows,
        *,
        table: RecordTable | None = None,
        asking: RecordTable | None = None,
        before: date | None = None,
    ) -> NDArray[np.float32]:
        """Return (n, len(SIGNAL_NAMES)) float32 for one achievement's row against the demands at `demands` (n,).

        They are rows of `table` and `asking`, by default of the graph's own achievements and demands. The same values as
        `pair_signals`, quicker: everything but the holder's record is computed for all demands at once.
        """
        rows = np.ascontiguousarray(demands, dtype=np.int64)
        own_outcomes = asking is None
        table = self.achievements if table is None else table
        asking = self.demands if asking is None else asking
        here = np.array([achievement], dtype=np.int64)
        owner = table.organisation[here]
        result = np.empty((len(rows), len(SIGNAL_NAMES)), dtype=np.float32)
        middle = len(TERM_SIGNALS)
        known = 0 <= owner[0] < len(self.portfolios.lengths) and bool(self.portfolios.lengths[owner[0]])
        portfolio = self.portfolios.row(int(owner[0]) if known else 0) if len(self.portfolios.lengths) else _NO_TERMS
        terms = reverse_term_signals(self.tables, asking, rows, table, here, portfolio)
        result[:, :middle], result[:, -2] = terms[:, :middle], terms[:, middle] if known else np.nan
        result[:, -1] = np.nan
        if len(self.outcomes.achievement):
            for place, row in enumerate(rows.tolist()):
                stored = row if own_outcomes else None
                result[place, -1] = self._holder_record(asking.row(row), owner, stored, before)[0]
        places = place_signals(self.tables, table.row(achievement), asking, rows)
        # every other distance is symmetric; the step of the chain is not
        places[:, names_of(PLACE_SIGNALS).index("graph_chain_step")] *= -1
        result[:, middle:-2] = places
        return result

    def pair_signals(
        self,
        demands: Rows,
        achievements: Rows,
        *,
        before: Sequence[date | None] | None = None,
    ) -> NDArray[np.float32]:
        """Return (n, len(SIGNAL_NAMES)) float32 for n pairs of rows, each demand's own outcomes left out.

        With `before` (n,), of each pair only outcomes before its day count.
        """
        demands = np.asarray(demands, dtype=np.int64)
        achievements = np.asarray(achievements, dtype=np.int64)
        result = np.empty((len(demands), len(SIGNAL_NAMES)), dtype=np.float32)
        days = np.zeros(len(demands), dtype=np.int64)
        if before is not None:
            days = np.array([day_number(day) if day else np.iinfo(np.int64).max for day in before], dtype=np.int64)
        order = np.lexsort((days, demands))
        new = np.flatnonzero(np.diff(demands[order], prepend=-1) | np.diff(days[order], prepend=days[order][:1]))
        for start, end in pairwise([*new.tolist(), len(order)]):
            places = order[start:end]
            row = int(demands[places[0]])
            day = before[places[0]] if before is not None else None
            result[places] = self.signals(self.demand(row), achievements[places], demand_row=row, before=day)
        return result

    def retrieve(
        self,
        demand: GraphRow,
        k: int,
        allowed: NDArray[np.bool_] | None = None,
        written: RecordTable | None = None,
    ) -> tuple[Rows, NDArray[np.float32]]:
        """Return rows (m,) and scores (m,) of the m <= k achievements that the demand reaches best, best first.

        Reached is whatever shares a term with the demand or with its terms' neighbourhood. `written` achievements, of
        which the graph itself knows nothing, have the rows behind its own. `allowed` bool (achievements,) masks what may
        be returned.
        """
        return retrieval.search(self.tables, demand, self._postings, len(self.achievements), k, allowed, written)

    def paths(
        self, demand: GraphRow, achievement_row: int, limit: int = 3, *, demand_id: str = "", demand_title: str = ""
    ) -> list[Path]:
        """Return the strongest paths between a demand and an achievement of the graph, see `paths_to`."""
        names = self.achievement_ids[achievement_row], self.achievement_titles[achievement_row]
        offers = [(self.achievement(achievement_row), *names)]
        return self.paths_to(demand, offers, limit, demand_id=demand_id, demand_title=demand_title)[0]

    def paths_to(
        self,
        demand: GraphRow,
        achievements: Sequence[tuple[GraphRow, str, str]],
        limit: int = 3,
        *,
        demand_id: str = "",
        demand_title: str = "",
    ) -> list[list[Path]]:
        """Return the `limit` strongest paths between a demand and each achievement, strongest first; maybe none.

        Achievements are given with id and title; `demand_id` and `demand_title` name the demand in the paths.
        `paths.drawing` makes one picture of them.
        """
        known = self.describer
        finder = PathFinder(
            self.vocabulary, self.relations, known.industries, known.fields, known.regions, load_chains()
        )
        asking = Node(f"demand:{demand_id}", NodeKind.DEMAND, demand_title or demand_id or "本需求", "需求")
        offers = [
            (row, Node(f"achievement:{record_id}", NodeKind.ACHIEVEMENT, title, "成果"))
            for row, record_id, title in achievements
        ]
        return finder.find(demand, asking, offers, limit)

    def _holder_record(
        self,
        demand: GraphRow,
        owners: NDArray[np.int32],
        demand_row: int | None,
        before: date | None,
    ) -> NDArray[np.float32]:
        if not len(self.outcomes.achievement):
            return np.full(len(owners), np.nan, dtype=np.float32)
        postings = self._demand_postings
        known = len(self.outcomes.starts) - 1
        similar, cosines = similar_demands(
            demand, postings.starts, postings.records, postings.values, known, demand_row
        )
        day = None if before is None else day_number(before)
        return self.outcomes.record(similar, cosines, self.achievements.organisation, owners, day)

    # Outcomes

    def set_outcomes(self, events: Iterable[OutcomeEvent]) -> None:
        """Replace the outcomes of pairs; events of unknown records and impressions are left out."""
        demands = {record_id: row for row, record_id in enumerate(self.demand_ids)}
        achievements = {record_id: row for row, record_id in enumerate(self.achievement_ids)}
        # the demand postings cover the demands known when they were made
        self.outcomes = collect_outcomes(events, demands, achievements, len(self.demand_ids))

    def with_outcomes(self, events: Iterable[OutcomeEvent]) -> "KnowledgeGraph":
        """Return a graph that shares everything with this one but knows other outcomes: for cross-fitting."""
        other = copy(self)
        other.set_outcomes(events)
        return other
