"""What training rows may know of the past: history as of each row's moment, never of what came later or of itself."""

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray
from matcher.collection.encoded import EncodedRecords
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import PairIndices
from matcher.history.axes import HistoryAxes
from matcher.history.features import HISTORY
from matcher.history.graded_pairs import GradedPairs
from matcher.history.outcome_history import History

FOLDS = 5
TIME_BLOCKS = 6

Folds = NDArray[np.int64]


def past_features(
    demands: EncodedRecords, achievements: EncodedRecords, pairs: GradedPairs, nearness: FloatArray, seed: int = 0
) -> tuple[History, list[FloatArray]]:
    """Return the history of all outcomes, to serve with, and two tables (n, len(HISTORY)) to train with.

    Dated rows are cut into `TIME_BLOCKS` blocks by the moment they were shown. The history of a block holds what was
    known before the block began: grades as they were then. Undated judgements count as known from the beginning; their own
    rows learn from the outcomes of other folds only.

    Half of the demands are treated whole as if they were new; in the second table it is the other half, so that a ranker
    learns to serve demands with and without a past.

    Args:
        demands: view that `pairs.d` counts in.
        achievements: view that `pairs.a` counts in.
        pairs: n graded pairs.
        nearness: (n, f) label-free features that the kernel model compares pairs by.
        seed: of the folds.

    """
    group = demands.cards.identity_groups()[pairs.d]
    matter = achievements.cards.identity_groups()[pairs.a]
    by_demand, by_pair, whole = _masks(group, matter, seed)
    batch = pairs.batch(demands, achievements)
    everything, grades = pairs.known_as_of()
    axes = HistoryAxes.of(demands, achievements)
    history = history_of(pairs, batch, everything, grades, nearness, seed, axes=axes)
    undated = np.flatnonzero(~np.isfinite(pairs.shown_at))
    tables = []
    for masked in (whole, ~whole):
        fold = np.where(masked, by_demand, by_pair)
        known = np.full((len(pairs), len(HISTORY)), np.nan, dtype=np.float32)
        for k in range(FOLDS):
            asked = undated[fold[undated] == k]
            hidden = np.flatnonzero(fold[everything] == k)
            if len(asked) and len(hidden) < len(everything):
                rest = history.without(hidden)
                known[asked] = _features(rest, batch, asked, nearness)
        tables.append(known)
    for rows, begin in time_blocks(pairs.shown_at):
        before, then = pairs.known_as_of(begin)
        if not len(before):
            continue
        at_begin = history_of(pairs, batch, before, then, nearness, seed, begin, axes)
        with_past = _features(at_begin, batch, rows, nearness)
        as_new = np.full_like(with_past, np.nan)
        for k in range(FOLDS):
            places = np.flatnonzero(by_demand[rows] == k)
            hidden = np.flatnonzero(by_demand[before] == k)
            if len(places) and len(hidden) < len(before):
                asked = rows[places]
                rest = at_begin.without(hidden) if len(hidden) else at_begin
                as_new[places] = _features(rest, batch, asked, nearness)
        for table, masked in zip(tables, (whole[rows], ~whole[rows]), strict=True):
            table[rows] = np.where(masked[:, None], as_new, with_past)
    return history, tables


def time_blocks(shown_at: NDArray[np.float64], blocks: int = TIME_BLOCKS) -> list[tuple[NDArray[np.intp], float]]:
    """Return the dated rows in at most `blocks` parts of about equal size, each with the moment of its first row.

    Rows of one moment stay in one part; undated ones (NaN) are in none.
    """
    dated = np.flatnonzero(np.isfinite(shown_at))
    if not len(dated):
        return []
    moments = np.sort(shown_at[dated])
    begins = np.unique(moments[np.arange(blocks) * len(moments) // blocks])
    block = np.searchsorted(begins, shown_at[dated], side="right") - 1
    return [(dated[block == number], float(begin)) for number, begin in enumerate(begins)]


def history_of(
    pairs: GradedPairs,
    batch: PairBatch,
    rows: NDArray[np.intp],
    grades: NDArray[np.int64],
    nearness: FloatArray,
    seed: int,
    moment: float = np.inf,
    axes: HistoryAxes | None = None,
) -> History:
    """Return the history of the outcomes `rows` with the grades that were known at `moment`, each at the weight of then.

    `axes` are those of the records, None: found here.
    """
    return History.fit(
        batch.take(PairIndices(rows)),
        grades.astype(np.float64),
        nearness[rows],
        seed,
        pairs.counts(rows, grades, moment),
        pairs.silent(rows, grades),
        pairs.judged[rows],
        pairs.unseen_mass(rows),
        axes,
    )


def _features(history: History, batch: PairBatch, rows: NDArray[np.intp], nearness: FloatArray) -> FloatArray:
    return history.features(batch.take(PairIndices(rows)), nearness[rows])


def new_in_first(group: NDArray[np.int64], seed: int = 0) -> NDArray[np.bool_]:
    """Return (n,) which rows are treated as those of a new demand in the first table of `past_features`, by demand (n,).

    The others are in the second.
    """
    groups, demand = np.unique(group, return_inverse=True)
    whole: NDArray[np.bool_] = _first_half(np.random.default_rng(seed).permutation(len(groups)))[demand]
    return whole


def _first_half(order: NDArray[np.int64]) -> NDArray[np.bool_]:
    whole = np.zeros(len(order), dtype=np.bool_)
    whole[order[: len(order) // 2]] = True
    return whole


def _masks(group: NDArray[np.int64], matter: NDArray[np.int64], seed: int) -> tuple[Folds, Folds, NDArray[np.bool_]]:
    """Return (n,) each: a fold by demand, a fold by pair, and whether the demand is in the first half.

    `group` and `matter` (n,) number the demands and achievements by their texts. Rows of one pair share a fold: a label
    must not reach its row through a double.
    """
    random = np.random.default_rng(seed)
    groups, demand = np.unique(group, return_inverse=True)
    order = random.permutation(len(groups))
    whole = _first_half(order)
    fold_of_demand = np.empty(len(groups), dtype=np.int64)
    fold_of_demand[order] = np.arange(len(groups)) % FOLDS
    _, pair = np.unique(np.stack([group, matter], axis=1), axis=0, return_inverse=True)
    fold_of_pair = random.permutation(pair.max() + 1) % FOLDS
    return fold_of_demand[demand], fold_of_pair[pair.ravel()], whole[demand]
