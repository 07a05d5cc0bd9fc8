"""Candidate channels: independent ways to find records worth scoring, and their fusion into one short list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray
from matcher.collection.collection import Collection
from matcher.collection.rows import CollectionRows, PairIndices
from matcher.history.outcome_history import RelevanceFeedback

Rows = NDArray[np.int64]

CHANNEL_DEPTH = 150  # candidates that each channel proposes
RRF_CONSTANT = 60.0


@dataclass(frozen=True)
class Candidates:
    """The union of what the channels proposed, best fused score first.

    `rows` (n,) of the collection; `fused` (n,) reciprocal-rank-fusion scores; `channels[name]` (n,) rank of the candidate
    in the channel from 1, or 0 where the channel did not propose it.
    """

    rows: CollectionRows
    fused: NDArray[np.float64]
    channels: dict[str, Rows]

    def proposed_by(self, place: int) -> list[str]:
        """Return the channels that proposed the candidate at `place`."""
        return [name for name, rank in self.channels.items() if rank[place] > 0]

    def kept(self, chosen: NDArray[np.bool_] | PairIndices) -> "Candidates":
        """Return the candidates that a mask (n,) sets, or the given ones, in their order."""
        channels = {name: rank[chosen] for name, rank in self.channels.items()}
        return Candidates(CollectionRows(self.rows[chosen]), self.fused[chosen], channels)

    def proposed(self) -> dict[str, int]:
        """Return how many of the candidates each channel proposed."""
        return {name: int(np.count_nonzero(rank)) for name, rank in self.channels.items()}


def find_candidates(
    vector: FloatArray,
    words: list[str],
    collection: Collection,
    allowed: NDArray[np.bool_],
    feedback: RelevanceFeedback | None = None,
    graph: Callable[[int, NDArray[np.bool_]], CollectionRows] | None = None,
    depth: int = CHANNEL_DEPTH,
    rewritten: Sequence[tuple[FloatArray, list[str]]] = (),
) -> Candidates:
    """Return the candidates for a record with the full-text `vector` (d,) and content `words`, best first.

    dense: nearest full texts by the encoder; lexical: BM25; history: nearest to the mean of achievements that did well
    with similar demands, from `feedback` (Rocchio, from outcomes instead of clicks); graph: a function of (depth, allowed)
    that returns the rows reached over the knowledge graph; rewriting: what the vectors and words of other wordings find.
    The last three only when looking for achievements.
    """
    if not allowed.any():
        return fuse({})
    found: dict[str, Rows] = {}
    sought = {"dense": (vector, depth)}
    if feedback is not None and feedback.good is not None:
        sought["history"] = (feedback.good, depth // 2)
    sought = {name: (near, most) for name, (near, most) in sought.items() if near.any()}
    if sought:  # together: half of what a search costs is the same for both
        nearest = collection.vectors.search(np.stack([near for near, _ in sought.values()]), depth, allowed)[0]
        found = {name: _proposed(rows[:most]) for rows, (name, (_, most)) in zip(nearest, sought.items(), strict=True)}
    if words:
        found["lexical"] = _proposed(collection.lexical.search(words, depth, allowed)[0])
    if graph is not None:
        found["graph"] = graph(depth, allowed)
    if rewritten:
        found["rewriting"] = _found_by(rewritten, collection, allowed, depth)
    known = len(collection)
    return fuse({name: rows[rows < known] for name, rows in found.items()})


def _found_by(
    wordings: Sequence[tuple[FloatArray, list[str]]], collection: Collection, allowed: NDArray[np.bool_], depth: int
) -> Rows:
    """Return the `depth` best rows of several wordings together, by dense and lexical search of each."""
    found: dict[str, Rows] = {}
    for number, (vector, words) in enumerate(wordings):
        if vector.any():
            found[f"dense {number}"] = _proposed(collection.vectors.search(vector[None], depth, allowed)[0][0])
        if words:
            found[f"lexical {number}"] = _proposed(collection.lexical.search(words, depth, allowed)[0])
    return fuse(found).rows[:depth]


def fuse(found: dict[str, Rows]) -> Candidates:
    """Return the union by reciprocal rank fusion (Cormack et al. 2009).

    A candidate's score is the sum of 1 / (60 + rank) over the channels.
    """
    places, rows = _union([*found.values()])
    ranks = np.zeros((len(found), len(rows)), dtype=np.int64)
    for rank, place in zip(ranks, places, strict=True):
        rank[place] = np.arange(1, len(place) + 1)
    fused = np.where(ranks > 0, 1.0 / (RRF_CONSTANT + ranks), 0.0).sum(axis=0)
    order = np.argsort(-fused, kind="stable")
    return Candidates(CollectionRows(rows[order]), fused[order], dict(zip(found, ranks[:, order], strict=True)))


def _union(found: Sequence[Rows]) -> tuple[list[Rows], Rows]:
    """Return the position of each of the `found` rows among the distinct ones, and these, ascending."""
    joined = np.concatenate([*found, np.zeros(0, dtype=np.int64)])
    rows, place = np.unique(joined, return_inverse=True)
    return np.split(place, np.cumsum([len(part) for part in found])[:-1]) if found else [], rows


def _proposed(rows: Rows) -> Rows:
    return rows[rows >= 0]
