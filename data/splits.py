"""Cross-validation folds of judged pairs: how a fold is cut decides what a figure means."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from data.errors import InputError

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]
SPLITS = ("random", "dedup", "grouped")


def same_groups(columns: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Return (n,) group numbers of n records; records that agree on a non-empty value of any column share one.

    `columns` holds lists of n values, for instance normalised titles and normalised contents. Sharing is transitive.
    """
    n = len(columns[0])
    first: dict[tuple[int, str], int] = {}
    edges = [(i, i) for i in range(n)]
    for number, column in enumerate(columns):
        edges += [(i, first.setdefault((number, value), i)) for i, value in enumerate(column) if value]
    rows, others = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    adjacency = coo_array((np.ones(len(rows), dtype=np.int8), (rows, others)), shape=(n, n))
    return np.asarray(connected_components(adjacency, directed=False)[1], dtype=np.int64)


def pair_groups(demand_texts: Sequence[str], achievement_texts: Sequence[str]) -> NDArray[np.int64]:
    """Return (n,) group numbers of judged rows: rows whose texts agree on both sides share one."""
    numbers: dict[tuple[str, str], int] = {}
    pairs = zip(demand_texts, achievement_texts, strict=True)
    return np.array([numbers.setdefault(pair, len(numbers)) for pair in pairs], dtype=np.int64)


def folds(
    split: str,
    levels: NDArray[np.int64],
    demand_group: NDArray[np.int64],
    pair_group: NDArray[np.int64],
    n_folds: int = 5,
) -> Folds:
    """Return (train, test) row numbers for each fold of one split.

    random: StratifiedKFold by level, shuffled, seed 0 (leaky: equal texts straddle the folds);
    dedup: StratifiedGroupKFold by level, shuffled, seed 0, equal pairs kept in one fold;
    grouped: GroupKFold by demand, so that a test demand is new.

    Args:
        split: one of `SPLITS`.
        levels: (n,) judged levels.
        demand_group: (n,) group of each row's demand, see `same_groups`.
        pair_group: (n,) group of each row, see `pair_groups`.
        n_folds: number of folds.

    Raises:
        InputError: `split` is unknown, or there are fewer groups than folds.

    """
    # here: records are grouped by a server too, which splits nothing
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold

    rows = np.zeros((len(levels), 1))
    enough = {"random": len(levels), "dedup": len(np.unique(pair_group)), "grouped": len(np.unique(demand_group))}
    if split not in enough:
        raise InputError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
    if enough[split] < n_folds:
        raise InputError(f"split {split!r} needs at least {n_folds} groups of judgements, there are {enough[split]}")
    if split == "random":
        return list(StratifiedKFold(n_folds, shuffle=True, random_state=0).split(rows, levels))
    if split == "dedup":
        return list(StratifiedGroupKFold(n_folds, shuffle=True, random_state=0).split(rows, levels, pair_group))
    return list(GroupKFold(n_folds).split(rows, levels, demand_group))
