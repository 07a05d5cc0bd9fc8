"""The engine of a process that holds no records: it asks all shards, and makes of what they say the one answer.

It has what shards share (text space, terms, history, ranker), reads the record asked about, merges what channels propose,
and decides as an engine over the whole bundle would: what is done with single candidates is done where they are.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

from data.columns.arrays import FloatArray
from data.errors import ShardedError
from data.records import UNSTORED, Achievement, Demand
from data.store.reading.results import Change
from matcher.collection.collection import Collection, Side
from matcher.collection.encoded import EncodedRecords
from matcher.collection.filters import Filters
from matcher.collection.rows import ViewRow
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.ranking.familiarity import new_words
from matcher.recommendation import SimilarRecord
from matcher.request.pipeline import Query, other_wordings, read_history
from matcher.request.state import State
from matcher.request.subject import Subject, require_text
from matcher.shards import wire
from matcher.shards.merged import MergedPool, merged_proposals
from matcher.shards.part import Part, shard_of


class AskingEngine(Engine):
    """Answers requests by asking shards; what needs the records themselves it refuses."""

    def __init__(self, model: MatchingModel, part: Part, shards: wire.Shards) -> None:
        super().__init__(model)
        self.part = part
        self._shards = shards

    def apply(self, changes: Sequence[Change]) -> None:
        """Do nothing: each shard follows the store itself."""

    def subject(self, record: Achievement | Demand, *, with_text: bool = True) -> Subject:
        """Return the encoded record, as its shard keeps it or else as read here."""
        if with_text or record.title or record.content:
            return self._read(record, self._shards.begin())[0]
        return super().subject(record, with_text=with_text)

    def near(self, side: Side, vector: FloatArray, count: int) -> list[tuple[float, int, SimilarRecord]]:
        """Return the nearest records of all shards."""
        found = self._of_all("near", side, vector, count)
        return sorted((one for part in found for one in part), key=lambda one: (-one[0], one[1]))[:count]

    def within_reach(self, side: Side, asking: EncodedRecords, least: float) -> list[tuple[float, str]]:
        """Return what all shards have within reach.

        Raises:
            ClusterError: one of them does not answer; what it holds would never be found again.

        """
        answers = self._of_all("within_reach", side, asking, least)
        if len(answers) < self._shards.count:
            raise wire.silent()
        return [one for part in answers for one in part]

    def ids(self, side: Side) -> list[str]:
        """Return the ids of all records of a side that can be found now."""
        return [record_id for part in self._of_all("ids", side) for record_id in part]

    def size(self, side: Side) -> int:
        """Return how many records of a side can be found now, on the shards that answer."""
        return sum(self._shards.begin().ask("size", dict.fromkeys(range(self._shards.count), (side,))).values())

    @property
    def lacks(self) -> tuple[str, ...]:
        """The shards that do not answer at the moment: "shard 2"."""
        return self._shards.lacks

    @contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """Let the shards take so many seconds for a request inside the block, in all threads."""
        before, self._shards.patience = self._shards.patience, seconds
        try:
            yield
        finally:
            self._shards.patience = before

    def revision(self, known: int) -> int:
        """Return the revision of the store that all shards that answer have taken in, `known` where none does."""
        every = dict.fromkeys(range(self._shards.count), ())
        return min(self._shards.begin().ask("revision", every).values(), default=known)

    @property
    def state(self) -> State:
        """Refuse: the records are elsewhere.

        Raises:
            ShardedError: always.

        """
        raise _elsewhere()

    def collection(self, side: Side) -> Collection:
        """Refuse: the records are elsewhere.

        Raises:
            ShardedError: always.

        """
        raise _elsewhere()

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
        """Refuse: candidates are elsewhere.

        Raises:
            ShardedError: always.

        """
        raise _elsewhere()

    def held(self, side: Side, ids: Sequence[str]) -> EncodedRecords:
        """Return what shards know now of those of the given records that there are."""
        return EncodedRecords.concat(self._of_all("held", side, tuple(ids)))

    def pool(
        self,
        record: Achievement | Demand,
        side: Side,
        filters: Filters | None = None,
        top: int = 0,
        *,
        personalised: bool = True,
        rewritings: tuple[str, ...] = (),
    ) -> MergedPool:
        """Return the candidates that all shards propose together."""
        conversation, scorer = self._shards.begin(), self.model.scorer
        subject, form = self._read(record, conversation)
        if scorer is not None and not personalised:
            scorer = scorer.without_history()
        wanted = filters or Filters()
        query = Query(self._state, subject, side, scorer, wanted, top, rewritings=rewritings)
        history = read_history(query)
        figures = None if form is None else form.figures
        if figures is None and self._state.quantities is not None:
            figures = self._state.quantities.read([record])
        asked = wire.Asked(
            uuid4().hex,
            record,
            subject.view,
            subject.text,
            side,
            wanted,
            top,
            personalised,
            replace(history, known=None),  # what candidates are scored by stays here
            figures,
            tuple(other_wordings(query)),
            new_words(self.model.space, subject.words),
        )
        every = range(self._shards.count)
        proposals = conversation.ask("propose", dict.fromkeys(every, (asked,)))
        if not proposals:
            raise wire.silent()
        bundled = form is not None and form.bundled
        return merged_proposals(query, history, asked, proposals, conversation, bundled=bundled)

    def _read(
        self, record: Achievement | Demand, conversation: wire.Conversation
    ) -> tuple[Subject, wire.SubjectForm | None]:
        """Return the subject that a record is, and what its shard keeps of it, if it keeps it as it is given."""
        text, form = require_text(record), None
        if record.record_id != UNSTORED:
            holder = shard_of(record.record_id, self._shards.count)
            form = conversation.ask("form", {holder: (record,)}).get(holder)
        if form is not None:
            return Subject(record, form.view, ViewRow(0), text, None), form
        return super().subject(record), None

    def _of_all(self, question: str, *arguments: Any) -> list[Any]:
        answers = self._shards.begin().ask(question, dict.fromkeys(range(self._shards.count), arguments))
        if not answers:
            raise wire.silent()
        return list(answers.values())


def _elsewhere() -> ShardedError:
    return ShardedError(
        "this answer needs the records, which are on shards; ask a server without --shards",
        "此项功能需要完整的记录，而本服务的记录在各分片上；请使用未分片的服务",
    )
