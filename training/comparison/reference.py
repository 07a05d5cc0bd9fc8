"""What training saw, kept in the bundle in a few numbers, so that later traffic can be compared with it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from matcher.history.graded_pairs import NO_REASON, NOT_SHOWN, GradedPairs
from training.outcomes.graded_pairs import IMPRESSION_WEIGHT, OUTCOME_WEIGHT

REFERENCE_FILE = "reference.json"
BINS = 10
LAST_POSITION = 50  # places further down count as this one
STEPS = {"click": 1, "contact": 2, "meeting": 3, "deal": 4}  # least grade of each


class Histogram(BaseModel):
    """Inner edges of bins (those of the reference's quantiles) and the share of rows in each, missing values last."""

    edges: list[float]
    shares: list[float]
    rows: int

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "Histogram":
        """Return the histogram of (n,) values; equal quantiles fall together."""
        known = values[~np.isnan(values)]
        quantiles = np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]) if len(known) else np.zeros(0)
        edges = np.unique(quantiles)
        return cls(edges=edges.tolist(), shares=_shares(values, edges).tolist(), rows=len(values))

    def shares_of(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (b + 1,) shares of other values in the same bins."""
        return _shares(values, np.array(self.edges))

    def psi(self, values: NDArray[np.floating], units: int, own_units: int) -> float:
        """Return the population stability index of other values against these, 0 where they agree.

        Σ (p - q) ln(p / q) over bins, a bin counting at least half a row on either side (Siddiqi 2006: below 0.1 stable,
        above 0.25 shifted). Differences that chance alone makes are taken off: (bins - 1)(1/n + 1/m), the index's
        expectation where nothing changed (Yurdakul 2018), n and m being the independent units behind the rows.
        """
        p = np.maximum(self.shares_of(values), 0.5 / max(len(values), 1))
        q = np.maximum(np.array(self.shares), 0.5 / max(self.rows, 1))
        p, q = p / p.sum(), q / q.sum()
        index = float(((p - q) * np.log(p / q)).sum())
        return max(0.0, index - (len(p) - 1) * (1 / max(units, 1) + 1 / max(own_units, 1)))


class Rates(BaseModel):
    """Outcomes of pairs that lists showed: per position, how many were shown and how many reached each step."""

    shown: dict[int, float]
    reached: dict[str, dict[int, float]]

    @classmethod
    def of(cls, pairs: GradedPairs) -> "Rates":
        """Count the rows of `pairs` that have a position, and are old enough to tell."""
        rows = ripe_rows(pairs)
        position = np.minimum(pairs.position[rows], LAST_POSITION)
        stands_for = sampling_factor(pairs)[rows]

        def tally(wanted: NDArray[np.bool_]) -> dict[int, float]:
            places, group = np.unique(position[wanted], return_inverse=True)
            return dict(zip(places.tolist(), np.bincount(group, weights=stands_for[wanted]).tolist(), strict=True))

        reached = {name: tally(pairs.grade[rows] >= least) for name, least in STEPS.items()}
        if pairs.log is not None:
            reached["decline"] = tally(pairs.log.reason[rows] != NO_REASON)
        return cls(shown=tally(np.ones(len(rows), dtype=np.bool_)), reached=reached)

    def expected(self, step: str, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n,) how likely each of n shown rows reaches a step, by its position; a position never seen: the mean."""
        reached, total = self.reached.get(step, {}), max(sum(self.shown.values()), 1.0)
        mean = sum(reached.values()) / total
        by_position = {place: reached.get(place, 0) / shown for place, shown in self.shown.items() if shown}
        return np.array(
            [by_position.get(int(min(place, LAST_POSITION)), mean) for place in positions], dtype=np.float64
        )


class Reference(BaseModel):
    """What a version answers to the demands of its time, and the outcomes of pairs that lists had shown by then."""

    # Demands asked, and the share of them that nothing was good enough for.
    asked: int
    unanswered: float
    # Of the pairs in the answers: label-free features, and the probability said.
    features: dict[str, Histogram]
    probability: Histogram
    rates: Rates | None = None

    def save(self, directory: Path) -> None:
        """Write the reference into a bundle's folder."""
        (directory / REFERENCE_FILE).write_text(self.model_dump_json(), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "Reference | None":
        """Read a bundle's reference; None if it has none."""
        path = directory / REFERENCE_FILE
        return cls.model_validate_json(path.read_text(encoding="utf-8")) if path.is_file() else None


def ripe_rows(pairs: GradedPairs) -> NDArray[np.intp]:
    """Return the shown rows whose first reaction has come or is more likely than not to have come if it ever does."""
    shown = pairs.position != NOT_SHOWN
    certain = np.ones(len(pairs), dtype=np.bool_) if pairs.certain is None else pairs.certain[:, 0] >= 0.5
    return np.flatnonzero(shown & (certain | (pairs.grade > 0)))


def sampling_factor(pairs: GradedPairs) -> NDArray[np.float64]:
    """Return (n,) how many rows of the log each row represents: 1 unless a sample was taken of very many."""
    weight = np.where(pairs.grade > 0, OUTCOME_WEIGHT, IMPRESSION_WEIGHT)
    if pairs.log is not None:
        weight = np.where(pairs.log.reason != NO_REASON, OUTCOME_WEIGHT, weight)
    return np.asarray(np.maximum(pairs.weight / weight, 1.0), dtype=np.float64)


def _shares(values: NDArray[np.floating], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    missing = np.isnan(values)
    place = np.where(missing, len(edges) + 1, np.searchsorted(edges, np.nan_to_num(values), side="right"))
    return np.bincount(place, minlength=len(edges) + 2) / max(len(values), 1)
