"""What a group of features is worth: the ranker with and without it, on the same folds, compared draw by draw."""

from dataclasses import dataclass

from data.errors import InputError
from data.splits import folds
from eval.metrics.bootstrap import METRICS, RESAMPLES, Estimate, Judged, metric_samples, summarise
from eval.offline.cross_validation import out_of_fold
from eval.offline.systems import Corpus, RankerSystem
from eval.studies.requirement_study import with_requirements
from knowledge_graph.reading.signals import SIGNAL_NAMES
from matcher.features.attributes import ATTRIBUTES
from matcher.features.table import TEXT_FEATURES
from matcher.requirements.report import FEATURES as REQUIREMENT_FEATURES

# Groups of label-free features that can be left out.
GROUPS: dict[str, tuple[str, ...]] = {
    "graph": SIGNAL_NAMES,
    "attributes": ATTRIBUTES,
    "context": tuple(one.name for one in TEXT_FEATURES if one.name.startswith("context_")),
    "requirements": REQUIREMENT_FEATURES,  # not among the ranker's features; added to see what they would bring
}


@dataclass(frozen=True)
class Ablation:
    """One metric of the ranker with and without a group; `lift` is the difference with its paired 95% interval."""

    complete: Estimate
    without: Estimate
    lift: Estimate


def ablate(corpus: Corpus, group: str, split: str = "grouped", threads: int = 1) -> dict[str, Ablation]:
    """Return for each metric what the features of `group` bring, by paired bootstrap over demands.

    Raises:
        InputError: the group is unknown.

    """
    if group not in GROUPS:
        raise InputError(f"feature group {group!r} is unknown; known: {', '.join(GROUPS)}")
    complete = with_requirements(corpus) if group == "requirements" else corpus
    pairs = corpus.pairs
    parts = folds(split, pairs.levels, pairs.demand_group(), pairs.pair_group())
    samples = []
    for variant in (complete, complete.without(GROUPS[group])):
        predicted = out_of_fold(RankerSystem(variant, None, threads), parts)
        judged = Judged(pairs.demand_rows, pairs.levels, predicted.levels, predicted.ranking)
        samples.append(metric_samples(judged, RESAMPLES, seed=0))
    whole, without = samples
    return {
        name: Ablation(summarise(whole[name]), summarise(without[name]), summarise(whole[name] - without[name]))
        for name in METRICS
    }
