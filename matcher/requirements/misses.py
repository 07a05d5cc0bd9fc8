"""How badly a match misses the figures that a demand requires."""

import numpy as np
from numpy.typing import NDArray

from matcher.requirements.report import RequirementMatches, RequirementReport
from matcher.requirements.rules import HARD, MISSED


def miss_severity(matches: RequirementMatches) -> NDArray[np.float64]:
    """Return (n,) how badly each pair misses what is required: 0 for no miss, 1 for one hard miss, more for several.

    A figure missed by less than `HARD` of its bound counts by its distance; what is unknown counts nothing.
    """
    missed = matches.status == MISSED
    shares = np.clip(-matches.margin[missed] / HARD, 0.0, 1.0)
    return np.bincount(matches.pair[missed], weights=shares, minlength=matches.pairs).astype(np.float64)


def report_severity(report: RequirementReport) -> float:
    """Return the same of one pair's report."""
    margins = [entry.margin for entry in report.entries if entry.status == "missed" and entry.margin is not None]
    return float(np.clip(-np.array(margins) / HARD, 0.0, 1.0).sum())
