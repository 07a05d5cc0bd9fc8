"""The candidates of all shards as those of one collection: channels merged, ranks fused, lists made."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from matcher.collection.rows import PairIndices
from matcher.ranking.channels import CHANNEL_DEPTH, Candidates, Found, Proposed, candidates_of, history_depth
from matcher.ranking.diversify import Diversity, diversify
from matcher.ranking.first_stage import preselect_by, with_ranks
from matcher.ranking.scorer import Scores
from matcher.recommendation import Match
from matcher.request.pipeline import Query, familiarity_of
from matcher.request.stages import mark_stage
from matcher.shards import wire

ORDER = ("dense", "history", "lexical", "graph")  # of channels, as one process asks them
Rows = NDArray[np.int64]


def merged_proposals(
    query: Query,
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
    pool = MergedPool(query, asked, proposals, conversation, candidates, at, shards, places, bundled=bundled)
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


class MergedPool:
    """Candidates on several shards; see `matcher.request.pool.Pool`."""

    def __init__(
        self,
        query: Query,
        asked: wire.Asked,
        proposals: Mapping[int, wire.Proposal],
        conversation: wire.Conversation,
        candidates: Candidates,
        at: Rows,
        shards: Rows,
        places: Rows,
        *,
        bundled: bool,
    ) -> None:
        """Take n candidates: `at` (n,) among all proposals one after the other, `places` (n,) in that of their shard."""
        self.query = query
        self._asked = asked
        self._proposals = proposals
        self._conversation = conversation
        self._candidates = candidates
        self._at = at
        self._shards = shards
        self._places = places
        self._bundled = bundled
        self._answered: NDArray[np.intp] = np.zeros(0, dtype=np.intp)  # candidates that were scored, in their order
        self._matches: list[Match] = []
        self._keys: list[tuple[str, str]] = []

    def __len__(self) -> int:
        return len(self._at)

    @property
    def lacks(self) -> tuple[str, ...]:
        """See `Pool`."""
        return self._conversation.lacks

    @property
    def proposed(self) -> dict[str, int]:
        """See `Pool`."""
        return self._candidates.proposed()

    def take(self, chosen: PairIndices) -> "MergedPool":
        """Return the given candidates, in that order."""
        return MergedPool(
            self.query,
            self._asked,
            self._proposals,
            self._conversation,
            self._candidates.kept(chosen),
            self._at[chosen],
            self._shards[chosen],
            self._places[chosen],
            bundled=self._bundled,
        )

    def familiarity(self) -> float | None:
        """See `Pool`."""
        written = {word for one in self._proposals.values() for word in one.written}
        cosines = np.concatenate([one.cosines for one in self._proposals.values()])[self._at]

        def nearest() -> float:
            found = self._conversation.ask("nearest", dict.fromkeys(self._proposals, (self._asked,)))
            return max(found.values(), default=-1.0)

        return familiarity_of(
            self.query, lambda: float(cosines.max()), nearest, written.__contains__, stored=self._bundled
        )

    def preselected(self) -> "MergedPool":
        """See `Pool`."""
        scorer, side = self.query.scorer, self.query.side
        stage = scorer.first_stages.get(side) if scorer else None

        def columns() -> NDArray[np.float32]:
            known = [one.columns for one in self._proposals.values() if one.columns is not None]
            return with_ranks(np.concatenate(known)[self._at], self._candidates)

        kept = preselect_by(stage, len(self), self.query.top, columns)
        named = np.concatenate([one.named for one in self._proposals.values()])[self._at]
        chosen = self.take(PairIndices(np.union1d(kept, np.flatnonzero(named))))
        mark_stage("preselection")
        return chosen

    def order(self) -> NDArray[np.float64]:
        """See `Pool`."""
        parts, order = self._ask_scores()
        numbers: NDArray[np.float64] = np.concatenate([np.zeros(0), *(part.scores for part in parts)])[order]
        return numbers

    def scores(self) -> Scores:
        """See `Pool`."""
        parts, order = self._ask_scores()
        scores = [part.scores for part in parts if isinstance(part.scores, Scores)]
        return Scores.concat(scores).take(order) if scores else Scores.none()

    def select(self, order: NDArray[np.intp], diversity: Diversity) -> PairIndices:
        """See `Pool`."""
        owners, texts = ([key[part] for key in self._keys] for part in (0, 1))
        chosen = diversify(order, _numbered(owners), _numbered(texts), self.query.top, diversity)
        mark_stage("selection")
        return PairIndices(chosen)

    def matches(self, chosen: PairIndices, numbers: Scores | NDArray[np.float64], *, explained: bool) -> list[Match]:
        """See `Pool`."""
        reasoned_by_place = self._explained(chosen) if explained else {}
        matches = []
        for rank, place in enumerate(chosen.tolist(), start=1):
            update = {"rank": rank, "channels": self._candidates.proposed_by(int(self._answered[place]))}
            if (reasoned := reasoned_by_place.get(place)) is not None:
                parts = ("reasons", "requirements", "requirements_text")
                update |= {name: getattr(reasoned, name) for name in parts}
            matches.append(self._matches[place].model_copy(update=update))
        mark_stage("reasons")
        return matches

    def _ask_scores(self) -> tuple[list[wire.Scored], NDArray[np.intp]]:
        """Return what shards say of their candidates, and the order that makes it that of all of them.

        Candidates of a shard that is silent by now are left out.
        """
        of = {shard: np.flatnonzero(self._shards == shard) for shard in np.unique(self._shards).tolist()}
        asked = {shard: (self._asked.token, PairIndices(self._places[own])) for shard, own in of.items()}
        answers = self._conversation.ask("score", asked)
        if asked and not answers:
            raise wire.silent()
        answered = np.concatenate([np.zeros(0, dtype=np.intp), *(of[shard] for shard in answers)])
        order = np.argsort(answered, kind="stable")
        self._answered = answered[order]
        self._matches, self._keys = (
            [every[place] for place in order.tolist()]
            for every in (
                [one for part in answers.values() for one in part.matches],
                [one for part in answers.values() for one in part.keys],
            )
        )
        mark_stage("score")
        return list(answers.values()), order

    def _explained(self, chosen: PairIndices) -> dict[int, Match]:
        """Return the chosen with reasons, by their places among those answered, as far as their shards still answer."""
        at = self._answered[chosen]
        of = {shard: np.flatnonzero(self._shards[at] == shard) for shard in np.unique(self._shards[at]).tolist()}
        asked = {shard: (self._asked.token, PairIndices(self._places[at[own]])) for shard, own in of.items()}
        answers = self._conversation.ask("explain", asked)
        return {
            int(chosen[own]): match
            for shard, found in answers.items()
            for own, match in zip(of[shard].tolist(), found, strict=True)
        }


def _numbered(names: list[str]) -> NDArray[np.int64]:
    """Return (n,) numbers of names, equal for equal ones; -1 for an empty one."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) if name else -1 for name in names], dtype=np.int64)
