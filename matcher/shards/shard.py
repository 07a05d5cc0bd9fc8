"""One shard: an engine over its part of a bundle, and the questions that a request asks of it."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np

from data.columns.arrays import FloatArray
from data.errors import InputError
from data.records import Achievement, Demand
from data.store.reading.results import Change
from data.text.segment import content_words
from matcher.collection.collection import Side
from matcher.collection.rows import CollectionRows, PairIndices, ViewRow
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.ranking.channels import Candidates, Found, Proposed
from matcher.ranking.first_stage import prefilter_features
from matcher.recommendation import Match, SimilarRecord
from matcher.request.matches import matches_of
from matcher.request.pipeline import (
    Query,
    Retrieved,
    Scored,
    checked,
    not_ruled_out,
    paired,
    score,
    search,
    untaught_order,
)
from matcher.request.pool import evidence_of, requirement_reports
from matcher.request.subject import Subject, require_text, stored_form
from matcher.requirements.checker import RequirementChecker
from matcher.requirements.wording import with_requirement_reports
from matcher.shards import wire
from matcher.shards.part import Part

REMEMBERED = 64  # requests whose candidates are kept between two questions of them


class ShardEngine(Engine):
    """Answers for the records of one part: what each question returns holds for these records as in the whole bundle."""

    def __init__(self, model: MatchingModel, part: Part) -> None:
        super().__init__(model)
        self.part = part
        self._asked: OrderedDict[str, tuple[bool, Retrieved]] = OrderedDict()
        self._asked_lock = Lock()

    def apply(self, changes: Sequence[Change]) -> None:
        """Take in what was written to the store since, as far as it is this shard's."""
        super().apply([change for change in changes if self.part.holds(change.record_id)])

    def form(self, record: Achievement | Demand) -> wire.SubjectForm | None:
        """Return a record as it is kept here, None unless what is kept says the same."""
        state = self.state
        found = stored_form(state, record, require_text(record))
        if found is None:
            return None
        view, place, row = found
        figures = None
        if state.quantities is not None:
            table, at = state.quantities.locate(record, row)
            figures = table if row is None else table.take(np.array([at], dtype=np.int64))
        return wire.SubjectForm(view.apart(place), row is not None, figures)

    def propose(self, asked: wire.Asked) -> wire.Proposal | wire.Refused:
        """Return the candidates that this shard proposes, and keep them in mind for `score`."""
        query = self._query(asked)
        try:
            found = search(query, asked.history, list(asked.wordings))
        except InputError as error:  # a technical field that no record of this shard names
            return wire.Refused(str(error), error.chinese)
        rows = _distinct([*found.channels.values(), *found.wordings.values()])
        retrieved = paired(query, asked.history, Candidates(CollectionRows(rows), np.ones(len(rows)), {}))
        with self._asked_lock:
            self._asked[asked.token] = asked.explained, retrieved
            while len(self._asked) > REMEMBERED:
                self._asked.popitem(last=False)
        scorer, feedback = query.scorer, asked.history.feedback
        taught = scorer is not None and asked.side in scorer.first_stages and len(rows)
        vectors = np.asarray(asked.view.texts.full.vectors)
        return wire.Proposal(
            self.part.numbers(asked.side, rows),
            Found(
                *({name: _places(rows, one) for name, one in part.items()} for part in (found.channels, found.wordings))
            ),
            not_ruled_out(query, CollectionRows(rows)),
            retrieved.named,
            np.asarray(retrieved.found.texts.full.vectors[retrieved.places] @ vectors[0]),
            prefilter_features(retrieved.pairs, retrieved.candidates, feedback, asked.side) if taught else None,
            self._written(asked),
        )

    def score(self, token: str, places: PairIndices) -> wire.Scored | None:
        """Return the scores of candidates proposed before, by their places; None where they are forgotten."""
        retrieved = self._recalled(token, "score")
        if retrieved is None:
            return None
        retrieved = retrieved.take(places)
        scored, every = _scored(retrieved), PairIndices(np.arange(len(retrieved), dtype=np.intp))
        numbers = untaught_order(retrieved) if scored is None else scored.scores
        digests = evidence_of(retrieved, scored, every, explained=False)[1]
        keys = retrieved.found.cards.owner_and_text(retrieved.places)
        return wire.Scored(numbers, tuple(matches_of(retrieved, every, numbers, digests=digests)), tuple(keys))

    def explain(self, token: str, places: PairIndices) -> list[Match] | None:
        """Return candidates proposed before with reasons and requirement reports; None where they are forgotten."""
        retrieved = self._recalled(token, "explain")
        if retrieved is None:
            return None
        retrieved = retrieved.take(places)
        scored, every = _scored(retrieved), PairIndices(np.arange(len(retrieved), dtype=np.intp))
        numbers = np.zeros(len(retrieved)) if scored is None else scored.scores
        reasons, digests = evidence_of(retrieved, scored, every, explained=True)
        matches = matches_of(retrieved, every, numbers, reasons, digests)
        return with_requirement_reports(matches, requirement_reports(retrieved, every))

    def nearest(self, asked: wire.Asked) -> float:
        """Return the cosine of the record whose full text is nearest to the question's, whatever filters say."""
        collection = self.collection(asked.side)
        vector = np.asarray(asked.view.texts.full.vectors[:1])
        return float(collection.vectors.search(vector, 1, collection.current)[1][0, 0])

    def near(self, side: Side, vector: FloatArray, count: int) -> list[tuple[float, int, SimilarRecord]]:
        """Return the nearest records as an engine does, under numbers that no other shard gives."""
        found = super().near(side, vector, count)
        numbers = self.part.numbers(side, np.array([row for _, row, _ in found], dtype=np.int64)).tolist()
        return [(cosine, number, one) for (cosine, _, one), number in zip(found, numbers, strict=True)]

    def sizes(self) -> dict[Side, int]:
        """Return how many records of each side can be found now."""
        return {side: self.size(side) for side in ("achievements", "demands")}

    def _query(self, asked: wire.Asked) -> Query:
        state, scorer = self.state, self.model.scorer
        if scorer is not None and not asked.personalised:
            scorer = scorer.without_history()
        checker = None
        if state.quantities is not None:
            checker = RequirementChecker(state.quantities, asked.record, figures=asked.figures)
        subject = Subject(asked.record, asked.view, ViewRow(0), asked.text, None)
        return Query(state, subject, asked.side, scorer, asked.filters, asked.top, checker)

    def _written(self, asked: wire.Asked) -> tuple[str, ...]:
        """Return the words of a demand that are new since the text space was fitted and that records of this shard use."""
        known, lexical = self.model.space.words.columns, self.collection(asked.side).lexical
        new = dict.fromkeys(word for word in content_words(asked.text.full) if word not in known)
        return tuple(word for word in new if len(lexical.search([word], 1)[0]))

    def _recalled(self, token: str, question: str) -> Retrieved | None:
        """Return what was proposed for a request; it is kept for one more question where reasons are to come."""
        with self._asked_lock:
            explained, retrieved = self._asked.get(token, (False, None))
            if question == "explain" or not explained:
                self._asked.pop(token, None)
            return retrieved


def _scored(retrieved: Retrieved) -> Scored | None:
    scorer = retrieved.query.scorer
    return None if scorer is None else checked(score(retrieved, scorer))


def _distinct(parts: Sequence[Proposed]) -> wire.Rows:
    """Return the rows that channels propose, each once, ascending."""
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(rows for rows, _ in parts)])).astype(np.int64)


def _places(rows: wire.Rows, part: Proposed) -> Proposed:
    """Return what a channel proposes by places in `rows`, ascending."""
    return np.searchsorted(rows, part[0]), part[1]
