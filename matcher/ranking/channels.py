"""Candidate channels: independent ways to find records worth scoring, and their fusion into one short list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numba
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


Proposed = tuple[Rows, NDArray[np.float32]]
"""Rows (m,) that a channel proposes, and their scores (m,), best first."""


@dataclass(frozen=True)
class Found:
    """What each channel proposes, by its name; `wordings` is what the searches by other wordings propose, one by one."""

    channels: dict[str, Proposed]
    wordings: dict[str, Proposed] = field(default_factory=dict)


def search_channels(
    vector: FloatArray,
    words: list[str],
    collection: Collection,
    allowed: NDArray[np.bool_],
    feedback: RelevanceFeedback | None = None,
    graph: Callable[[int, NDArray[np.bool_]], Proposed] | None = None,
    depth: int = CHANNEL_DEPTH,
    rewritten: Sequence[tuple[FloatArray, list[str]]] = (),
) -> Found:
    """Return what each channel proposes for a record with the full-text `vector` (d,) and content `words`.

    dense: nearest full texts by the encoder; lexical: BM25; history: nearest to the mean of achievements that did well
    with similar demands, from `feedback` (Rocchio, from outcomes instead of clicks); graph: a function of (depth, allowed)
    that returns what is reached over the knowledge graph; rewriting: what the vectors and words of other wordings find.
    The last three only when looking for achievements.
    """
    if not allowed.any():
        return Found({})
    found: dict[str, Proposed] = {}
    sought = {"dense": (vector, depth)}
    if feedback is not None and feedback.good is not None:
        sought["history"] = (feedback.good, history_depth(depth))
    sought = {name: (near, most) for name, (near, most) in sought.items() if near.any()}
    if sought:  # together: half of what a search costs is the same for both
        rows, cosines = collection.vectors.search(np.stack([near for near, _ in sought.values()]), depth, allowed)
        for number, (name, (_, most)) in enumerate(sought.items()):
            found[name] = _proposed(rows[number, :most], cosines[number, :most])
    if words:
        found["lexical"] = collection.lexical.search(words, depth, allowed)
    if graph is not None:
        found["graph"] = graph(depth, allowed)
    wordings: dict[str, Proposed] = {}
    for number, (near, others) in enumerate(rewritten):
        if near.any():
            rows, cosines = collection.vectors.search(near[None], depth, allowed)
            wordings[f"dense {number}"] = _proposed(rows[0], cosines[0])
        if others:
            wordings[f"lexical {number}"] = collection.lexical.search(others, depth, allowed)
    known = len(collection)
    return Found(*({name: _known(part, known) for name, part in parts.items()} for parts in (found, wordings)))


def history_depth(depth: int) -> int:
    """Return how many candidates history proposes where other channels propose `depth`."""
    return depth // 2


def candidates_of(found: Found, depth: int = CHANNEL_DEPTH, *, asked_again: bool = False) -> Candidates:
    """Return the candidates that channels found, best first; `asked_again` in other wordings, which are one channel."""
    rows = {name: part[0] for name, part in found.channels.items()}
    if asked_again and (rows or found.wordings):
        rows["rewriting"] = fuse({name: part[0] for name, part in found.wordings.items()}).rows[:depth]
    return fuse(rows)


def fuse(found: dict[str, Rows]) -> Candidates:
    """Return the union by reciprocal rank fusion (Cormack et al. 2009).

    A candidate's score is the sum of 1 / (60 + rank) over the channels.
    """
    sizes = np.array([len(rows) for rows in found.values()], dtype=np.int64)
    rows, ranks, fused = _fused(np.concatenate([*found.values(), np.zeros(0, dtype=np.int64)]), sizes)
    return Candidates(CollectionRows(rows), fused, dict(zip(found, ranks, strict=True)))


@numba.njit(nogil=True, cache=True)
def _fused(joined: Rows, sizes: Rows) -> tuple[Rows, Rows, NDArray[np.float64]]:
    """Return the different rows (n,), their ranks (c, n) in c channels and fused scores (n,), best first, lower rows first.

    `joined` are the rows that channel after channel proposes, best first, `sizes` (c,) how many each.
    """
    order = np.argsort(joined, kind="mergesort")
    number = np.empty(len(joined), dtype=np.int64)
    n = 0
    for i in range(len(order)):
        n += i == 0 or joined[order[i]] != joined[order[i - 1]]
        number[order[i]] = n - 1
    rows, ranks, fused = np.empty(n, dtype=np.int64), np.zeros((len(sizes), n), dtype=np.int64), np.zeros(n)
    at = 0
    for channel in range(len(sizes)):
        for rank in range(1, sizes[channel] + 1):
            rows[number[at]] = joined[at]
            ranks[channel, number[at]] = rank
            fused[number[at]] += 1.0 / (RRF_CONSTANT + rank)
            at += 1
    best = np.argsort(-fused, kind="mergesort")
    sorted_ranks = np.empty_like(ranks)
    for channel in range(len(sizes)):
        sorted_ranks[channel] = ranks[channel][best]
    return rows[best], sorted_ranks, fused[best]


def _proposed(rows: Rows, scores: NDArray[np.float32]) -> Proposed:
    return rows[rows >= 0], scores[rows >= 0]


def _known(part: Proposed, known: int) -> Proposed:
    """Return what a channel proposes without rows that were written after the collection was read."""
    rows, scores = part
    return (rows, scores) if not len(rows) or rows.max() < known else (rows[rows < known], scores[rows < known])
