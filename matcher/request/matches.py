"""From scored candidates to the matches of an answer."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from matcher.collection.encoded import EncodedRecords
from matcher.ranking.channels import Candidates
from matcher.ranking.scorer import Scores
from matcher.recommendation import Match, Reason

SHOWN = ("id", "title", "owner", "region", "status")  # of a record


def matches_of(
    order: NDArray[np.intp],
    found: EncodedRecords,
    places: NDArray[np.int64],
    candidates: Candidates,
    scores: Scores | None,
    reasons: dict[int, list[Reason]],
    digests: Sequence[str] = (),
) -> list[Match]:
    """Return the candidates at `order` (m,), best first, with what is shown of them.

    Candidate i stands at `places[i]` of `found`; `reasons` are by candidate, `digests` in the order of `order`.
    """
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
                probability=None if scores is None else round(float(scores.probability[place]), 4),
                deal_probability=None if scores is None else scores.deal_at(place),
                grade=None if scores is None else int(scores.median[place]),
                score=round(float(candidates.fused[place] if scores is None else scores.expected[place]), 6),
                channels=candidates.proposed_by(place),
                reasons=reasons.get(place, []),
                features_digest=digests[rank - 1] if digests else "",
            )
        )
    return matches


def digests_of(rows: NDArray[np.float32]) -> list[str]:
    """Return 64 bits of BLAKE2b of each of the rows of features, as 16 hex digits."""
    return [blake2b(row.tobytes(), digest_size=8).hexdigest() for row in np.ascontiguousarray(rows)]
