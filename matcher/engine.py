"""The engine: a demand (or an achievement) in, explained matches out. No HTTP, no disk, no clock, no globals."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

import numpy as np

from data.columns.arrays import FloatArray
from data.errors import InputError
from data.records import UNSTORED, Achievement, Demand
from data.store.reading.results import Change
from data.text.foreign import is_understood
from data.text.segment import content_words
from knowledge_graph.reading.paths import Path
from matcher.collection.collection import Collection, Side
from matcher.collection.encoded import EncodedRecords
from matcher.collection.filters import Filters
from matcher.collection.rows import CollectionRows, PairIndices, Placement
from matcher.features.graph import MAX_PATHS, graph_paths
from matcher.model import MatchingModel
from matcher.ranking.diversify import Diversity
from matcher.ranking.familiarity import HOPELESS
from matcher.ranking.pair_scores import Asking, within_reach
from matcher.ranking.verdict import FOREIGN, withheld
from matcher.recommendation import (
    NEAREST_ONLY,
    NO_GOOD_MATCH,
    NOT_UNDERSTOOD,
    Match,
    Recommendation,
    SimilarRecord,
    Verdict,
)
from matcher.request.evidence import listed, reasons_of
from matcher.request.matches import SHOWN, matches_of
from matcher.request.pipeline import (
    Query,
    checked,
    given_pair,
    missing,
    retrieve,
    score,
    select,
    untaught_order,
)
from matcher.request.pool import LocalPool, Pool
from matcher.request.stages import mark_stage
from matcher.request.state import State, side_of
from matcher.request.subject import Subject, find_subject
from matcher.request.verdict import best_probability, list_verdict
from matcher.requirements.checker import RequirementChecker, pair_requirements
from matcher.requirements.misses import report_severity
from matcher.requirements.report import RequirementReport
from matcher.requirements.wording import with_requirement_reports
from matcher.texts.space import record_text

MAX_TOP = 200
NO_RANKER = "尚未训练排序模型，以下按文本相近程度排列"
EMPTY_STORE = "没有符合条件的记录"


class Engine:
    """Answers requests from one loaded model; safe to call from many threads while records are written."""

    def __init__(self, model: MatchingModel) -> None:
        self.model = model
        self._state = State.of(model)
        self._write_lock = Lock()

    def recommend_achievements(
        self,
        demand: Demand,
        *,
        top: int = 10,
        filters: Filters | None = None,
        explain: bool = False,
        personalised: bool = True,
        diversity: Diversity = "balanced",
        rewritings: Sequence[str] = (),
    ) -> Recommendation:
        """Return the `top` best achievements for a demand, stored or not.

        Unless `personalised`, earlier outcomes of this and other demands play no part. `rewritings`, the demand in other
        words, propose candidates besides.

        Raises:
            InputError: the demand has no text to match by, or `top` is not 1-200.

        """
        wanted = filters or Filters()
        return self._recommend(demand, "achievements", top, wanted, explain, personalised, diversity, tuple(rewritings))

    def recommend_demands(
        self,
        achievement: Achievement,
        *,
        top: int = 10,
        filters: Filters | None = None,
        explain: bool = False,
        personalised: bool = True,
        diversity: Diversity = "balanced",
    ) -> Recommendation:
        """Return the `top` demands that an achievement answers best.

        Unless `personalised`, earlier outcomes of the demands play no part.

        Raises:
            InputError: the achievement has no text to match by, or `top` is not 1-200.

        """
        return self._recommend(achievement, "demands", top, filters or Filters(), explain, personalised, diversity)

    def match(self, demand: Demand, achievement: Achievement) -> Match:
        """Return how well one achievement answers one demand, with all reasons.

        Raises:
            InputError: one of them has no text to match by.

        """
        state, scorer = self._state, self.model.scorer
        asking, offering = self.subject(demand), self.subject(achievement)
        retrieved = given_pair(Query(state, asking, "achievements", scorer), offering)
        order = PairIndices(np.zeros(1, dtype=np.intp))
        report = _pair_report(state, asking, offering)
        requirement_reports = [] if report is None else [report]
        severity = np.array([report_severity(one) for one in requirement_reports])
        if scorer is None:
            numbers = untaught_order(retrieved, severity)
            return with_requirement_reports(matches_of(retrieved, order, numbers), requirement_reports)[0]
        scored = missing(score(retrieved, scorer), scorer, severity)
        reasons = reasons_of(self.model, scorer, scored, order)
        return with_requirement_reports(matches_of(retrieved, order, scored.scores, reasons), requirement_reports)[0]

    def requirements(self, demand: Demand, achievement: Achievement) -> RequirementReport | None:
        """Return a demand's figures against what an achievement says of itself; None from a bundle without figures.

        Raises:
            InputError: one of them has no text to match by.

        """
        state = self._state
        return _pair_report(state, self.subject(demand), self.subject(achievement))

    def paths(self, demand: Demand, achievement: Achievement, limit: int = MAX_PATHS) -> list[Path]:
        """Return the strongest paths between two records as they are given; none without a graph or without text."""
        state = self._state
        asking, offering = (self.subject(record, with_text=False) for record in (demand, achievement))
        pair = given_pair(Query(state, asking, "achievements", None), offering)
        return graph_paths(self.model.graph, pair.pairs, limit)[0]

    def similar(self, record: Achievement | Demand, top: int = 10) -> list[SimilarRecord]:
        """Return the `top` records of the same side whose texts are nearest to `record`, open or closed, itself left out.

        Raises:
            InputError: the record has no text to compare, or `top` is not 1-200.

        """
        _require_top(top)
        subject = self.subject(record)
        vector = np.asarray(subject.view.texts.full.vectors[subject.place])
        near = self.near(side_of(record), vector, top + 1)
        return [found for _, _, found in near if found.id != record.record_id][:top]

    def near(self, side: Side, vector: FloatArray, count: int) -> list[tuple[float, int, SimilarRecord]]:
        """Return the `count` records of a side nearest to a vector (d,), with cosine and row, best first."""
        collection = self.collection(side)
        rows, cosines = collection.vectors.search(vector[None], count, collection.current)
        kept = (rows[0] >= 0) & (rows[0] < len(collection))
        found = collection.take(CollectionRows(rows[0][kept]))
        return [
            (cosine, row, SimilarRecord(**found.cards.card(place, SHOWN), similarity=round(cosine, 4)))
            for place, (row, cosine) in enumerate(zip(rows[0][kept].tolist(), cosines[0][kept].tolist(), strict=True))
        ]

    def held(self, side: Side, ids: Sequence[str]) -> EncodedRecords:
        """Return what is known now of those of the given records that there are."""
        collection = self.collection(side)
        rows = [row for record_id in ids if (row := collection.row(record_id)) is not None]
        return collection.take(CollectionRows(np.array(rows, dtype=np.int64)))

    def within_reach(self, side: Side, asking: EncodedRecords, least: float) -> list[tuple[float, str]]:
        """Return score and id of all records of a side whose texts come near enough to the one of `asking`, a row."""
        return within_reach(self.model.space, Asking(side), asking, 0, least, self.collection(side))

    def ids(self, side: Side) -> list[str]:
        """Return the ids of all records of a side that can be found now."""
        collection = self.collection(side)
        known = [*collection.base.cards.ids, *(collection.extra.cards.ids if collection.extra else ())]
        return [known[row] for row in np.flatnonzero(collection.current).tolist()]

    def upsert_achievements(self, records: Sequence[Achievement], deleted: Sequence[str] = ()) -> None:
        """Take in new and changed achievements and forget deleted ones; the next request sees them."""
        if not records and not deleted:
            return
        with self._write_lock:
            state, view = self._state, self.model.record_encoder.achievements(records)
            written, placement = _written(state.achievements, view, records, deleted)
            figures = state.quantities.with_achievements(records, placement) if state.quantities else None
            self._state = replace(state, achievements=written, quantities=figures)

    def upsert_demands(self, records: Sequence[Demand], deleted: Sequence[str] = ()) -> None:
        """Take in new and changed demands and forget deleted ones; the next request sees them."""
        if not records and not deleted:
            return
        with self._write_lock:
            state, view = self._state, self.model.record_encoder.demands(records)
            written, placement = _written(state.demands, view, records, deleted)
            figures = state.quantities.with_demands(records, placement) if state.quantities else None
            self._state = replace(state, demands=written, quantities=figures)

    def apply(self, changes: Sequence[Change]) -> None:
        """Take in what was written to the store since the bundle was built, in the store's order."""
        offered = [change.record for change in changes if isinstance(change.record, Achievement)]
        wanted = [change.record for change in changes if isinstance(change.record, Demand)]
        gone = [change for change in changes if change.record is None]
        self.upsert_achievements(offered, [change.record_id for change in gone if change.kind == "achievements"])
        self.upsert_demands(wanted, [change.record_id for change in gone if change.kind == "demands"])

    @property
    def lacks(self) -> tuple[str, ...]:
        """Parts that do not answer at the moment; an engine that holds all records lacks none."""
        return ()

    @property
    def state(self) -> State:
        """What the next request reads."""
        return self._state

    def collection(self, side: Side) -> Collection:
        """Return the records of a side as the next request sees them."""
        return self._state.collection(side)

    def size(self, side: Side) -> int:
        """Return how many records of a side can be found now."""
        return int(self.collection(side).current.sum())

    def _recommend(
        self,
        record: Achievement | Demand,
        side: Side,
        top: int,
        filters: Filters,
        explained: bool,
        personalised: bool,
        diversity: Diversity,
        rewritings: tuple[str, ...] = (),
    ) -> Recommendation:
        _require_top(top)
        pool = self.pool(record, side, filters, top, personalised=personalised, rewritings=rewritings)
        subject_id = None if record.record_id == UNSTORED else record.record_id
        if not len(pool):
            return self._answer(subject_id, [], EMPTY_STORE, silent=pool.lacks)
        familiar = pool.familiarity()
        foreign = None if familiar is None or familiar >= 1 else FOREIGN
        retrieved = pool.preselected()
        proposed, scorer = retrieved.candidates.proposed(), retrieved.query.scorer
        unread = not is_understood(f"{record.title} {record.content}")
        nothing = NOT_UNDERSTOOD if unread else NO_GOOD_MATCH
        if familiar is not None and familiar < HOPELESS:
            return self._answer(subject_id, [], nothing, verdict=FOREIGN, proposed=proposed, silent=pool.lacks)
        if scorer is None:
            numbers = untaught_order(retrieved)
            chosen = select(retrieved, np.argsort(-numbers, kind="stable"), diversity)
            matches = listed(retrieved, chosen, numbers, explained=explained)
            message = f"{NEAREST_ONLY}；{NO_RANKER}" if foreign else NO_RANKER
            return self._answer(subject_id, matches, message, verdict=foreign, proposed=proposed, silent=pool.lacks)
        scored = checked(score(retrieved, scorer))
        verdict, best = list_verdict(pool.query, scored.scores, familiar), best_probability(scored.scores)
        if best is None or withheld(best, scorer.average, verdict):
            return self._answer(subject_id, [], nothing, verdict=verdict, proposed=proposed, silent=pool.lacks)
        chosen = select(retrieved, np.argsort(-scored.scores.expected, kind="stable"), diversity)
        matches = listed(retrieved, chosen, scored, explained=explained)
        message = NOT_UNDERSTOOD if unread else "" if verdict.answered else NEAREST_ONLY
        return self._answer(subject_id, matches, message, verdict=verdict, proposed=proposed, silent=pool.lacks)

    def pool(
        self,
        record: Achievement | Demand,
        side: Side,
        filters: Filters | None = None,
        top: int = 0,
        *,
        personalised: bool = True,
        rewritings: tuple[str, ...] = (),
    ) -> Pool:
        """Return what is found for a record, for a list of `top`, before it is decided what is scored.

        Raises:
            InputError: the record has no text to match by.

        """
        query = self.query(record, side, filters, top, personalised=personalised, figures=True)
        return LocalPool(retrieve(replace(query, rewritings=rewritings)))

    def query(
        self,
        record: Achievement | Demand,
        side: Side,
        filters: Filters | None = None,
        top: int = 0,
        *,
        personalised: bool = True,
        figures: bool = False,
    ) -> Query:
        """Return a request for candidates on `side` as the pipeline takes it, over the records of this moment.

        `figures` has required figures compared even if no filter asks for it.

        Raises:
            InputError: the record has no text to match by.

        """
        state, scorer, wanted = self._state, self.model.scorer, filters or Filters()
        subject = self.subject(record)
        if scorer and not personalised:
            scorer = scorer.without_history()
        checker = None
        if state.quantities is not None and (figures or wanted.by_figures):
            checker = RequirementChecker.of(state.quantities, record, subject.row)
        mark_stage("subject")
        return Query(state, subject, side, scorer, wanted, top, checker)

    def subject(self, record: Achievement | Demand, *, with_text: bool = True) -> Subject:
        """Return the encoded record, see `find_subject`.

        Raises:
            InputError: the record has no text to match by.

        """
        return find_subject(self._state, record, with_text=with_text)

    def _answer(
        self,
        subject_id: str | None,
        items: list[Match],
        message: str,
        *,
        verdict: Verdict | None = None,
        proposed: dict[str, int] | None = None,
        silent: tuple[str, ...] = (),
    ) -> Recommendation:
        return Recommendation(
            subject_id=subject_id,
            items=items,
            answered=bool(items) if verdict is None else verdict.answered,
            verdict=verdict,
            message=message,
            degraded=self.model.scorer is None,
            bundle_version=self.model.version,
            proposed=proposed or {},
            silent=silent,
        )


def _require_top(top: int) -> None:
    if not 1 <= top <= MAX_TOP:
        raise InputError(f"top is {top}; it must be 1 to {MAX_TOP}")


def _pair_report(state: State, asking: Subject, offering: Subject) -> RequirementReport | None:
    demand, achievement, known = asking.record, offering.record, state.quantities
    if known is None or not isinstance(demand, Demand) or not isinstance(achievement, Achievement):
        return None
    return pair_requirements(known, demand, achievement, asking.row, offering.row)


def _written(
    collection: Collection,
    view: EncodedRecords,
    records: Sequence[Achievement] | Sequence[Demand],
    deleted: Sequence[str],
) -> tuple[Collection, Placement]:
    words = [content_words(record_text(record).full) for record in records]
    return collection.with_updates(view, words, list(deleted))
