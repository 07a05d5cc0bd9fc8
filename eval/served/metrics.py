"""Figures of served lists, demand by demand, and their intervals by bootstrap over demands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval.metrics.bootstrap import RESAMPLES, Estimate, Lift, lift_of, mean_samples, resample_weights, summarise
from eval.metrics.calibration_curve import weighted_calibration_error
from eval.served.lists import DEPTH, SHOWN, ServedList

Floats = NDArray[np.float64]
LOOKED_AT = 3  # items that everybody looks at
METRICS = ("ndcg10", "p10", "p3", "hit3", "recall10", "recall50", "judged10", "answered", "risk", "ece")


@dataclass(frozen=True)
class ServedFigures:
    """Of each metric (1 + resamples,) values, as `eval.metrics.bootstrap` draws them; the first is the figure itself."""

    samples: Mapping[str, Floats]

    def estimates(self) -> dict[str, Estimate]:
        """Return every metric with its 95% interval."""
        return {name: summarise(values) for name, values in self.samples.items()}

    def with_ece_of(self, shown: Sequence["ShownItem"], demands: int) -> "ServedFigures":
        """Return the figures with the calibration error of the given items of so many demands' lists."""
        ece = calibration_samples(shown, resample_weights(demands, RESAMPLES, 0))
        return ServedFigures({**self.samples, "ece": ece})

    def less(self, other: "ServedFigures") -> dict[str, Lift]:
        """Return the paired difference to another system that was asked for the same demands."""
        return {name: lift_of(values - other.samples[name]) for name, values in self.samples.items()}


def list_figures(served: ServedList, levels: Mapping[int, float], good: float) -> dict[str, float]:
    """Return the figures of one list; NaN where what is known does not allow one.

    ndcg10, p10, p3, hit3 and risk are those of the list without the items that nobody gave a level; recall10 and recall50
    look at the first 10 and 50 as they are, and judged10 tells how many of the first 10 have a level. Gain is
    2^(level - 1) - 1, discount 1 / log2(rank + 1). Shares of the first ten and three count missing places as not good.
    """
    known = [levels[text] for text in served.texts if text in levels]
    is_good = [level >= good for level in known]
    wanted = {text for text, level in levels.items() if level >= good}
    ideal = _dcg(sorted(levels.values(), reverse=True))
    hit = float(any(is_good[:LOOKED_AT]))
    return {
        "ndcg10": _dcg(known) / ideal if ideal > 0 else np.nan,
        "p10": sum(is_good[:SHOWN]) / SHOWN,
        "p3": sum(is_good[:LOOKED_AT]) / LOOKED_AT,
        "hit3": hit,
        "recall10": _recall(wanted, served.texts[:SHOWN]),
        "recall50": _recall(wanted, served.texts[:DEPTH]),
        "judged10": sum(text in levels for text in served.texts[:SHOWN]) / SHOWN,
        "answered": float(served.answered),
        "risk": 1.0 - hit if served.answered else np.nan,
    }


def _dcg(levels: Sequence[float]) -> float:
    top = np.asarray(levels[:SHOWN], dtype=np.float64)
    return float((2.0 ** (top - 1) - 1) @ (1.0 / np.log2(np.arange(2, len(top) + 2))))


def _recall(wanted: set[int], shown: Sequence[int]) -> float:
    return len(wanted & set(shown)) / len(wanted) if wanted else float("nan")


def served_figures(
    lists: Sequence[ServedList], levels: Sequence[Mapping[int, float]], good: float, seed: int = 0
) -> ServedFigures:
    """Return the figures of one system's lists for m demands: means over those that allow a figure, and the ECE.

    ece is the expected calibration error of the probabilities of the shown items (first ten) that have a level.
    The draws depend on m and the seed alone, so that systems can be compared draw by draw.
    """
    draws = resample_weights(len(lists), RESAMPLES, seed)
    by_demand = [list_figures(one, known, good) for one, known in zip(lists, levels, strict=True)]
    samples = {
        name: mean_samples(np.array([figures[name] for figures in by_demand]), draws)
        for name in METRICS
        if name != "ece"
    }
    shown = [
        ShownItem(number, probability, float(known[text] >= good))
        for number, (one, known) in enumerate(zip(lists, levels, strict=True))
        for text, probability in zip(one.texts[:SHOWN], one.probability[:SHOWN], strict=True)
        if text in known
    ]
    samples["ece"] = calibration_samples(shown, draws)
    return ServedFigures(samples)


class ShownItem(NamedTuple):
    """An item of the list of demand number `demand`: the probability shown, how likely it is good, and what that counts."""

    demand: int
    probability: float
    good: float
    weight: float = 1.0


def calibration_samples(shown: Sequence[ShownItem], draws: Floats) -> Floats:
    """Return (b,) expected calibration errors of shown items with a probability, by (b, m) draws of m demands."""
    told = [item for item in shown if not np.isnan(item.probability)]
    if not told:
        return np.full(len(draws), np.nan)
    demand, probability, good, weight = (np.array(column) for column in zip(*told, strict=True))
    return weighted_calibration_error(probability, good, draws[:, demand] * weight)
