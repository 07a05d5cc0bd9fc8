"""Protected slices: groups of held-out pairs that no promotion may make worse."""

from collections import Counter
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from data.learning import ProtectedSlices
from eval.metrics.bootstrap import Estimate
from matcher.ranking.scorer import Scores
from matcher.texts.space import record_text
from training.comparison.pairs import HeldOut, Records, figures

Mask = NDArray[np.bool_]


def slices_of(held: HeldOut, records: Records, limits: ProtectedSlices) -> dict[str, Mask]:
    """Return (n,) masks of the slices with at least `limits.min_demands` demands, by name.

    Slices: demands of few words, achievements published within `new_days` of the newest, and the largest fields, provinces
    and firm sizes of the demands. Held-out demands are new to every ranker: the whole is the slice of cold demands.
    """
    demands = [records.demands.get(key) for key in held.demand_ids]
    offered = [records.achievements.get(key) for key in held.achievement_ids]
    found: dict[str, Mask] = {}
    texts = {key: len(record_text(record).full) for key, record in records.demands.items()}
    found["short texts"] = np.array(
        [0 < texts.get(key, 0) < limits.short_text for key in held.demand_ids], dtype=np.bool_
    )
    days = [None if record is None else record.published_at for record in offered]
    newest = max((day for day in days if day is not None), default=date.min)
    found["new achievements"] = np.array(
        [day is not None and day > newest - timedelta(days=limits.new_days) for day in days], dtype=np.bool_
    )
    labels = {
        "field": [demand.field if demand else "" for demand in demands],
        "province": [(demand.region or "")[:2] if demand else "" for demand in demands],
        "firm": [demand.enterprise_size if demand else "" for demand in demands],
    }
    for kind, values in labels.items():
        by_demand = dict(zip(held.demand_ids, values, strict=True))
        for value, _ in Counter(value for value in by_demand.values() if value).most_common(limits.largest):
            found[f"{kind} {value}"] = np.array([label == value for label in values], dtype=np.bool_)
    return {name: mask for name, mask in found.items() if _demands(held, mask) >= limits.min_demands}


def slice_figures(held: HeldOut, scores: Scores, slices: dict[str, Mask]) -> dict[str, dict[str, Estimate]]:
    """Return every metric of each slice with its interval."""
    return {name: figures(*taken(held, scores, mask)) for name, mask in slices.items()}


def taken(held: HeldOut, scores: Scores, mask: Mask) -> tuple[HeldOut, Scores]:
    """Return the rows of a slice."""
    rows = np.flatnonzero(mask)
    return held.take(rows), scores.take(rows)


def _demands(held: HeldOut, mask: Mask) -> int:
    return len({held.demand_ids[row] for row in np.flatnonzero(mask).tolist()})
