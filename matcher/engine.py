"""The engine: a demand (or an achievement) in, explained matches out. No HTTP, no disk, no clock, no globals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.records import UNSTORED, Achievement, Demand
from data.store.store import Change
from data.text.segment import content_words
from knowledge_graph.reading.paths import Path
from matcher.collection.collection import Collection
from matcher.collection.encoded import EncodedRecords
from matcher.collection.filters import Filters
from matcher.explanations.reasons import Pairs, explain
from matcher.features.graph import GraphQuery
from matcher.features.table import FeatureTable
from matcher.model import MatchingModel
from matcher.ranking.channels import Candidates, find_candidates
from matcher.ranking.diversify import Diversity, diversify
from matcher.ranking.first_stage import preselect
from matcher.ranking.scorer import Scorer
from matcher.ranking.verdict import verdict_of, withheld
from matcher.recommendation import NEAREST_ONLY, NO_GOOD_MATCH, Match, Reason, Recommendation, SimilarRecord, Verdict
from matcher.request.matches import SHOWN, digests_of, matches_of
from matcher.request.stages import mark_stage
from matcher.request.subject import Subject, demand_history, require_text
from matcher.requirements.collection import Quantities
from matcher.requirements.lens import RequirementChecker, pair_ledger
from matcher.requirements.wording import with_ledgers
from matcher.texts.space import record_text

Rows = NDArray[np.int64]
Side = Literal["achievements", "demands"]
MAX_TOP = 200
NO_RANKER = "尚未训练排序模型，以下按检索相关度排列"
EMPTY_STORE = "没有符合条件的记录"


@dataclass(frozen=True)
class _Collections:
    """The state a request works on: both shelves of one moment."""

    achievements: Collection
    demands: Collection
    quantities: Quantities | None = None


class Engine:
    """Answers requests from one loaded model; safe to call from many threads while records are written."""

    def __init__(self, model: MatchingModel) -> None:
        self.model = model
        self._shelves = _Collections(model.achievements, model.demands, model.quantities)
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
    ) -> Recommendation:
        """Return the `top` best achievements for a demand, stored or not.

        Unless `personalised`, earlier outcomes of this and other demands play no part.

        Raises:
            InputError: the demand has no text to match by, or `top` is not 1-200.

        """
        return self._recommend(demand, "achievements", top, filters or Filters(), explain, personalised, diversity)

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
        """Return how well one achievement answers one demand, with all reasons; without a ranker the score is a cosine.

        Raises:
            InputError: one of them has no text to match by.

        """
        scorer = self.model.scorer
        asking, offering = self.subject(demand), self.subject(achievement)
        wanted, offered = asking.view, offering.view
        d, a = np.array([asking.place], dtype=np.int64), np.array([offering.place], dtype=np.int64)
        cosine = float(wanted.texts.full.vectors[asking.place] @ offered.texts.full.vectors[offering.place])
        pair = Candidates(np.zeros(1, dtype=np.int64), np.array([cosine]), {})
        order, known = np.zeros(1, dtype=np.intp), self.model.quantities
        ledgers = [pair_ledger(known, demand, achievement, asking.row, offering.row)] if known else []
        if scorer is None:
            return with_ledgers(matches_of(order, offered, a, pair, None, {}), ledgers)[0]
        lens = self._lens(demand, asking.row)
        row = self.model.achievements.base.cards.rows.get(achievement.record_id)
        signals = lens.signals(np.array([row], dtype=np.int64)) if lens and row is not None else None
        table = scorer.table(self.model.space, wanted, offered, d, a, signals)
        rows = None if row is None else np.array([row], dtype=np.int64)
        reasons = self._reasons(scorer, table, order, (wanted, offered, d, a), lens, rows)
        return with_ledgers(matches_of(order, offered, a, pair, scorer.score(table), reasons), ledgers)[0]

    def similar(self, record: Achievement | Demand, top: int = 10) -> list[SimilarRecord]:
        """Return the `top` records of the same side whose texts are nearest to `record`, open or closed, itself left out.

        Raises:
            InputError: the record has no text to compare, or `top` is not 1-200.

        """
        _require_top(top)
        subject = self.subject(record)
        shelf = self._shelves.achievements if isinstance(record, Achievement) else self._shelves.demands
        vector = np.asarray(subject.view.texts.full.vectors[subject.place : subject.place + 1])
        rows, cosines = shelf.vectors.search(vector, top + 1, shelf.current)
        kept = (rows[0] >= 0) & (rows[0] < len(shelf))
        found = shelf.take(rows[0][kept])
        similar = []
        for place, cosine in enumerate(cosines[0][kept].tolist()):
            card = found.cards.card(place, SHOWN)
            if card["id"] != record.record_id:
                similar.append(SimilarRecord(**card, similarity=round(cosine, 4)))
        return similar[:top]

    def ids(self, side: Side) -> list[str]:
        """Return the ids of all records of a side that can be found now."""
        shelf = self.shelf(side)
        known = [*shelf.base.cards.ids, *(shelf.extra.cards.ids if shelf.extra else ())]
        return [known[row] for row in np.flatnonzero(shelf.current).tolist()]

    def upsert_achievements(self, records: Sequence[Achievement], deleted: Sequence[str] = ()) -> None:
        """Take in new and changed achievements and forget deleted ones; the next request sees them."""
        if not records and not deleted:
            return
        with self._write_lock:
            shelf = _written(self._shelves.achievements, self.model.viewer.achievements(records), records, deleted)
            known = self._shelves.quantities
            figures = known.written(achievements=records) if known else None
            self._shelves = replace(self._shelves, achievements=shelf, quantities=figures)

    def upsert_demands(self, records: Sequence[Demand], deleted: Sequence[str] = ()) -> None:
        """Take in new and changed demands and forget deleted ones; the next request sees them."""
        if not records and not deleted:
            return
        with self._write_lock:
            shelf = _written(self._shelves.demands, self.model.viewer.demands(records), records, deleted)
            known = self._shelves.quantities
            figures = known.written(demands=records) if known else None
            self._shelves = replace(self._shelves, demands=shelf, quantities=figures)

    def apply(self, changes: Sequence[Change]) -> None:
        """Take in what was written to the store since the bundle was built, in the store's order."""
        offered = [change.record for change in changes if isinstance(change.record, Achievement)]
        wanted = [change.record for change in changes if isinstance(change.record, Demand)]
        gone = [change for change in changes if change.record is None]
        self.upsert_achievements(offered, [change.record_id for change in gone if change.kind == "achievements"])
        self.upsert_demands(wanted, [change.record_id for change in gone if change.kind == "demands"])

    def shelf(self, side: Side) -> Collection:
        """Return the records of a side as the next request sees them."""
        return self._shelves.achievements if side == "achievements" else self._shelves.demands

    def size(self, side: Side) -> int:
        """Return how many records of a side can be found now."""
        return int(self.shelf(side).current.sum())

    def _recommend(
        self,
        record: Achievement | Demand,
        side: Side,
        top: int,
        filters: Filters,
        explained: bool,
        personalised: bool,
        diversity: Diversity,
    ) -> Recommendation:
        _require_top(top)
        subject = self.subject(record)
        row = subject.row
        mark_stage("subject")
        shelves = self._shelves
        shelf = shelves.achievements if side == "achievements" else shelves.demands
        wants_figures = shelves.quantities is not None and (explained or filters.by_figures)
        figures = RequirementChecker(shelves.quantities, record, row) if shelves.quantities and wants_figures else None
        scorer = self.model.scorer
        if scorer and not personalised:
            scorer = scorer.without_history()
        likeness, feedback = demand_history(scorer, subject) if scorer and side == "achievements" else (None, None)
        lens = self._lens(record, row)
        reach = lens.retrieve if lens and side == "achievements" else None
        words = content_words(subject.text.full)
        candidates = find_candidates(
            subject.view, words, shelf, shelf.allowed(filters), feedback, reach, place=subject.place
        )
        if figures is not None and filters.by_figures:
            candidates = candidates.kept(figures.allowed(candidates.rows, filters))
        mark_stage("candidates")
        subject_id = None if record.record_id == UNSTORED else record.record_id
        if not len(candidates.rows):
            return self._answer(subject_id, [], EMPTY_STORE)
        found, places = shelf.at(candidates.rows)
        stage, is_demand = scorer.first_stages.get(side) if scorer else None, side == "achievements"
        asking = subject.view, subject.place
        kept = preselect(stage, *asking, found, places, candidates, feedback, top, subject_is_demand=is_demand)
        candidates, places = candidates.kept(kept), places[kept]
        mark_stage("first stage")
        if scorer is None:
            order = _select(np.arange(len(places), dtype=np.intp), found, places, top, diversity)
            ledgers = figures.ledgers(candidates.rows[order]) if figures and explained else []
            return self._answer(
                subject_id,
                with_ledgers(matches_of(order, found, places, candidates, None, {}), ledgers),
                NO_RANKER,
                proposed=candidates.proposed(),
            )
        demands, achievements, d, a = _pairs(subject, found, places, side)
        signals = lens.signals(candidates.rows) if lens else None
        table = scorer.table(self.model.space, demands, achievements, d, a, signals, likeness)
        mark_stage("features")
        scores = scorer.score(table)
        order = _select(np.argsort(-scores.expected, kind="stable"), found, places, top, diversity)
        mark_stage("ranker")
        best = float(scores.probability[order].max())
        verdict = self.verdict(best, side)
        if withheld(best, scorer.calibration, verdict):
            return self._answer(subject_id, [], NO_GOOD_MATCH, verdict=verdict, proposed=candidates.proposed())
        reasons: dict[int, list[Reason]] = {}
        if explained:
            sides = (demands, achievements, d, a)
            reasons = self._reasons(scorer, table, order, sides, lens, candidates.rows[order], likeness)
        ledgers = figures.ledgers(candidates.rows[order]) if figures and explained else []
        mark_stage("reasons")
        digests = digests_of(table.select(scorer.ranker.feature_names_)[order])
        matches = with_ledgers(matches_of(order, found, places, candidates, scores, reasons, digests), ledgers)
        message = "" if verdict.answered else NEAREST_ONLY
        return self._answer(subject_id, matches, message, verdict=verdict, proposed=candidates.proposed())

    def subject(self, record: Achievement | Demand) -> Subject:
        """Return a record as requests read it: by what is kept of it if it is stored as given, otherwise reckoned anew.

        Raises:
            InputError: the record has no text to match by.

        """
        text = require_text(record)
        shelf = self._shelves.achievements if isinstance(record, Achievement) else self._shelves.demands
        row = shelf.row(record.record_id)
        if row is not None:
            view, place = shelf.standing(row)
            if view.cards.describes(place, record, text):
                return Subject(view, place, text, row if row < len(shelf.base) else None)
        viewer = self.model.viewer
        view = viewer.achievements([record]) if isinstance(record, Achievement) else viewer.demands([record])
        return Subject(view, 0, text, None)

    def _lens(self, record: Achievement | Demand, row: int | None) -> GraphQuery | None:
        return None if self.model.graph is None else GraphQuery(self.model.graph, record, row)

    def verdict(self, best: float | None, side: Side = "achievements") -> Verdict:
        """Return whether a list with such a best probability is good enough; the threshold is that of demands' lists."""
        scorer, for_demand = self.model.scorer, side == "achievements"
        calibrated = scorer.threshold if scorer and for_demand else None
        return verdict_of(best, scorer.calibration if scorer else None, calibrated, for_demand=for_demand)

    def _reasons(
        self,
        scorer: Scorer,
        table: FeatureTable,
        order: NDArray[np.intp],
        sides: tuple[EncodedRecords, EncodedRecords, Rows, Rows],
        lens: GraphQuery | None,
        rows: Rows | None,
        likeness: NDArray[np.float32] | None = None,
    ) -> dict[int, list[Reason]]:
        """Return the reasons of the table's rows at `order`, whose records are (demands, achievements, d, a).

        In the graph as the asking record sees it, those of the other side stand at `rows`.
        """

        def paths(places: Sequence[int]) -> list[list[Path]]:
            if lens is None or rows is None:
                return [[] for _ in places]
            return lens.paths(rows[list(places)].tolist())

        names = scorer.ranker.feature_names_
        demands, achievements, d, a = sides
        values = table.values[order]
        pairs = Pairs(self.model.space, demands, achievements, d[order], a[order], values, table.names, paths, likeness)
        contributions = scorer.ranker.contributions(table.select(names)[order])
        titles = (self.model.demands.title, self.model.achievements.title)
        return dict(zip(order.tolist(), explain(pairs, scorer.history, titles, contributions, names), strict=True))

    def _answer(
        self,
        subject_id: str | None,
        items: list[Match],
        message: str,
        *,
        verdict: Verdict | None = None,
        proposed: dict[str, int] | None = None,
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
        )


def _require_top(top: int) -> None:
    if not 1 <= top <= MAX_TOP:
        raise InputError(f"top is {top}; it must be 1 to {MAX_TOP}")


def _written(
    shelf: Collection, view: EncodedRecords, records: Sequence[Achievement] | Sequence[Demand], deleted: Sequence[str]
) -> Collection:
    words = [content_words(record_text(record).full) for record in records]
    return shelf.written(view, words, list(deleted))


def _pairs(
    subject: Subject, found: EncodedRecords, places: Rows, side: Side
) -> tuple[EncodedRecords, EncodedRecords, Rows, Rows]:
    """Return (demands, achievements, d, a) for one subject against everything found."""
    one = np.full(len(places), subject.place, dtype=np.int64)
    return (subject.view, found, one, places) if side == "achievements" else (found, subject.view, places, one)


def _select(
    order: NDArray[np.intp], found: EncodedRecords, places: Rows, top: int, diversity: Diversity
) -> NDArray[np.intp]:
    return diversify(order, found.cards.owners[places], found.cards.matters[places], top, diversity)
