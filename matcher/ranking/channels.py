"""Candidate channels: independent ways to find records worth scoring, and their fusion into one short list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.collection.collection import Collection
from matcher.collection.encoded import EncodedRecords
from matcher.history.outcome_history import RelevanceFeedback

Rows = NDArray[np.int64]

CHANNEL_DEPTH = 150  # candidates that each channel proposes
RRF_CONSTANT = 60.0


@dataclass(frozen=True)
class Candidates:
    """The union of what the channels proposed, best fused score first.

    `rows` (n,) of the shelf; `fused` (n,) reciprocal-rank-fusion scores; `channels[name]` (n,) rank of the candidate
    in the channel from 1, or 0 where the channel did not propose it.
    """

    rows: Rows
    fused: NDArray[np.float64]
    channels: dict[str, Rows]

    def proposed_by(self, place: int) -> list[str]:
        """Return the channels that proposed the candidate at `place`."""
        return [name for name, rank in self.channels.items() if rank[place] > 0]

    def kept(self, places: NDArray[np.bool_] | NDArray[np.intp]) -> "Candidates":
        """Return the candidates that a mask (n,) sets, or those at some places, in their order."""
        channels = {name: rank[places] for name, rank in self.channels.items()}
        return Candidates(self.rows[places], self.fused[places], channels)

    def proposed(self) -> dict[str, int]:
        """Return how many of the candidates each channel proposed."""
        return {name: int(np.count_nonzero(rank)) for name, rank in self.channels.items()}


def find_candidates(
    subject: EncodedRecords,
    words: list[str],
    shelf: Collection,
    allowed: NDArray[np.bool_],
    feedback: RelevanceFeedback | None = None,
    graph: Callable[[int, NDArray[np.bool_]], Rows] | None = None,
    depth: int = CHANNEL_DEPTH,
    place: int = 0,
) -> Candidates:
    """Return the candidates for the record at `place` of `subject`, whose content words are `words`, best first.

    dense: nearest full texts by the encoder; lexical: BM25; history: nearest to the mean of achievements that did well
    with similar demands, from `feedback` (Rocchio, from outcomes instead of clicks); graph: a function of (depth, allowed)
    that returns the rows reached over the knowledge graph. The last two only when looking for achievements.
    """
    if not allowed.any():
        return fuse({})
    found: dict[str, Rows] = {}
    sought = {"dense": (np.asarray(subject.texts.full.vectors[place]), depth)}
    if feedback is not None and feedback.good is not None:
        sought["history"] = (feedback.good, depth // 2)
    sought = {name: (vector, most) for name, (vector, most) in sought.items() if vector.any()}
    if sought:  # together: half of what a search costs is the same for both
        nearest = shelf.vectors.search(np.stack([vector for vector, _ in sought.values()]), depth, allowed)[0]
        found = {name: _proposed(rows[:most]) for rows, (name, (_, most)) in zip(nearest, sought.items(), strict=True)}
    if words:
        found["lexical"] = _proposed(shelf.lexical.search(words, depth, allowed)[0])
    if graph is not None:
        found["graph"] = graph(depth, allowed)
    known = len(shelf)
    return fuse({name: rows[rows < known] for name, rows in found.items()})


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
    return Candidates(rows[order], fused[order], dict(zip(found, ranks[:, order], strict=True)))


def _union(found: Sequence[Rows]) -> tuple[list[Rows], Rows]:
    """Return where each of the `found` rows stand among the different ones, and these, ascending."""
    joined = np.concatenate([*found, np.zeros(0, dtype=np.int64)])
    rows, place = np.unique(joined, return_inverse=True)
    return np.split(place, np.cumsum([len(part) for part in found])[:-1]) if found else [], rows


def _proposed(rows: Rows) -> Rows:
    return rows[rows >= 0]
