"""From outcome events to graded pairs."""

from collections.abc import Iterable

import numpy as np

from data.records import EventKind, OutcomeEvent
from matcher.cards import Cards
from matcher.scorer import GradedPairs

JUDGEMENT_WEIGHT = 1.0
IMPRESSION_WEIGHT = 0.5  # shown and not taken up: weak evidence, the position may be to blame
OUTCOME_WEIGHT = 1.0
MAX_PAIRS = 200_000


def graded_pairs(events: Iterable[OutcomeEvent], demands: Cards, achievements: Cards, seed: int = 0) -> GradedPairs:
    """Return what became of each pair that both sides still know.

    A pair's grade is the best that happened to it (see `data.records.GRADES`); a decline ends what came before it at grade
    0. Every expert judgement is a row of its own, so that experts may disagree. Of more than `MAX_PAIRS` rows a random
    sample is kept, judgements and contacts first.
    """
    best: dict[tuple[int, int], int] = {}
    judged: list[tuple[int, int, int]] = []
    for event in events:
        d, a = demands.rows.get(event.demand_id), achievements.rows.get(event.achievement_id)
        if d is None or a is None:
            continue
        if event.kind is EventKind.JUDGEMENT:
            judged.append((d, a, event.grade))
        elif event.kind is EventKind.DECLINE:
            best[d, a] = 0
        else:
            best[d, a] = max(best.get((d, a), 0), event.grade)
    observed = [(d, a, grade) for (d, a), grade in best.items()]
    rows = np.array([*judged, *observed], dtype=np.int64).reshape(-1, 3)
    weight = np.r_[
        np.full(len(judged), JUDGEMENT_WEIGHT),
        np.where(rows[len(judged) :, 2] > 0, OUTCOME_WEIGHT, IMPRESSION_WEIGHT),
    ]
    if len(rows) > MAX_PAIRS:
        telling = (np.arange(len(rows)) < len(judged)) | (rows[:, 2] >= 2)
        order = np.lexsort((np.random.default_rng(seed).random(len(rows)), ~telling))
        kept = np.sort(order[:MAX_PAIRS])
        rows, weight = rows[kept], weight[kept]
    return GradedPairs(rows[:, 0], rows[:, 1], rows[:, 2], weight)
