"""From scored candidates to the matches of an answer."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from matcher.collection.rows import PairIndices
from matcher.ranking.scorer import Scores
from matcher.recommendation import Match, Reason
from matcher.request.pipeline import Retrieved

SHOWN = ("id", "title", "owner", "region", "status")  # of a record


def matches_of(
    retrieved: Retrieved,
    order: PairIndices,
    scores: Scores | NDArray[np.float64],
    reasons: Sequence[list[Reason]] = (),
    digests: Sequence[str] = (),
) -> list[Match]:
    """Return the candidates in `order` (m,), best first, with what is shown of them.

    `scores` are those of all candidates, or the (n,) numbers that order them where no ranker gave any; `reasons` and
    `digests`, if any, are in the order of `order`.
    """
    candidates, found, places = retrieved.candidates, retrieved.found, retrieved.places
    taught = scores if isinstance(scores, Scores) else None
    numbers = scores.expected if isinstance(scores, Scores) else scores
    matches = []
    for rank, place in enumerate(order.tolist(), start=1):
        card = found.cards.card(int(places[place]), SHOWN)
        matches.append(
            Match(
                rank=rank,
                id=card["id"],
                title=card["title"],
                owner=card["owner"],
                region=card["region"],
                status=card["status"],
                probability=None if taught is None else round(float(taught.probability[place]), 4),
                deal_probability=None if taught is None else taught.deal_at(place),
                grade=None if taught is None else int(taught.grade[place]),
                score=round(float(numbers[place]), 6),
                channels=candidates.proposed_by(place),
                reasons=reasons[rank - 1] if reasons else [],
                features_digest=digests[rank - 1] if digests else "",
            )
        )
    return matches


def digests_of(rows: NDArray[np.float32]) -> list[str]:
    """Return 64 bits of BLAKE2b of each of the rows of features, as 16 hex digits."""
    return [blake2b(row.tobytes(), digest_size=8).hexdigest() for row in np.ascontiguousarray(rows)]
