"""The systems that are compared: chance, popularity, BM25, the encoder alone, and gongxu's ranker."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data.files.judged import JudgedPairs
from data.records import Record
from data.settings import Settings
from data.text.segment import content_words
from eval.offline.parts import WHOLE, Part
from knowledge_graph.graph import KnowledgeGraph
from matcher.collection.encoded import EncodedRecords, RecordEncoder
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import ViewRows
from matcher.features.graph import graph_signals
from matcher.features.table import FeatureTable, label_free_table, with_history
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.fit import fit_scorer
from matcher.model import build_graph
from matcher.ranking.scorer import GOOD_GRADE
from matcher.texts.encoding import contextual_encoder, store_encoder
from matcher.texts.space import TextSpace, record_text
from models.lexical_index import LexicalIndex
from models.ranking.calibration import LevelCutpoints
from models.ranking.ordinal import RankerParameters

Rows = NDArray[np.intp]
SYSTEMS = ("random", "popularity", "bm25", "encoder", "ranker")


@dataclass(frozen=True)
class Predicted:
    """What a system says of n rows: a number to order by, a level 1-4, and a probability of level 3 or more if it has one."""

    ranking: NDArray[np.float64]
    levels: NDArray[np.int64]
    probability: NDArray[np.float64] | None = None

    def take(self, rows: Rows) -> "Predicted":
        """Return the given rows."""
        probability = None if self.probability is None else self.probability[rows]
        return Predicted(self.ranking[rows], self.levels[rows], probability)


class System(Protocol):
    """Learns from judged rows of one corpus and predicts others; rows count in the corpus' judged pairs."""

    def fit_predict(self, train: Rows, test: Rows) -> Predicted:
        """Fit on the levels of the rows `train` alone and predict the rows `test`."""


@dataclass(frozen=True)
class Corpus:
    """Judged pairs with everything about their texts that needs no judgement."""

    pairs: JudgedPairs
    record_encoder: RecordEncoder
    demands: EncodedRecords
    achievements: EncodedRecords
    table: FeatureTable
    graph: KnowledgeGraph

    def batch(self, rows: Rows) -> PairBatch:
        """Return the judged pairs of the given rows with their records."""
        d, a = self.pairs.demand_rows[rows], self.pairs.achievement_rows[rows]
        return PairBatch(self.demands, self.achievements, ViewRows(d), ViewRows(a))


def build_corpus(pairs: JudgedPairs, settings: Settings, progress: Callable[[str], None] = lambda _: None) -> Corpus:
    """Fit the text space on all records, as a build does on a store's, and compute the pairs' label-free features."""
    progress("texts")
    encoder = store_encoder(settings, pairs.demands, pairs.achievements)
    records: list[Record] = [*pairs.demands, *pairs.achievements]
    texts = [record_text(record).full for record in records]
    space = TextSpace.fit(encoder, texts, contextual=contextual_encoder(settings))
    progress("views")
    record_encoder, demands, achievements = RecordEncoder.fit(space, pairs.demands, pairs.achievements)
    graph = build_graph(pairs.achievements, pairs.demands, encoder, progress)
    progress("features")
    demands, achievements = demands.with_graph(graph.demands), achievements.with_graph(graph.achievements)
    batch = PairBatch(demands, achievements, ViewRows(pairs.demand_rows), ViewRows(pairs.achievement_rows))
    table = label_free_table(space, batch, graph_signals(graph, batch))
    return Corpus(pairs, record_encoder.with_graph(graph), demands, achievements, table, graph)


class ScoreSystem:
    """A fixed score per row; only the cut points between levels are learned."""

    def __init__(self, corpus: Corpus, scores: NDArray[np.float64]) -> None:
        self.corpus = corpus
        self.scores = scores

    def fit_predict(self, train: Rows, test: Rows) -> Predicted:
        """Fit the cut points on the rows `train`."""
        return _by_cutpoints(self.scores, self.corpus.pairs.levels, train, test)


class PopularitySystem:
    """The mean level that an achievement's text got from other demands, drawn to the overall mean where it got few."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.matter = corpus.achievements.cards.identity_groups()[corpus.pairs.achievement_rows]

    def fit_predict(self, train: Rows, test: Rows) -> Predicted:
        """Count the levels of the rows `train`; a training row is scored without itself."""
        levels = self.corpus.pairs.levels
        size = int(self.matter.max()) + 1
        mean = float(levels[train].mean())
        sums = np.bincount(self.matter[train], weights=levels[train], minlength=size)
        counts = np.bincount(self.matter[train], minlength=size).astype(np.float64)
        scores = (sums[self.matter] + mean) / (counts[self.matter] + 1.0)
        own = (sums[self.matter[train]] - levels[train] + mean) / counts[self.matter[train]]
        scores[train] = own
        return _by_cutpoints(scores, levels, train, test)


class RankerSystem:
    """gongxu's own: features with out-of-fold history, ordinal ranker, posterior median as level."""

    def __init__(self, corpus: Corpus, parameters: RankerParameters | None, threads: int, part: Part = WHOLE) -> None:
        """Take what is judged, and the part of the ranker to leave out."""
        self.corpus = corpus
        self.parameters = part.parameters or parameters
        self.threads = threads
        self.part = part

    def fit_predict(self, train: Rows, test: Rows) -> Predicted:
        """Fit history and ranker on the rows `train`."""
        corpus, pairs = self.corpus, self.corpus.pairs
        graded = GradedPairs(
            pairs.demand_rows[train], pairs.achievement_rows[train], pairs.levels[train] - 1, np.ones(len(train))
        )
        scorer = fit_scorer(
            corpus.demands,
            corpus.achievements,
            graded,
            FeatureTable(corpus.table.values[train], corpus.table.names),
            parameters=self.parameters,
            threads=self.threads,
            calibrate=False,
            blank=self.part.blank,
        )
        known = FeatureTable(corpus.table.values[test], corpus.table.names)
        asked = corpus.batch(test)
        table = with_history(known, scorer.history, asked).blanked(self.part.blank)
        scores = scorer.score(table, asked)
        exceeds = scorer.ranker.predict(table.select(scorer.ranker.feature_names_))
        looked_up = ~np.isnan(scorer.history.judgements(asked))
        grades = np.where(looked_up, scores.grade, scorer.ranker.median_grade(exceeds))
        return Predicted(scores.expected, grades + 1, scorer.ranker.above(exceeds, GOOD_GRADE - 1))


def all_systems(corpus: Corpus, parameters: RankerParameters | None = None, threads: int = 1) -> dict[str, System]:
    """Return the systems of `SYSTEMS` by name."""
    pairs = corpus.pairs
    d, a = pairs.demand_rows, pairs.achievement_rows
    chance = np.random.default_rng(0).random(len(pairs))
    wanted, offered = corpus.demands.texts.full.vectors, corpus.achievements.texts.full.vectors
    return {
        "random": ScoreSystem(corpus, chance),
        "popularity": PopularitySystem(corpus),
        "bm25": ScoreSystem(corpus, _bm25(pairs)),
        "encoder": ScoreSystem(corpus, np.einsum("nd,nd->n", wanted[d], offered[a], dtype=np.float64)),
        "ranker": RankerSystem(corpus, parameters, threads),
    }


def _bm25(pairs: JudgedPairs) -> NDArray[np.float64]:
    """Return (n,) BM25 scores of the judged achievements for their demands' full texts."""
    index = LexicalIndex.build([content_words(record_text(record).full) for record in pairs.achievements])
    scores = np.zeros(len(pairs))
    for row in np.unique(pairs.demand_rows):
        here = np.flatnonzero(pairs.demand_rows == row)
        query = content_words(record_text(pairs.demands[row]).full)
        scores[here] = index.scores(query, pairs.achievement_rows[here])
    return scores


def _by_cutpoints(scores: NDArray[np.float64], levels: NDArray[np.int64], train: Rows, test: Rows) -> Predicted:
    cutpoints = LevelCutpoints().fit(scores[train], levels[train])
    return Predicted(scores[test], cutpoints.predict(scores[test]))
