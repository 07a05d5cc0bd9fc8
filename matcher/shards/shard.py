"""One shard: an engine over its part of a bundle, and the questions that a request asks of it."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np

from data.columns.arrays import FloatArray
from data.errors import InputError
from data.records import Achievement, Demand
from data.store.reading.results import Change
from matcher.collection.collection import Side
from matcher.collection.rows import CollectionRows, PairIndices, ViewRow
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.ranking.channels import Candidates, Found, Proposed
from matcher.ranking.first_stage import prefilter_features
from matcher.recommendation import SimilarRecord
from matcher.request.pipeline import (
    Query,
    not_ruled_out,
    paired,
    search,
)
from matcher.request.subject import Subject, require_text, stored_form
from matcher.requirements.checker import RequirementChecker
from matcher.shards import wire
from matcher.shards.part import Part

REMEMBERED = 64  # requests whose candidates are kept between two questions of them


class ShardEngine(Engine):
    """Answers for the records of one part: what each question returns holds for these records as in the whole bundle."""

    def __init__(self, model: MatchingModel, part: Part) -> None:
        super().__init__(model)
        self.part = part
        self._asked: OrderedDict[str, tuple[Query, CollectionRows]] = OrderedDict()
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
        return wire.SubjectForm(view.apart(np.array([place], dtype=np.int64)), row is not None, figures)

    def propose(self, asked: wire.Asked) -> wire.Proposal | wire.Refused:
        """Return the candidates that this shard proposes, and keep them in mind for `records`."""
        query = self._query(asked)
        try:
            found = search(query, asked.history, list(asked.wordings))
        except InputError as error:  # a technical field that no record of this shard names
            return wire.Refused(str(error), error.chinese)
        rows = _distinct([*found.channels.values(), *found.wordings.values()])
        retrieved = paired(query, asked.history, Candidates(CollectionRows(rows), np.ones(len(rows)), {}))
        with self._asked_lock:
            self._asked[asked.token] = query, CollectionRows(rows)
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
            tuple(word for word in asked.new_words if len(query.collection.lexical.search([word], 1)[0])),
        )

    def records(self, token: str, places: PairIndices) -> wire.Held | None:
        """Return what is held of candidates proposed before, by their places; None where they are forgotten."""
        with self._asked_lock:
            known = self._asked.pop(token, None)
        if known is None:
            return None
        query, rows = known[0], CollectionRows(known[1][places])
        view, at = query.collection.view_of(rows)
        return wire.Held(view.apart(at), None if query.figures is None else query.figures.other.take(rows))

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

    def _query(self, asked: wire.Asked) -> Query:
        state, scorer = self.state, self.model.scorer
        if scorer is not None and not asked.personalised:
            scorer = scorer.without_history()
        checker = None
        if state.quantities is not None:
            checker = RequirementChecker.of(state.quantities, asked.record, figures=asked.figures)
        subject = Subject(asked.record, asked.view, ViewRow(0), asked.text, None)
        return Query(state, subject, asked.side, scorer, asked.filters, asked.top, checker)


def _distinct(parts: Sequence[Proposed]) -> wire.Rows:
    """Return the rows that channels propose, each once, ascending."""
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(rows for rows, _ in parts)])).astype(np.int64)


def _places(rows: wire.Rows, part: Proposed) -> Proposed:
    """Return what a channel proposes by places in `rows`, ascending."""
    return np.searchsorted(rows, part[0]), part[1]
