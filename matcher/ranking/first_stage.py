"""Which of the candidates are worth the whole ranker: a linear substitute for it, over what costs next to nothing.

Retrieval in two stages, as in a ranking cascade (Wang, Lin & Metzler, SIGIR 2011): the channels propose some hundred records,
this stage keeps those that the ranker is likely to put first, and only they get all features. It is fitted on the ranker's
own scores (distillation), so that it needs no outcomes and never disagrees with a ranker about what a good match is, only
about details that it does not see.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numba
import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray, readonly_view
from data.errors import BundleError
from matcher.collection.collection import Side
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import PairIndices
from matcher.features.attributes import ATTRIBUTES, attribute_features
from matcher.history.outcome_history import SHARPNESS, RelevanceFeedback
from matcher.ranking.channels import Candidates
from matcher.texts.similarities import SIMILARITIES, TextSide, products
from models.ranking.radial import fast_exp

Rows = NDArray[np.int64]

SCORED = 80  # candidates that the whole ranker scores: what a request costs grows with them
FUSED_SCORED = 200  # as many of the best by fused rank as long as no stage was fitted
CHANNELS = ("dense", "lexical", "history", "graph")
PRODUCTS = ("vectors_tt", "vectors_t", "vectors_f", "topics_t", "topics_f")  # similarities that are one product each
COLUMNS = (
    *PRODUCTS,
    *(f"{name}_for_subject" for name in PRODUCTS),
    *(f"{name}_for_candidate" for name in PRODUCTS),
    *(f"{name}_typical_candidate" for name in PRODUCTS),
    *ATTRIBUTES,
    "feedback_mean",  # cosine to the mean of what did well with similar demands
    "feedback_good",  # to the nearest that did
    "feedback_bad",  # to the nearest that did not
    "feedback_grade",  # mean grade of the examples, the nearer weighing more
    "log_fused",
    *(f"{kind}_{channel}" for kind in ("proposed", "reciprocal_rank", "log_rank") for channel in CHANNELS),
)
_FEEDBACK = tuple(name for name in COLUMNS if name.startswith("feedback_"))
_SHARPNESS = np.float32(SHARPNESS)
_PRIOR_MASS = np.float32(0.1)  # what having seen nothing like it weighs
_PRODUCT_COLUMNS = np.array([SIMILARITIES.index(name) for name in PRODUCTS])
_ABSENT = 999.0  # rank that represents "not proposed"
_FIRST_RANKS = 10.0  # how far apart ranks near the top lie: reciprocal ranks are 1 / (10 + rank)
_BEST = 10
_RIDGE = 20.0


@dataclass(frozen=True)
class FirstStage:
    """A linear model: `weights` (2 f,) of the f columns and of their being missing; `filling` (f,) represents what is.

    At least `scored` candidates are let through.
    """

    weights: NDArray[np.float64]
    filling: NDArray[np.float64]
    scored: int = SCORED

    @classmethod
    def fit(cls, pools: Sequence[tuple[FloatArray, NDArray[np.float64]]]) -> Self:
        """Fit on pools of candidates, each (columns (n, f), the ranker's expected grades (n,)), by weighted ridge regression.

        Only differences within a pool count, and those near its top most: a candidate weighs exp((grade - mean of the ten
        best) / s) with s the deviation of all grades.
        """
        columns = np.vstack([features for features, _ in pools]).astype(np.float64)
        known = np.isfinite(columns)
        filling = np.where(known, columns, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        spread = max(float(np.std(np.concatenate([grades for _, grades in pools]))), 1e-9)
        normal, moment = np.zeros((2 * len(COLUMNS),) * 2), np.zeros(2 * len(COLUMNS))
        for features, grades in pools:
            x = _filled(features, filling)
            best = np.sort(grades)[-_BEST:].mean()
            weight = np.exp(np.minimum(grades - best, 0.0) / spread)
            x = x - np.average(x, axis=0, weights=weight)
            y = grades - np.average(grades, weights=weight)
            normal += x.T @ (x * weight[:, None])
            moment += x.T @ (y * weight)
        # Every column counts in its own deviation; one that never differs within a pool gets no weight.
        scale = np.sqrt(np.diag(normal) / len(columns))
        used = scale > 1e-9
        by = np.where(used, scale, 1.0)
        solved = np.linalg.solve(normal / np.outer(by, by) + _RIDGE * np.eye(len(by)), moment / by)
        return cls(np.where(used, solved / by, 0.0), filling)

    def best(self, columns: FloatArray, count: int) -> NDArray[np.intp]:
        """Return the places, ascending, of the `count` most promising of n candidates with `columns` (n, f)."""
        if len(columns) <= count:
            return np.arange(len(columns))
        promise = np.empty(len(columns))
        _promise(columns, self.filling, self.weights, promise)
        return np.sort(np.argsort(-promise, kind="stable")[:count])

    def as_names(self) -> dict[str, dict[str, float]]:
        """Return the numbers by the names of their columns, as JSON holds them."""
        f = len(COLUMNS)
        parts = {"filling": self.filling, "weight": self.weights[:f], "weight_if_missing": self.weights[f:]}
        return {part: dict(zip(COLUMNS, numbers.tolist(), strict=True)) for part, numbers in parts.items()}

    @classmethod
    def from_names(cls, named: dict[str, dict[str, float]]) -> Self:
        """Read what `as_names` returned.

        Raises:
            BundleError: it is about columns that there are not.

        """
        if not set(named["weight"]) <= set(COLUMNS):
            raise BundleError("the first stage was fitted on columns that this version has not; run `gongxu train`")
        filling, weight, missing = (
            np.array([named[part].get(name, 0.0) for name in COLUMNS])  # a column added since counts for nothing
            for part in ("filling", "weight", "weight_if_missing")
        )
        return cls(np.concatenate([weight, missing]), filling)


def save_first_stages(stages: Mapping[str, FirstStage], path: Path) -> None:
    """Write the stages, by the side that their candidates are on, as JSON."""
    named = {side: stage.as_names() for side, stage in stages.items()}
    path.write_text(json.dumps(named, indent=1), encoding="utf-8")


def first_stages_in(path: Path) -> dict[str, FirstStage]:
    """Read what `save_first_stages` wrote; none if there is no such file.

    Raises:
        BundleError: they were fitted on other columns than these.

    """
    if not path.is_file():
        return {}
    return {side: FirstStage.from_names(named) for side, named in json.loads(path.read_bytes()).items()}


def preselect(
    stage: FirstStage | None,
    pairs: PairBatch,
    candidates: Candidates,
    feedback: RelevanceFeedback | None,
    top: int,
    side: Side,
) -> PairIndices:
    """Return the candidates, ascending, that the whole ranker is to score for a list of `top`.

    Of records with equal texts one is shown: at least twice as many as are asked for leave enough. Other arguments as for
    `prefilter_features`.
    """
    return preselect_by(stage, len(pairs), top, lambda: prefilter_features(pairs, candidates, feedback, side))


def preselect_by(stage: FirstStage | None, n: int, top: int, columns: Callable[[], FloatArray]) -> PairIndices:
    """Return which of n candidates, best fused rank first, `preselect` chooses; `columns` (n, f) are read where needed."""
    count = max(FUSED_SCORED if stage is None else stage.scored, 2 * top)
    if stage is None or n <= count:
        return PairIndices(np.arange(min(count, n)))
    return PairIndices(stage.best(columns(), count))


def with_ranks(columns: FloatArray, candidates: Candidates) -> FloatArray:
    """Return the columns (n, f) of candidates with those that tell of their ranks as `candidates` has them."""
    ranked = columns.copy()
    _rank_columns(candidates.fused, _ranks(candidates), ranked)
    return ranked


def prefilter_features(
    pairs: PairBatch, candidates: Candidates, feedback: RelevanceFeedback | None, side: Side
) -> FloatArray:
    """Return the columns `COLUMNS` (n, f) of n candidates, paired with the record asked about; NaN is missing.

    The candidates are on `side` of the pairs; `feedback` holds outcomes of similar demands.
    """
    if side == "achievements":
        asking, place, found, places = pairs.demands, int(pairs.d[0]), pairs.achievements, pairs.a
    else:
        asking, place, found, places = pairs.achievements, int(pairs.a[0]), pairs.demands, pairs.d
    n, own, theirs = len(places), asking.texts, found.texts
    dense = np.empty((n, len(PRODUCTS)), dtype=np.float32)
    for column, (wanted, offered) in enumerate(_sides(own, theirs, side)):
        products(offered, places, wanted[place], dense[:, column])
    known = np.full((n, len(_FEEDBACK)), np.nan, dtype=np.float32)
    if feedback is not None:
        if feedback.good is not None:
            products(theirs.full.vectors, places, feedback.good, known[:, 0])
        cosine = theirs.full.vectors[places] @ feedback.examples.T
        _feedback_columns(cosine, feedback.grades, feedback.weights, known)
    columns = np.empty((n, len(COLUMNS)), dtype=np.float32)
    alone = np.ascontiguousarray(asking.typical[place][:, _PRODUCT_COLUMNS])
    _columns(
        dense,
        alone,
        readonly_view(found.typical),
        places,
        _PRODUCT_COLUMNS,
        attribute_features(pairs),
        known,
        columns,
    )
    _rank_columns(candidates.fused, _ranks(candidates), columns)
    return columns


def _ranks(candidates: Candidates) -> Rows:
    """Return (n, channels) the rank of candidates in each of `CHANNELS`, 0 where it did not propose them."""
    ranks = np.zeros((len(candidates.rows), len(CHANNELS)), dtype=np.int64)
    for column, name in enumerate(CHANNELS):
        if name in candidates.channels:
            ranks[:, column] = candidates.channels[name]
    return ranks


def _sides(own: TextSide, theirs: TextSide, side: Side) -> tuple[tuple[FloatArray, FloatArray], ...]:
    """Return for each of `DENSE` the numbers of the record asked about and those of the candidates."""
    demand, achievement = (own, theirs) if side == "achievements" else (theirs, own)
    parts = (
        (demand.title.vectors, achievement.title.vectors),
        (demand.title.vectors, achievement.full.vectors),
        (demand.full.vectors, achievement.full.vectors),
        (demand.title.topics, achievement.full.topics),
        (demand.full.topics, achievement.full.topics),
    )
    return parts if side == "achievements" else tuple((offered, wanted) for wanted, offered in parts)


@numba.njit(nogil=True, cache=True)
def _columns(
    dense: FloatArray,
    alone: FloatArray,
    typical: FloatArray,
    places: Rows,
    measures: Rows,
    stated: FloatArray,
    feedback: FloatArray,
    columns: FloatArray,
) -> None:
    """Write the columns (n, f) but for ranks; `alone` (2, m) and `typical` (all, 2, s): means, deviations of similarities."""
    m, stating = dense.shape[1], stated.shape[1]
    for i in range(len(places)):
        for j in range(m):
            mean, deviation = typical[places[i], 0, measures[j]], typical[places[i], 1, measures[j]]
            columns[i, j] = dense[i, j]
            columns[i, m + j] = (dense[i, j] - alone[0, j]) / alone[1, j]
            columns[i, 2 * m + j] = (dense[i, j] - mean) / deviation
            columns[i, 3 * m + j] = mean
        at = 4 * m
        for j in range(stating):
            columns[i, at + j] = stated[i, j]
        at += stating
        for j in range(feedback.shape[1]):
            columns[i, at + j] = feedback[i, j]


@numba.njit(nogil=True, cache=True)
def _rank_columns(fused: NDArray[np.float64], ranks: Rows, columns: FloatArray) -> None:
    """Write the last columns of (n, f): the fused score, and (n, channels) the `ranks`."""
    channels = ranks.shape[1]
    first = columns.shape[1] - 3 * channels
    for i in range(len(columns)):
        at = first
        columns[i, at - 1] = np.log(fused[i])
        for j in range(channels):
            rank = float(ranks[i, j]) if ranks[i, j] > 0 else _ABSENT
            columns[i, at + j] = ranks[i, j] > 0
            columns[i, at + channels + j] = 1.0 / (_FIRST_RANKS + rank)
            columns[i, at + 2 * channels + j] = np.log(rank)


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "arcp"})
def _feedback_columns(cosine: FloatArray, grades: FloatArray, weights: FloatArray, known: FloatArray) -> None:
    """Write to `known` (n, 4), from the second on: cosine to the nearest good and bad of m examples, their mean grade.

    `cosine` (n, m) are the cosines to the examples. NaN is written where there is no such example.
    """
    m = len(grades)
    good = np.where(grades >= 2, np.float32(0), np.float32(-4))  # what is out of reach is added
    bad = np.where(grades >= 2, np.float32(-4), np.float32(0))
    for i in range(len(cosine)):
        line = cosine[i]
        total = mass = np.float32(0)
        nearest_good = nearest_bad = np.float32(-8)
        for j in range(m):
            near = weights[j] * fast_exp(_SHARPNESS * min(line[j] - np.float32(1), np.float32(0)))
            total += near * grades[j]
            mass += near
            nearest_good = max(nearest_good, line[j] + good[j])
            nearest_bad = max(nearest_bad, line[j] + bad[j])
        known[i, 1] = nearest_good if nearest_good > -2 else np.nan
        known[i, 2] = nearest_bad if nearest_bad > -2 else np.nan
        known[i, 3] = total / (mass + _PRIOR_MASS)


@numba.njit(nogil=True, cache=True)
def _promise(
    columns: FloatArray, filling: NDArray[np.float64], weights: NDArray[np.float64], promise: NDArray[np.float64]
) -> None:
    """Write (n,) sums of the columns (n, f), gaps filled, by the weights (2 f,)."""
    f = columns.shape[1]
    for i in range(len(columns)):
        total = 0.0
        for j in range(f):
            value = columns[i, j]
            total += weights[f + j] + weights[j] * filling[j] if np.isnan(value) else weights[j] * value
        promise[i] = total


def _filled(columns: FloatArray, filling: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, 2 f): the columns with gaps filled, and where there were gaps."""
    missing = np.isnan(columns)
    return np.hstack([np.where(missing, filling, columns), missing])
