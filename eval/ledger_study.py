"""What the constraint ledger is worth: its statuses against the simulator's truth, its features in the ranker."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data.records import Achievement, Demand
from data.simulator.lexicon import load_lexicon
from data.simulator.plan import SimulationPlan
from data.simulator.world import World, make_world
from data.splits import folds
from eval.ablation import Ablation
from eval.bootstrap import METRICS, RESAMPLES, Judged, metric_samples, summarise
from eval.offline import out_of_fold
from eval.systems import Corpus, RankerSystem
from knowledge_graph.quantities.names import Encode
from matcher.features import FeatureTable
from matcher.ledger import FEATURES, compare
from matcher.ledger_rules import MET, MISSED
from matcher.ledger_shelf import Quantities
from matcher.ledger_table import QuantityTable, quantities_of

UNSURE = 0.02  # figures are told rounded: levels nearer than this are neither met nor missed for certain
PAIRS = 20_000


def quantities_for(demands: Sequence[Demand], achievements: Sequence[Achievement], encode: Encode) -> Quantities:
    """Return the quantities of both sides, names linked with vectors too."""
    return Quantities.build(demands, achievements, encode)


def with_ledger(corpus: Corpus) -> Corpus:
    """Return the corpus with the ledger's features among the label-free ones."""
    if FEATURES[0] in corpus.table.names:
        return corpus
    encoder = corpus.viewer.space.encoder
    quantities = quantities_for(
        corpus.pairs.demands, corpus.pairs.achievements, lambda texts: encoder.encode(list(texts), "query")
    )
    d, a = corpus.pairs.demand_rows.astype(np.int64), corpus.pairs.achievement_rows.astype(np.int64)
    values = np.hstack([corpus.table.values, quantities.pair_features(d, a)])
    return replace(corpus, table=FeatureTable(values, (*corpus.table.names, *FEATURES)))


def ablate_ledger(corpus: Corpus, split: str = "grouped", threads: int = 1) -> dict[str, Ablation]:
    """Return for each metric what the ledger's features bring, by paired bootstrap over demands."""
    complete = with_ledger(corpus)
    pairs = corpus.pairs
    parts = folds(split, pairs.levels, pairs.demand_group(), pairs.pair_group())
    samples = []
    for variant in (complete, complete.without(FEATURES)):
        predicted = out_of_fold(RankerSystem(variant, None, threads), parts)
        judged = Judged(pairs.demand_rows, pairs.levels, predicted.levels, predicted.ranking)
        samples.append(metric_samples(judged, RESAMPLES, seed=0))
    with_it, without = samples
    return {
        name: Ablation(summarise(with_it[name]), summarise(without[name]), summarise(with_it[name] - without[name]))
        for name in METRICS
    }


def coverage(table: FeatureTable) -> dict[str, float]:
    """Return the share of pairs with a requirement, with a known one, with a met and with a hard-missed one."""
    column = {name: table.values[:, table.names.index(name)] for name in FEATURES}
    return {
        "with_requirement": float((column["ledger_requirements"] > 0).mean()),
        "with_known": float((column["ledger_share_known"] > 0).mean()),
        "with_met": float((column["ledger_share_met"] > 0).mean()),
        "with_hard_miss": float((column["ledger_hard_misses"] > 0).mean()),
    }


@dataclass(frozen=True, slots=True)
class StatusQuality:
    """Statuses against truth, over the figures that demands really state.

    `asked` requirements whose truth is certain; `known` of them met or missed; `met_precision` and `missed_precision`:
    share of those statuses that are true; `by_name` and `by_alias`: share known where the demand words the parameter as
    the achievements do, and where it words it in the firm's own way.
    """

    pairs: int
    asked: int
    known: float
    met_precision: float
    missed_precision: float
    by_name: float
    by_alias: float


def simulated_statuses(
    demands: Sequence[Demand], achievements: Sequence[Achievement], plan: SimulationPlan, encode: Encode | None = None
) -> StatusQuality:
    """Return how true the ledger's statuses are on a simulated platform, given its records and its plan.

    Compared are pairs of one technology: of its indicators the simulator knows the level that is wanted and the level
    that is reached; a requirement's indicator is told by its name or alias in the quote.
    """
    world = make_world(load_lexicon(), plan)
    pairs = _same_technology(world, plan.seed)
    wanted = QuantityTable.build(map(quantities_of, demands), encode)
    offered = QuantityTable.build(map(quantities_of, achievements), encode)
    ledgers = compare(wanted, pairs[:, 0], offered, pairs[:, 1])
    rows: list[tuple[bool, bool, int]] = []  # (worded as achievements do, truly met, status)
    for slot in range(len(ledgers.pair)):
        d, a = pairs[ledgers.pair[slot]].tolist()
        told = _indicator(world, d, wanted.quantity(int(ledgers.row[slot])).quote)
        if told is None:
            continue
        indicator, by_name = told
        lead = float(world.achievements.goodness[a, indicator] - world.demands.required[d, indicator])
        if abs(lead) >= UNSURE:
            rows.append((by_name, lead > 0, int(ledgers.status[slot])))
    return _quality(len(pairs), rows)


def _quality(pairs: int, rows: list[tuple[bool, bool, int]]) -> StatusQuality:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    by_name, true, status = table[:, 0] == 1, table[:, 1] == 1, table[:, 2]
    known = (status == MET) | (status == MISSED)

    def share(hits: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
        return float(hits[of].mean()) if of.any() else float("nan")

    return StatusQuality(
        pairs=pairs,
        asked=len(table),
        known=share(known, np.ones(len(table), dtype=np.bool_)),
        met_precision=share(true, status == MET),
        missed_precision=share(~true, status == MISSED),
        by_name=share(known, by_name),
        by_alias=share(known, ~by_name),
    )


def _same_technology(world: World, seed: int) -> NDArray[np.int64]:
    """Return (n, 2) demand and achievement rows of one technology, at most `PAIRS`, drawn at random."""
    d, a = np.nonzero(world.demands.technology[:, None] == world.achievements.technology[None, :])
    pairs = np.stack([d, a], axis=1).astype(np.int64)
    if len(pairs) <= PAIRS:
        return pairs
    chosen = np.random.default_rng(seed).choice(len(pairs), PAIRS, replace=False)
    return np.asarray(pairs[np.sort(chosen)])


def _indicator(world: World, demand: int, quote: str) -> tuple[int, bool] | None:
    """Return which indicator of a demand's technology a quote names, and whether by the researcher's name."""
    technology = world.lexicon.technologies[int(world.demands.technology[demand])]
    for number, indicator in enumerate(technology.indicators):
        for name, by_name in ((indicator.name, True), (indicator.alias, False)):
            if name in quote:
                return number, by_name
    return None
