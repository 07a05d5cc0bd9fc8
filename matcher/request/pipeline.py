"""The one way from a subject to scored candidates.

subject -> history -> candidates -> preselection -> features -> score, then checks, selection and reasons in the engine.
Lists, single pairs, questions, gaps, advice, first-stage training, evaluation and benchmarks all take it. Each step is a
function of frozen values and is marked for whoever listens (`matcher.request.stages`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray, readonly_view
from data.text.segment import content_words
from matcher.collection.collection import Collection, Side
from matcher.collection.encoded import EncodedRecords
from matcher.collection.filters import Filters
from matcher.collection.pairs import KnownDemand, PairBatch
from matcher.collection.rows import CollectionRows, PairIndices, ViewRows
from matcher.features.graph import graph_signals, reached_achievements
from matcher.features.table import FeatureTable
from matcher.history.outcome_history import RelevanceFeedback
from matcher.model import MatchingModel
from matcher.ranking.channels import Candidates, Found, candidates_of, search_channels
from matcher.ranking.diversify import Diversity, diversify
from matcher.ranking.familiarity import familiarity
from matcher.ranking.first_stage import preselect
from matcher.ranking.named import named_grades, only_title
from matcher.ranking.penalty import penalised
from matcher.ranking.prior import MOST_DEVIATIONS, first_day_order
from matcher.ranking.scorer import Scorer, Scores
from matcher.request.exclusions import not_excluded
from matcher.request.stages import mark_stage
from matcher.request.state import State
from matcher.request.subject import Subject
from matcher.requirements.checker import RequirementChecker
from models.vector_index.kernels import products_at

Wording = tuple[FloatArray, list[str]]
"""The vector (d,) and the words of a demand in other words."""


@dataclass(frozen=True)
class Query:
    """A subject and what is looked for: candidates on `side` that pass `filters`, for a list of `top`.

    `scorer` orders them; without one they keep the order of retrieval. `figures` compares required figures, where they
    are asked for. `among` (n,) is a mask of the collection's rows that leaves out more than the filters do. `rewritings` are
    other wordings of the subject, which propose candidates and nothing more.
    """

    state: State
    subject: Subject
    side: Side
    scorer: Scorer | None
    filters: Filters = field(default_factory=Filters)
    top: int = 0
    figures: RequirementChecker | None = None
    among: NDArray[np.bool_] | None = None
    rewritings: tuple[str, ...] = ()

    @property
    def collection(self) -> Collection:
        """The records that are looked among."""
        return self.state.collection(self.side)


@dataclass(frozen=True)
class DemandHistory:
    """A demand as the history knows it, and relevance feedback from similar ones."""

    known: KnownDemand | None = None
    feedback: RelevanceFeedback | None = None


@dataclass(frozen=True)
class Retrieved:
    """Candidates of a query, each paired with its subject; `pairs[i]` is that of the candidate `candidates.rows[i]`.

    `named` (n,) is the grade that a candidate has for being the record that the subject's text names, 0 for most.
    """

    query: Query
    history: DemandHistory
    candidates: Candidates
    pairs: PairBatch
    named: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def found(self) -> EncodedRecords:
        """The view that holds the candidates."""
        return self.pairs.achievements if self.query.side == "achievements" else self.pairs.demands

    @property
    def places(self) -> ViewRows:
        """(n,) rows of the candidates in `found`."""
        return self.pairs.a if self.query.side == "achievements" else self.pairs.d

    def take(self, chosen: PairIndices) -> "Retrieved":
        """Return the given candidates, in that order."""
        candidates, pairs = self.candidates.kept(chosen), self.pairs.take(chosen)
        return replace(self, candidates=candidates, pairs=pairs, named=self.named[chosen])


@dataclass(frozen=True)
class Scored:
    """Retrieved candidates with their features and scores, row by row."""

    retrieved: Retrieved
    table: FeatureTable
    scores: Scores


def read_history(query: Query) -> DemandHistory:
    """Return what earlier outcomes say of the subject; nothing unless it is a demand and the scorer knows outcomes."""
    scorer, subject = query.scorer, query.subject
    if scorer is None or query.side != "achievements" or scorer.history.kernel is None:
        return DemandHistory()
    known = scorer.history.known_demand(subject.view, subject.place)
    dimensions = subject.view.texts.full.vectors.shape[1]
    found = DemandHistory(known, scorer.history.feedback(known, dimensions))
    mark_stage("history")
    return found


def retrieve(query: Query) -> Retrieved:
    """Return what the channels propose of the records that pass the filters, best fused rank first."""
    history, wordings = read_history(query), other_wordings(query)
    candidates = candidates_of(search(query, history, wordings), asked_again=bool(wordings))
    kept = not_ruled_out(query, candidates.rows)
    retrieved = paired(query, history, candidates if kept.all() else candidates.kept(kept))
    mark_stage("candidates")
    return retrieved


def search(query: Query, history: DemandHistory, wordings: list[Wording]) -> Found:
    """Return what each channel proposes of the records that pass the filters, see `other_wordings`."""
    collection, subject = query.collection, query.subject
    allowed = collection.allowed(query.filters)
    if query.among is not None:
        allowed = allowed & query.among
    graph, described = query.state.model.graph, subject.view.graph
    reach = None
    if graph is not None and described is not None and query.side == "achievements":
        reach = partial(reached_achievements, graph, described.row(subject.place), collection)
    vector = np.asarray(subject.view.texts.full.vectors[subject.place])
    return search_channels(vector, subject.words, collection, allowed, history.feedback, reach, rewritten=wordings)


def not_ruled_out(query: Query, rows: CollectionRows) -> NDArray[np.bool_]:
    """Return (n,) which candidates pass the filters by figures and are not what the subject rules out by name."""
    kept = np.ones(len(rows), dtype=np.bool_)
    if query.figures is not None and query.filters.by_figures:
        kept &= query.figures.allowed(rows, query.filters)
    if query.subject.text.excluded:
        kept &= not_excluded(query.collection, rows, query.subject.text.excluded)
    return kept


def paired(query: Query, history: DemandHistory, candidates: Candidates) -> Retrieved:
    """Return candidates, each paired with the query's subject."""
    found, places = query.collection.view_of(candidates.rows)
    return paired_with(query, history, candidates, found, places)


def other_wordings(query: Query) -> list[Wording]:
    """Return the vector (d,) and the words of each other wording of a demand."""
    if not query.rewritings:
        return []
    vectors = query.state.model.space.encoder.encode(list(query.rewritings), "query")
    return [(vector, content_words(text)) for vector, text in zip(vectors, query.rewritings, strict=True)]


def relative_familiarity(retrieved: Retrieved) -> float | None:
    """Return the subject's familiarity to the collection over the least that is usual; None where that is not known.

    Below 1 a demand asks for what the achievements hardly speak of, see `matcher.ranking.familiarity`.
    """
    query, subject = retrieved.query, retrieved.query.subject
    vector = np.asarray(subject.view.texts.full.vectors[subject.place])
    lexical = query.collection.lexical

    def nearest() -> float:
        return float(query.collection.vectors.search(vector[None], 1, query.collection.current)[1][0, 0])

    return familiarity_of(
        query,
        lambda: float(products_at(readonly_view(retrieved.found.texts.full.vectors), vector, retrieved.places).max()),
        nearest,
        lambda word: bool(len(lexical.search([word], 1)[0])),
        stored=subject.row is not None,
    )


def familiarity_of(
    query: Query,
    best: Callable[[], float],
    nearest: Callable[[], float],
    written: Callable[[str], bool],
    *,
    stored: bool,
) -> float | None:
    """Return what `relative_familiarity` does of a subject, maybe a `stored` one.

    `best` returns the cosine of its best candidate, `nearest` that of the nearest record, `written` whether a word that
    the text space does not know is in a record now.
    """
    model = query.state.model
    if query.side != "achievements" or not model.least_familiarity:
        return None
    words, known_to_be = query.subject.words, cache(written)

    def relative(cosine: float) -> float:
        known = familiarity(model.space, words, cosine, stored=stored, written=known_to_be)
        return known / float(model.least_familiarity or 1)

    cosine = best()
    share = relative(cosine)
    if share >= 1:
        return share
    # What filters leave out tells of the topic too: few records that pass them must not make it foreign.
    return relative(max(cosine, nearest()))


def preselected(retrieved: Retrieved) -> Retrieved:
    """Return the candidates that are worth all features."""
    query = retrieved.query
    stage = query.scorer.first_stages.get(query.side) if query.scorer else None
    feedback = retrieved.history.feedback
    kept = preselect(stage, retrieved.pairs, retrieved.candidates, feedback, query.top, query.side)
    if retrieved.named.any():
        kept = PairIndices(np.union1d(kept, np.flatnonzero(retrieved.named)))
    chosen = retrieved.take(kept)
    mark_stage("preselection")
    return chosen


def score(retrieved: Retrieved, scorer: Scorer) -> Scored:
    """Return the candidates with their features and scores, in their order."""
    table = features(retrieved.query.state.model, scorer, retrieved.pairs)
    scores = scorer.score(table, retrieved.pairs, retrieved.named)
    mark_stage("score")
    return Scored(retrieved, table, scores)


def untaught_order(retrieved: Retrieved, severity: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Return (n,) numbers to order candidates by as long as no outcome taught a ranker, missed figures included.

    `severity` (n,) is that of the misses; by default the query's figures are compared.
    """
    query = retrieved.query
    order = first_day_order(query.state.model.label_free_table(retrieved.pairs), query.side) + retrieved.named
    severity = _severity(retrieved) if severity is None else severity
    if len(severity):
        order -= MOST_DEVIATIONS * (1.0 - np.exp(-severity))
    mark_stage("score")
    return order


def checked(scored: Scored) -> Scored:
    """Return scored candidates after the check of required figures: what misses some scores less, within a bound."""
    scorer = scored.retrieved.query.scorer
    if scorer is not None:
        scored = missing(scored, scorer, _severity(scored.retrieved))
    mark_stage("checks")
    return scored


def missing(scored: Scored, scorer: Scorer, severity: NDArray[np.float64]) -> Scored:
    """Return scored candidates lowered by their misses, (n,) `severity`, or empty where no figure is required."""
    if not len(severity):
        return scored
    scores = penalised(scored.scores, severity)
    return replace(scored, scores=replace(scores, grade=scorer.grades(scores.expected)))


def _severity(retrieved: Retrieved) -> NDArray[np.float64]:
    """Return (n,) how severely candidates miss the query's required figures; empty where none are asked for."""
    figures = retrieved.query.figures
    if figures is None or not len(retrieved):
        return np.zeros(0)
    return figures.severity(retrieved.candidates.rows)


def features(model: MatchingModel, scorer: Scorer, pairs: PairBatch) -> FeatureTable:
    """Return all features of pairs, whoever proposed them."""
    signals = graph_signals(model.graph, pairs)
    mark_stage("graph signals")
    table = scorer.table(model.space, pairs, signals)
    mark_stage("features")
    return table


def given_pair(query: Query, other: Subject) -> Retrieved:
    """Return one record that nobody had to propose as the query's only candidate; its fused score is a cosine."""
    subject = query.subject
    cosine = float(subject.view.texts.full.vectors[subject.place] @ other.view.texts.full.vectors[other.place])
    history = read_history(query)
    found = ViewRows(np.array([other.place], dtype=np.int64))
    row = query.collection.row(other.record.record_id)
    rows = CollectionRows(np.array([-1 if row is None else row], dtype=np.int64))
    candidates = Candidates(rows, np.array([cosine]), {})
    return paired_with(query, history, candidates, other.view, found)


def select(retrieved: Retrieved, order: NDArray[np.intp], diversity: Diversity = "balanced") -> PairIndices:
    """Return the query's `top` of candidates in `order`, best first, none of a text twice and few of one owner."""
    cards, places = retrieved.found.cards, retrieved.places
    chosen = diversify(order, cards.owners[places], cards.text_ids[places], retrieved.query.top, diversity)
    mark_stage("selection")
    return PairIndices(chosen)


def paired_with(
    query: Query, history: DemandHistory, candidates: Candidates, found: EncodedRecords, places: ViewRows
) -> Retrieved:
    """Return the candidates, which are at `places` of `found`, paired with the subject."""
    subject = query.subject
    if query.side == "achievements":
        pairs = PairBatch.of_demand(subject.view, subject.place, found, places, history.known)
    else:
        pairs = PairBatch.of_achievement(subject.view, subject.place, found, places)
    title = only_title(subject.text)
    titles = [found.cards.titles[place] for place in places.tolist()] if title else []
    named = named_grades(title, titles) if title else np.zeros(len(places))
    return Retrieved(query, history, candidates, pairs, named)
