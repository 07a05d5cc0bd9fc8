"""The candidates of all shards as those of one collection: channels merged, ranks fused, what is scored gathered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from matcher.collection.encoded import EncodedRecords
from matcher.collection.rows import CollectionRows, PairIndices, ViewRows
from matcher.ranking.channels import CHANNEL_DEPTH, Candidates, Found, Proposed, candidates_of, history_depth
from matcher.ranking.first_stage import preselect_by, with_ranks
from matcher.request.pipeline import DemandHistory, Query, Retrieved, familiarity_of, paired, paired_with
from matcher.request.stages import mark_stage
from matcher.requirements.checker import RequirementChecker
from matcher.requirements.collection import QuantityCollection
from matcher.requirements.table import QuantityTable
from matcher.shards import wire

ORDER = ("dense", "history", "lexical", "graph")  # of channels, as one process asks them
Rows = NDArray[np.int64]


def merged_proposals(
    query: Query,
    history: DemandHistory,
    asked: wire.Asked,
    answers: Mapping[int, wire.Proposal | wire.Refused],
    conversation: wire.Conversation,
    *,
    bundled: bool,
) -> "MergedPool":
    """Return the candidates that shards propose together; `bundled` if the bundle holds the very record asked about.

    Raises:
        InputError: all shards refused the request.

    """
    proposals = {shard: one for shard, one in answers.items() if isinstance(one, wire.Proposal)}
    if not proposals:
        refused = next(one for one in answers.values() if isinstance(one, wire.Refused))
        raise InputError(refused.message, refused.chinese)
    parts = [one.found for one in proposals.values()]
    numbers = [one.numbers for one in proposals.values()]
    found = Found(_merged([one.channels for one in parts], numbers), _merged([one.wordings for one in parts], numbers))
    candidates = candidates_of(found, asked_again=bool(asked.wordings))
    everything = np.concatenate(numbers)
    order = np.argsort(everything, kind="stable")
    at = order[
        np.searchsorted(everything, candidates.rows, sorter=order)
    ]  # of each candidate, in all that was proposed
    kept = np.concatenate([one.kept for one in proposals.values()])[at]
    sizes = [len(part) for part in numbers]
    shards = np.repeat(list(proposals), sizes)[at]
    places = np.concatenate([np.arange(size) for size in sizes])[at]
    pool = MergedPool(query, history, asked, proposals, conversation, candidates, at, shards, places, bundled)
    mark_stage("candidates")
    return pool if kept.all() else pool.take(PairIndices(np.flatnonzero(kept)))


def _merged(parts: list[dict[str, Proposed]], numbers: list[Rows]) -> dict[str, Proposed]:
    """Return what each channel would propose if all records were in one collection, best first, equal scores by number."""
    names = {name for part in parts for name in part}
    ordered = [name for name in ORDER if name in names] + sorted(names.difference(ORDER))
    merged = {}
    for name in ordered:
        rows = np.concatenate([own[part[name][0]] for part, own in zip(parts, numbers, strict=True) if name in part])
        scores = np.concatenate([part[name][1] for part in parts if name in part])
        depth = history_depth(CHANNEL_DEPTH) if name == "history" else CHANNEL_DEPTH
        best = np.lexsort((rows, -scores))[:depth]
        merged[name] = (rows[best], scores[best])
    return merged


@dataclass(frozen=True)
class MergedPool:
    """Candidates on several shards; see `matcher.request.pool.Pool`.

    Of n candidates `at` (n,) are their places among all proposals one after the other, `places` (n,) those in the proposal
    of their shard; `bundled` if the bundle holds the very record asked about.
    """

    query: Query
    history: DemandHistory
    asked: wire.Asked
    proposals: Mapping[int, wire.Proposal]
    conversation: wire.Conversation
    candidates: Candidates
    at: Rows
    shards: Rows
    places: Rows
    bundled: bool

    def __len__(self) -> int:
        return len(self.at)

    @property
    def lacks(self) -> tuple[str, ...]:
        """See `Pool`."""
        return self.conversation.lacks

    def take(self, chosen: PairIndices) -> "MergedPool":
        """Return the given candidates, in that order."""
        at, shards, places = self.at[chosen], self.shards[chosen], self.places[chosen]
        return replace(self, candidates=self.candidates.kept(chosen), at=at, shards=shards, places=places)

    def familiarity(self) -> float | None:
        """See `Pool`."""
        written = {word for one in self.proposals.values() for word in one.written}
        cosines = np.concatenate([one.cosines for one in self.proposals.values()])[self.at]

        def nearest() -> float:
            found = self.conversation.ask("nearest", dict.fromkeys(self.proposals, (self.asked,)))
            return max(found.values(), default=-1.0)

        return familiarity_of(
            self.query, lambda: float(cosines.max()), nearest, written.__contains__, stored=self.bundled
        )

    def preselected(self) -> Retrieved:
        """See `Pool`; candidates of a shard that is silent by now are left out."""
        scorer, side = self.query.scorer, self.query.side
        stage = scorer.first_stages.get(side) if scorer else None

        def columns() -> NDArray[np.float32]:
            known = [one.columns for one in self.proposals.values() if one.columns is not None]
            return with_ranks(np.concatenate(known)[self.at], self.candidates)

        kept = preselect_by(stage, len(self), self.query.top, columns)
        named = np.concatenate([one.named for one in self.proposals.values()])[self.at]
        chosen = self.take(PairIndices(np.union1d(kept, np.flatnonzero(named))))
        mark_stage("preselection")
        return chosen._gathered()

    def _gathered(self) -> Retrieved:
        """Return the candidates as they would be found in a collection of nothing else."""
        of = {shard: np.flatnonzero(self.shards == shard) for shard in np.unique(self.shards).tolist()}
        asked = {shard: (self.asked.token, PairIndices(self.places[own])) for shard, own in of.items()}
        if not asked:
            return paired(self.query, self.history, self.candidates)
        answers = self.conversation.ask("records", asked)
        if not answers:
            raise wire.silent()
        parts = list(answers.values())
        answered = np.concatenate([of[shard] for shard in answers])
        order = np.argsort(answered, kind="stable").astype(np.int64)
        candidates = replace(self.candidates.kept(PairIndices(answered[order])), rows=CollectionRows(order))
        found = EncodedRecords.concat([part.view for part in parts])
        query, mine = self.query, self.asked.figures
        figures = [part.figures for part in parts if part.figures is not None]
        if mine is not None and figures:
            other = QuantityCollection(QuantityTable.concat(figures))
            checker = RequirementChecker(mine, 0, other, from_demand=query.side == "achievements")
            query = replace(query, figures=checker)
        mark_stage("records")
        return paired_with(query, self.history, candidates, found, ViewRows(order))
