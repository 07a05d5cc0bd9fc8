"""How many candidates the ranker has to score: lists by the current bundle against a simulated platform's truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data.errors import InputError
from data.store.store import Store
from eval.metrics.bootstrap import RESAMPLES, Estimate, resample_weights, summarise
from eval.studies.simulated_truth import SimulatedTruth
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.ranking.first_stage import COLUMNS, FUSED_SCORED, FirstStage

TOP = 10
EVERYTHING = 1 << 30
BASELINE = "fused"


@dataclass(frozen=True)
class Scored:
    """One way to choose what is scored: `relevance` is the true mean of the ten first, `lift` what it gains on `BASELINE`."""

    scored: int
    relevance: Estimate
    lift: Estimate


def study_scored(
    model: MatchingModel,
    store: Store,
    folder: Path,
    sizes: Sequence[int],
    sample: int,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Scored]:
    """Return how relevant ten answers truly are by what was scored, asked for `sample` demands, evenly spread.

    fused: the 200 best by fused rank, as without a first stage; everything: all candidates; stage N and fused N: N of them.
    `folder` is the simulated platform whose records the bundle holds.

    Raises:
        InputError: the bundle has no first stage, or holds other records than the folder.

    """
    stage = model.scorer.first_stages.get("achievements") if model.scorer else None
    if model.scorer is None or stage is None:
        raise InputError("the bundle has no first stage; run `gongxu train` on a platform with more records")
    truth = SimulatedTruth(folder)
    ids = model.demands.base.cards.ids
    chosen = [ids[row] for row in range(0, len(ids), max(1, len(ids) // sample))][:sample]
    # Without weights all promise the same, and the first by fused rank are kept.
    fused = FirstStage(np.zeros(2 * len(COLUMNS)), stage.filling)
    ways = {BASELINE: replace(fused, scored=FUSED_SCORED), "everything": replace(fused, scored=EVERYTHING)}
    ways |= {f"stage {size}": replace(stage, scored=size) for size in sizes}
    ways |= {f"fused {size}": replace(fused, scored=size) for size in sizes}
    demands = [store.demand(demand_id) for demand_id in chosen]
    found = {}
    for name, way in ways.items():
        progress(name)
        engine = Engine(replace(model, scorer=replace(model.scorer, first_stages={"achievements": way})))
        answers = [engine.recommend_achievements(demand, top=TOP).items for demand in demands]
        found[name] = np.array(
            [
                _relevance(truth, demand_id, [match.id for match in items])
                for demand_id, items in zip(chosen, answers, strict=True)
            ]
        )
    draws = resample_weights(len(chosen), RESAMPLES, seed=0) / len(chosen)
    return {
        name: Scored(ways[name].scored, summarise(draws @ values), summarise(draws @ (values - found[BASELINE])))
        for name, values in found.items()
    }


def _relevance(truth: SimulatedTruth, demand_id: str, achievement_ids: Sequence[str]) -> float:
    """Return the mean true relevance of some achievements for a demand; 0 for none."""
    world = truth.world
    demand = _row(demand_id, len(world.demands))
    rows = [_row(one, len(world.achievements)) for one in achievement_ids]
    return float(truth.relevance(demand, np.array(rows, dtype=np.int64)).mean()) if rows else 0.0


def _row(record_id: str, records: int) -> int:
    """Return the row of a record in its file: its id is a letter and the number of its row, from 1."""
    number = record_id[1:]
    if not number.isdecimal() or not 1 <= int(number) <= records:
        raise InputError(f"record {record_id!r} is none of the simulated platform's; give the folder it came from")
    return int(number) - 1
