"""Do the probabilities that lists show mean what they say? Asked of a simulated platform, whose truth is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.records import Demand
from eval.metrics.bootstrap import RESAMPLES, Estimate, resample_weights, summarise
from eval.metrics.calibration_curve import weighted_calibration_error
from eval.served.lists import SHOWN
from eval.studies.simulated_truth import SimulatedTruth
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.ranking.scorer import GOOD_GRADE

Floats = NDArray[np.float64]
KINDS = ("all", "known", "new", "never shown")
"""All items; those of demands with outcomes; of demands without; items of demands with outcomes that have none themselves."""


class DemandReader(Protocol):
    """Yields demands, as a store does."""

    def demands(self) -> Iterator[Demand]:
        """Yield all demands."""


@dataclass(frozen=True)
class ShownProbability:
    """Of `items` shown: the mean probability, the share that is truly good, and the expected calibration error."""

    items: int
    probability: Estimate
    good: Estimate
    error: Estimate


def study_shown(model: MatchingModel, store: DemandReader, folder: Path, sample: int) -> dict[str, ShownProbability]:
    """Return by kind of item (`KINDS`) what the first ten of each list say and what is true, with 95% intervals.

    At most `sample` demands are asked, evenly spread; `new` ones are those whose outcomes the bundle does not know.

    Raises:
        InputError: the bundle has no calibrated ranker, or a demand is not of the simulated folder.

    """
    if model.scorer is None or model.scorer.calibration is None:
        raise InputError("the bundle has no calibrated ranker; run `gongxu train` first")
    truth, engine, history = SimulatedTruth(folder), Engine(model), model.scorer.history
    pairs = set(history.ids)
    known = {demand_id for demand_id, _ in pairs}
    demands = sorted(store.demands(), key=lambda demand: demand.demand_id)
    rows: list[tuple[int, float, bool, bool, bool]] = []
    asked = demands[:: max(1, len(demands) // sample)][:sample]
    for place, demand in enumerate(asked):
        true = truth.grades(_row(demand.demand_id, len(truth.world.demands)))
        for match in engine.recommend_achievements(demand, top=SHOWN).items:
            is_good = bool(true[_row(match.id, len(truth.world.achievements))] >= GOOD_GRADE)
            seen = (demand.demand_id, match.id) in pairs
            rows.append((place, match.probability or 0.0, is_good, demand.demand_id in known, seen))
    if not rows:
        raise InputError("no demand of the folder got a list; was the bundle built from it?")
    number, probability, good, old, met = (np.array(column) for column in zip(*rows, strict=True))
    masks = dict(zip(KINDS, (np.ones(len(rows), dtype=np.bool_), old, ~old, old & ~met), strict=True))
    draws = resample_weights(len(asked), RESAMPLES, 0)[:, number]
    return {name: _summary(probability[mask], good[mask], draws[:, mask]) for name, mask in masks.items() if mask.any()}


def _summary(probability: Floats, good: NDArray[np.bool_], draws: Floats) -> ShownProbability:
    total = np.maximum(draws.sum(axis=1), 1e-9)
    return ShownProbability(
        len(good),
        summarise(draws @ probability / total),
        summarise(draws @ good.astype(np.float64) / total),
        summarise(weighted_calibration_error(probability, good, draws)),
    )


def _row(record_id: str, rows: int) -> int:
    number = int(record_id[1:]) - 1 if record_id[1:].isdecimal() else -1
    if not 0 <= number < rows:
        raise InputError(f"{record_id!r} is no record of the simulated folder; build from it first")
    return number
