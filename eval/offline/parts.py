"""Parts of the engine that can be left out, each alone, to see what they are worth."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from knowledge_graph.reading.signals import SIGNAL_NAMES
from matcher.collection.pairs import PairBatch
from matcher.features.attributes import ATTRIBUTES
from matcher.features.table import FEATURES, FeatureTable
from matcher.history.features import KERNEL_FEATURES, NEIGHBOUR_FEATURES
from matcher.history.outcome_history import History, RelevanceFeedback
from matcher.ranking.scorer import Scorer
from models.ranking.ordinal import RankerParameters

EVERYTHING = 1_000_000  # candidates that a first stage lets through where it is left out
FEW_TREES = RankerParameters(trees=50, learning_rate=0.09)


@dataclass(frozen=True)
class Part:
    """Something to leave out: features that training and serving do not know, or a step that scorers do without.

    `parameters` are of the ranker where the part is one of its settings.
    """

    blank: tuple[str, ...] = ()
    change: Callable[[Scorer], Scorer] = lambda scorer: scorer
    parameters: RankerParameters | None = None

    def left_out(self, scorer: Scorer) -> Scorer:
        """Return a scorer fitted without the part as it is served without it."""
        changed = self.change(scorer)
        return Unknowing.of(changed, self.blank) if self.blank else changed


@dataclass(frozen=True, eq=False)
class Unknowing(Scorer):
    """A scorer to which some features are unknown."""

    blank: tuple[str, ...] = ()

    @classmethod
    def of(cls, scorer: Scorer, blank: tuple[str, ...]) -> Self:
        """Return the scorer without these features."""
        return cls(**vars(scorer), blank=blank)

    def table(self, *described: object) -> FeatureTable:
        """Return all features of pairs, the unknown ones missing."""
        return super().table(*described).blanked(self.blank)  # type: ignore[arg-type]


class _Unasked(History):
    """A history that proposes no candidates and does not say how like the examples they are."""

    def feedback(self, *_: object, **__: object) -> RelevanceFeedback | None:
        return None


class _Forgetful(History):
    """A history that does not look up what experts said of the very pair."""

    def judgements(self, pairs: PairBatch) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.full(len(pairs), np.nan)


def _with(kind: type[History]) -> Callable[[Scorer], Scorer]:
    def change(scorer: Scorer) -> Scorer:
        return replace(scorer, history=scorer.history.copied_as(kind))

    return change


def _all_scored(scorer: Scorer) -> Scorer:
    return replace(
        scorer,
        first_stages={side: replace(stage, scored=EVERYTHING) for side, stage in scorer.first_stages.items()},
    )


def _named(start: str) -> tuple[str, ...]:
    return tuple(name for name in FEATURES if name.startswith(start))


WHOLE = Part()
PARTS: dict[str, Part] = {
    "graph": Part(blank=SIGNAL_NAMES),
    "attributes": Part(blank=ATTRIBUTES),
    "context": Part(blank=_named("context_")),
    "history": Part(blank=tuple(one.name for one in NEIGHBOUR_FEATURES)),
    "kernel": Part(blank=tuple(one.name for one in KERNEL_FEATURES)),
    "look-up": Part(change=_with(_Forgetful)),
    "history-channel": Part(change=_with(_Unasked)),
    "preselection": Part(change=_all_scored),
    "trees": Part(parameters=FEW_TREES),
}
