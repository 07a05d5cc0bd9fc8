"""The weight of a reranker beside the ranker: fitted, held to a gate, kept in the home, used for that reranker alone."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from data.kinds.disclosure import HIDDEN, PUBLIC, visibility_of
from data.records import MAX_TEXT, Achievement, Demand
from data.text.people import without_people
from matcher.measured import read_measured
from matcher.recommendation import Recommendation

FILE = "rerank.json"
MAX_WEIGHT = 20.0  # grades that a whole unit of the reranker's score may add
READ = 1_200  # characters of a text that a reranker reads
_PENALTY = 1e-3  # of a squared weight: without it what separates the pairs perfectly has no end


class RerankWeight(BaseModel):
    """How much of the reranker's score is added to the ranker's, and what that gained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reranker: str = Field(description="`Reranker.identity` that it was fitted for")
    centre: float = Field(allow_inf_nan=False, description="Mean score in fitting, which changes nothing")
    weight: float = Field(gt=0, le=MAX_WEIGHT)
    gain: float = Field(
        description="NDCG@10 of held-out demands, with minus without, each by a weight fitted on others"
    )
    low: float = Field(gt=0, description="Lower end of its 95% interval: only a sure gain is used")
    high: float
    demands: int = Field(ge=1)
    bundle_version: str
    fitted_at: datetime


@dataclass(frozen=True)
class GradedScores:
    """n pairs of held-out demands: `demands` (n,) numbers, `levels` (n,) 1-4, `ranker` and `reranker` (n,) scores."""

    demands: NDArray[np.int64]
    levels: NDArray[np.int64]
    ranker: NDArray[np.float64]
    reranker: NDArray[np.float64]

    def take(self, rows: NDArray[np.bool_]) -> "GradedScores":
        """Return the pairs of a mask (n,)."""
        return GradedScores(self.demands[rows], self.levels[rows], self.ranker[rows], self.reranker[rows])


def fitted_weight(pairs: GradedScores) -> float:
    """Return the weight in [0, 20] with which the better of two achievements of a demand most often comes first.

    Pairwise logistic loss over all pairs of one demand with different levels; 0 where there is none.
    """
    from scipy.optimize import minimize_scalar  # half a second, which no other command shall pay

    ranker, reranker = [], []
    for number in np.unique(pairs.demands):
        own = pairs.take(pairs.demands == number)
        better, worse = np.nonzero(own.levels[:, None] > own.levels[None, :])
        ranker.append(own.ranker[better] - own.ranker[worse])
        reranker.append(own.reranker[better] - own.reranker[worse])
    first, second = np.concatenate(ranker), np.concatenate(reranker)
    if not len(first):
        return 0.0

    def loss(weight: float) -> float:
        return float(np.logaddexp(0.0, -(first + weight * second)).mean() + _PENALTY * weight**2)

    found = float(minimize_scalar(loss, bounds=(0.0, MAX_WEIGHT), method="bounded").x)
    return found if loss(found) < loss(0.0) else 0.0


def load_weight(home: Path, reranker: str) -> RerankWeight | None:
    """Return the weight that was fitted for this reranker, None if there is none.

    Raises:
        InputError: the file cannot be read.

    """
    found = read_measured(home / FILE, RerankWeight, "gongxu lab rerank")
    return found if found is not None and found.reranker == reranker else None


def reordered(given: Recommendation, scores: NDArray[np.float64], fitted: RerankWeight) -> Recommendation:
    """Return a list whose first (n,) items are put in order again: `score` is the ranker's with the reranker's share.

    Probabilities and grades stay what they are: they were calibrated on the ranker's own scores.
    """
    head, rest = given.items[: len(scores)], given.items[len(scores) :]
    added = [
        round(item.score + fitted.weight * (score - fitted.centre), 4)
        for item, score in zip(head, scores.tolist(), strict=True)
    ]
    order = sorted(range(len(head)), key=lambda place: (-added[place], place))
    items = [
        head[place].model_copy(update={"rank": rank, "score": added[place]}) for rank, place in enumerate(order, 1)
    ]
    return given.model_copy(update={"items": [*items, *rest]})


def rerank_text(record: Achievement | Demand) -> str:
    """Return what a reranker reads of a record: its title, and its content if everybody may see that; no personal data.

    Of a record that is 保密 it is nothing: an endpoint may be somebody else's.
    """
    visibility = visibility_of(record.visibility)
    if visibility == HIDDEN:
        return ""
    text = f"{record.title}。{record.content}" if visibility == PUBLIC and record.content else record.title
    return without_people(text[: min(READ, MAX_TEXT)])
