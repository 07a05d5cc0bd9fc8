"""What versions say of the same held-out pairs, and how they compare draw by draw."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data.errors import NotFoundError
from data.records import Achievement, Demand
from eval.metrics.bootstrap import RESAMPLES, Estimate, Judged, estimate_all, metric_samples, summarise
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import ViewRows
from matcher.features.table import FeatureTable, with_history
from matcher.model import MatchingModel
from matcher.ranking.scorer import GOOD_GRADE, MIN_CALIBRATION_ROWS, Scorer, Scores

CALIBRATION_BINS = 10
_R = TypeVar("_R", Achievement, Demand)


@dataclass(frozen=True)
class HeldOut:
    """Outcomes that no version learned from: ids of the pairs, (n,) grades 0-4, (n,) whether an expert said so."""

    demand_ids: list[str]
    achievement_ids: list[str]
    grade: NDArray[np.int64]
    judged: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.grade)

    @property
    def demand_numbers(self) -> NDArray[np.int64]:
        """(n,) numbers that tell the demands apart."""
        return np.unique(np.array(self.demand_ids, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)

    def take(self, rows: NDArray[np.intp]) -> "HeldOut":
        """Return the given rows."""
        return HeldOut(
            [self.demand_ids[row] for row in rows.tolist()],
            [self.achievement_ids[row] for row in rows.tolist()],
            self.grade[rows],
            self.judged[rows],
        )

    def good(self) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the rows that tell whether a pair is a good match, and (m,) whether it is.

        As in training experts say so where enough pairs were judged: that nobody got in touch says little about a match.
        """
        rows = np.flatnonzero(self.judged)
        if len(rows) < MIN_CALIBRATION_ROWS:
            rows = np.arange(len(self), dtype=np.intp)
        return rows, self.grade[rows] >= GOOD_GRADE


@dataclass(frozen=True)
class Records:
    """Records by id, for pairs that a bundle does not know."""

    demands: Mapping[str, Demand]
    achievements: Mapping[str, Achievement]


NO_RECORDS = Records({}, {})


@dataclass(frozen=True)
class PairTable:
    """Label-free features of some of n pairs: `places` (m,) among the n, and the pairs themselves."""

    places: NDArray[np.intp]
    table: FeatureTable
    pairs: PairBatch

    def scores(self, scorer: Scorer) -> Scores:
        """Return what a scorer says of these pairs, whose outcomes are known: probabilities are those of shown ones."""
        return scorer.as_if_shown().score(with_history(self.table, scorer.history, self.pairs), self.pairs)


def pair_tables(
    model: MatchingModel, demand_ids: Sequence[str], achievement_ids: Sequence[str], records: Records
) -> Iterator[PairTable]:
    """Yield the features of n pairs of ids, as a bundle describes them, in at most two parts.

    A pair of records that the bundle holds is described as they are there, any other as new records would be.

    Raises:
        NotFoundError: neither the bundle nor `records` has an id.

    """
    known_d, known_a = model.demands.base.cards.rows, model.achievements.base.cards.rows
    d = np.array([known_d.get(key, -1) for key in demand_ids], dtype=np.int64)
    a = np.array([known_a.get(key, -1) for key in achievement_ids], dtype=np.int64)
    inside = (d >= 0) & (a >= 0)
    if inside.any():
        rows = np.flatnonzero(inside)
        stored = PairBatch(model.demands.base, model.achievements.base, ViewRows(d[rows]), ViewRows(a[rows]))
        yield PairTable(rows, model.label_free_table(stored), stored)
    if not inside.all():
        rows = np.flatnonzero(~inside)
        names_d, d_new = np.unique([demand_ids[row] for row in rows.tolist()], return_inverse=True)
        names_a, a_new = np.unique([achievement_ids[row] for row in rows.tolist()], return_inverse=True)
        new = PairBatch(
            model.record_encoder.demands([_found(records.demands, str(name), "demand") for name in names_d]),
            model.record_encoder.achievements(
                [_found(records.achievements, str(name), "achievement") for name in names_a]
            ),
            ViewRows(d_new.astype(np.int64)),
            ViewRows(a_new.astype(np.int64)),
        )
        yield PairTable(rows, model.label_free_table(new), new)


def score_pairs(
    model: MatchingModel,
    scorer: Scorer,
    demand_ids: Sequence[str],
    achievement_ids: Sequence[str],
    records: Records = NO_RECORDS,
) -> Scores:
    """Return the scores (n,) of pairs of ids by a bundle's text space and a scorer.

    Raises:
        NotFoundError: neither the bundle nor `records` has an id.

    """
    parts = list(pair_tables(model, demand_ids, achievement_ids, records))
    if not parts:
        return Scores.none()
    order = np.argsort(np.concatenate([part.places for part in parts]), kind="stable")
    return Scores.concat([part.scores(scorer) for part in parts]).take(order)


def figures(held: HeldOut, scores: Scores) -> dict[str, Estimate]:
    """Return every metric with its 95% interval by bootstrap over demands; empty without rows."""
    return estimate_all(_judged(held, scores)) if len(held) else {}


def gains(held: HeldOut, candidate: Scores, champion: Scores) -> dict[str, Estimate]:
    """Return for every metric how much the candidate gains over the champion, by paired bootstrap over demands."""
    if not len(held):
        return {}
    ours = metric_samples(_judged(held, candidate), RESAMPLES, seed=0)
    theirs = metric_samples(_judged(held, champion), RESAMPLES, seed=0)
    return {name: summarise(ours[name] - theirs[name]) for name in ours}


def calibration_error(held: HeldOut, scores: Scores) -> float:
    """Return the expected calibration error of the probabilities, in [0, 1]: bins of equal numbers, weighted by size.

    Naeini, Cooper & Hauskrecht 2015, with equal-mass bins. NaN without rows or without probabilities.
    """
    curve = reliability(held, scores)
    if not curve:
        return float("nan")
    return sum(share * abs(predicted - seen) for predicted, seen, share in curve)


def reliability(held: HeldOut, scores: Scores) -> list[tuple[float, float, float]]:
    """Return (mean probability, share of good outcomes, share of rows) of up to 10 bins of equal size."""
    rows, good = held.good()
    predicted = scores.probability[rows]
    known = np.flatnonzero(~np.isnan(predicted))
    if not len(known):
        return []
    order = known[np.argsort(predicted[known], kind="stable")]
    parts = np.array_split(order, min(CALIBRATION_BINS, len(order)))
    return [(float(predicted[part].mean()), float(good[part].mean()), len(part) / len(order)) for part in parts]


def save_predictions(path: Path, held: HeldOut, scores: Scores) -> None:
    """Write the pairs with what a version says of them as a Parquet file."""
    columns = {
        "demand_id": held.demand_ids,
        "achievement_id": held.achievement_ids,
        "grade": held.grade,
        "judged": held.judged,
        "expected": scores.expected,
        "median": scores.grade,  # as files of earlier versions call it
        "probability": scores.probability,
    }
    pq.write_table(pa.table(columns), path)


def load_predictions(path: Path) -> tuple[HeldOut, Scores]:
    """Read what `save_predictions` wrote."""
    table = pq.read_table(path)
    numbers = {name: table.column(name).to_numpy() for name in ("grade", "expected", "median", "probability")}
    judged = (  # files of earlier versions do not tell
        table.column("judged").to_numpy() if "judged" in table.column_names else np.zeros(len(table), dtype=np.bool_)
    )
    ids = table.column("demand_id").to_pylist(), table.column("achievement_id").to_pylist()
    held = HeldOut(*ids, numbers["grade"], judged)
    return held, Scores(numbers["expected"], numbers["median"], numbers["probability"])


def _judged(held: HeldOut, scores: Scores) -> Judged:
    return Judged(held.demand_numbers, held.grade + 1, scores.grade + 1, scores.expected)


def _found(records: Mapping[str, _R], key: str, kind: str) -> _R:
    record = records.get(key)
    if record is None:
        raise NotFoundError(f"no {kind} with id {key!r} in the bundle; build again if it was imported since")
    return record
