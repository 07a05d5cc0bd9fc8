"""Parts of the judged rows that deserve a figure of their own: who is served worse than the average."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.files.judged import JudgedPairs
from data.learning import ReportSlices
from data.text.normalise import meaningful
from eval.metrics.bootstrap import METRICS, Estimate, estimate_all
from eval.offline.cross_validation import Part

RESAMPLES = 300
UNKNOWN = "未注明"

SliceTable = dict[str, dict[str, dict[str, Estimate]]]


def slice_values(pairs: JudgedPairs, part: Part, limits: ReportSlices) -> dict[str, NDArray[np.str_]]:
    """Return for each way to slice the part's n rows the (n,) names of the slice that each row belongs to.

    demand: cold (no training row had it) or known; achievement: new or known; text: short (title and content of the
    demand have fewer than `limits.short_text` characters) or long; field, region (province) and size of the firm as the demand
    states them.
    """
    demands = [pairs.demands[row] for row in pairs.demand_rows[part.rows]]
    length = np.array([len(meaningful(f"{demand.title}{demand.content}")) for demand in demands])
    return {
        "demand": np.where(part.known_demand, "known", "cold"),
        "achievement": np.where(part.known_achievement, "known", "new"),
        "text": np.where(length < limits.short_text, "short", "long"),
        "field": np.array([demand.field or UNKNOWN for demand in demands]),
        "region": np.array([demand.region[:2] if demand.region else UNKNOWN for demand in demands]),
        "firm_size": np.array([demand.enterprise_size or UNKNOWN for demand in demands]),
    }


def slice_figures(pairs: JudgedPairs, part: Part, limits: ReportSlices, system: str = "ranker") -> SliceTable:
    """Return figures[way][slice][metric] of one system, with intervals; slices under `limits.min_rows` are left out."""
    table: SliceTable = {}
    for way, names in slice_values(pairs, part, limits).items():
        table[way] = {}
        for name in _frequent(names.tolist(), limits):
            chosen = np.flatnonzero(names == name)
            judged = part.take(chosen).judged(pairs, system)
            figures = estimate_all(judged, RESAMPLES)
            table[way][name] = {metric: figures[metric] for metric in METRICS}
    return table


def slice_sizes(pairs: JudgedPairs, part: Part, limits: ReportSlices) -> dict[str, dict[str, int]]:
    """Return the rows of each slice that `slice_figures` shows."""
    return {
        way: {name: int((names == name).sum()) for name in _frequent(names.tolist(), limits)}
        for way, names in slice_values(pairs, part, limits).items()
    }


def _frequent(names: Sequence[str], limits: ReportSlices) -> list[str]:
    common = Counter(names).most_common(limits.most_values)
    return [name for name, count in common if count >= limits.min_rows]
