"""What a part of the engine is worth: with it and without it, on the same demands, compared draw by draw."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.splits import folds
from eval.metrics.bootstrap import METRICS, RESAMPLES, Estimate, Judged, metric_samples, summarise
from eval.offline.cross_validation import out_of_fold
from eval.offline.parts import PARTS, WHOLE, Part
from eval.offline.systems import Corpus, RankerSystem
from eval.served.metrics import ServedFigures
from eval.studies.requirement_study import with_requirements
from matcher.requirements.report import FEATURES as REQUIREMENT_FEATURES
from models.ranking.ordinal import RankerParameters

REQUIREMENTS = "requirements"  # no feature of the ranker; added to see what it would bring
JUDGED_PARTS = ("graph", "attributes", "context", "history", "kernel", "trees", REQUIREMENTS)


@dataclass(frozen=True)
class Ablation:
    """One metric with and without a part; `lift` is the difference with its paired 95% interval."""

    complete: Estimate
    without: Estimate
    lift: Estimate


def ablations(
    corpus: Corpus,
    names: Sequence[str],
    split: str = "grouped",
    threads: int = 1,
    parameters: RankerParameters | None = None,
) -> Iterator[tuple[str, dict[str, Ablation]]]:
    """Yield for each named part of the ranker what it brings to each metric of judged pairs, by paired bootstrap over demands.

    Raises:
        InputError: a part is unknown, or judged pairs do not show it.

    """
    unknown = [name for name in names if name not in JUDGED_PARTS]
    if unknown:
        raise InputError(f"part {unknown[0]!r} is unknown; judged pairs show: {', '.join(JUDGED_PARTS)}")
    pairs = corpus.pairs
    parts = folds(split, pairs.levels, pairs.demand_group(), pairs.pair_group())

    def samples(whole: Corpus, part: Part) -> dict[str, NDArray[np.float64]]:
        predicted = out_of_fold(RankerSystem(whole, parameters, threads, part), parts)
        judged = Judged(pairs.demand_rows, pairs.levels, predicted.levels, predicted.ranking)
        return metric_samples(judged, RESAMPLES, seed=0)

    served = samples(corpus, WHOLE)
    for name in names:
        if name == REQUIREMENTS:
            added = with_requirements(corpus)
            complete, without = samples(added, WHOLE), samples(added, Part(blank=REQUIREMENT_FEATURES))
        else:
            complete, without = served, samples(corpus, PARTS[name])
        yield (
            name,
            {
                metric: Ablation(
                    summarise(complete[metric]),
                    summarise(without[metric]),
                    summarise(complete[metric] - without[metric]),
                )
                for metric in METRICS
            },
        )


def served_ablation(complete: ServedFigures, without: ServedFigures) -> dict[str, Ablation]:
    """Return for each metric of served lists what a part brings; both were served to the same demands."""
    whole, rest, lifts = complete.estimates(), without.estimates(), complete.less(without)
    return {metric: Ablation(whole[metric], rest[metric], lifts[metric].difference) for metric in lifts}
