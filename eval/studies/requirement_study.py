"""What the requirement report is worth: its statuses against the simulator's truth, its features in the ranker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import process_time_ns

import numpy as np
from numpy.typing import NDArray

from data.records import Achievement, Demand
from data.simulator.lexicon import load_lexicon
from data.simulator.plan import SimulationPlan
from data.simulator.world import World, make_world
from eval.offline.systems import Corpus
from knowledge_graph.quantities import extract
from knowledge_graph.quantities.names import Encode
from matcher.features.table import FeatureTable
from matcher.requirements.collection import Quantities
from matcher.requirements.report import FEATURES, compare, requirement_features
from matcher.requirements.rules import MET, MISSED
from matcher.requirements.table import QuantityTable, quantities_of

UNSURE = 0.02  # figures are stated rounded: levels nearer than this are neither met nor missed for certain
PAIRS = 20_000


def quantities_for(demands: Sequence[Demand], achievements: Sequence[Achievement], encode: Encode) -> Quantities:
    """Return the quantities of both sides, names linked with vectors too."""
    return Quantities.build(demands, achievements, encode)


def with_requirements(corpus: Corpus) -> Corpus:
    """Return the corpus with the report's features among the label-free ones."""
    if FEATURES[0] in corpus.table.names:
        return corpus
    encoder = corpus.record_encoder.space.encoder
    quantities = quantities_for(
        corpus.pairs.demands, corpus.pairs.achievements, lambda texts: encoder.encode(list(texts), "query")
    )
    d, a = corpus.pairs.demand_rows.astype(np.int64), corpus.pairs.achievement_rows.astype(np.int64)
    values = np.hstack([corpus.table.values, quantities.pair_features(d, a)])
    return replace(corpus, table=FeatureTable(values, (*corpus.table.names, *FEATURES)))


def coverage(table: FeatureTable) -> dict[str, float]:
    """Return the share of pairs with a requirement, with a known one, with a met and with a hard-missed one."""
    column = {name: table.values[:, table.names.index(name)] for name in FEATURES}
    return {
        "with_requirement": float((column["requirements_stated"] > 0).mean()),
        "with_known": float((column["requirements_share_known"] > 0).mean()),
        "with_met": float((column["requirements_share_met"] > 0).mean()),
        "with_hard_miss": float((column["requirements_hard_misses"] > 0).mean()),
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
    """Return how true the report's statuses are on a simulated platform, given its records and its plan.

    Compared are pairs of one technology: of its indicators the simulator knows the level that is wanted and the level
    that is reached; a requirement's indicator is found by its name or alias in the quote.
    """
    world = make_world(load_lexicon(), plan)
    pairs = _same_technology(world, plan.seed)
    wanted = QuantityTable.build(map(quantities_of, demands), encode)
    offered = QuantityTable.build(map(quantities_of, achievements), encode)
    reports = compare(wanted, pairs[:, 0], offered, pairs[:, 1])
    rows: list[tuple[bool, bool, int]] = []  # (worded as achievements do, truly met, status)
    for slot in range(len(reports.pair)):
        d, a = pairs[reports.pair[slot]].tolist()
        indicator_found = _indicator(world, d, wanted.quantity(int(reports.row[slot])).quote)
        if indicator_found is None:
            continue
        indicator, by_name = indicator_found
        lead = float(world.achievements.goodness[a, indicator] - world.demands.required[d, indicator])
        if abs(lead) >= UNSURE:
            rows.append((by_name, lead > 0, int(reports.status[slot])))
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


_DEMAND = (
    "要求抗压强度不低于50MPa，含水率不超过12%，噪声低于60dB。现有设备20台，"
    "希望堆积密度≥1.80克/立方厘米，使用寿命8年以上。"
)
_OFFER = (
    "产品抗压强度达到{strength}MPa，水分含量为{moisture}%，松装密度1.85g/cm3。经第三方检测，噪音为55dB，能耗降低20%。"
)


def requirement_costs(repeats: int = 200) -> dict[str, float]:
    """Return median CPU times in ms of a demand with 5 requirements against offers with 5 statements each."""
    wanted = QuantityTable.build([extract(_DEMAND, "demand")])
    offers = [extract(_OFFER.format(strength=40 + n % 30, moisture=8 + n % 9), "supply") for n in range(1000)]
    offered = QuantityTable.build(offers)

    def shown(full: bool) -> None:
        rows = np.arange(20)
        reports = compare(wanted, np.zeros(20, dtype=np.int64), offered, rows)
        _ = (
            reports.share_met,
            reports.share_known,
            reports.worst_margin,
            reports.hard_misses,
        )
        if full:
            for pair in range(20):
                reports.report(pair)

    def features(count: int) -> None:
        requirement_features(wanted, np.zeros(count, dtype=np.int64), offered, np.arange(count))

    return {
        "20 matches: statuses and aggregates": _median_ms(lambda: shown(full=False), repeats),
        "20 matches: with all quotes": _median_ms(lambda: shown(full=True), repeats),
        "features of 200 candidates": _median_ms(lambda: features(200), repeats),
        "features of 1,000 candidates": _median_ms(lambda: features(1000), repeats),
        "reading a demand's text": _median_ms(lambda: extract(_DEMAND, "demand"), repeats),
    }


def _median_ms(work: Callable[[], object], repeats: int) -> float:
    work()
    times = []
    for _ in range(repeats):
        begin = process_time_ns()
        work()
        times.append(process_time_ns() - begin)
    return sorted(times)[repeats // 2] / 1e6
