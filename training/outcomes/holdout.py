"""Demands that no ranker learns from: versions are compared on their outcomes, whenever each was trained."""

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from matcher.collection.columns import RecordColumns

MAX_HELD_OUT = 10_000  # pairs that versions are compared on; more would sharpen no decision
_SALT = "gongxu held out:"


def held_out_mark(name: str) -> float:
    """Return a stable hash in [0, 1); demands below the hold-out share are held out."""
    return int.from_bytes(sha256(f"{_SALT}{name}".encode()).digest()[:8], "big") / 2**64


def demand_marks(demands: RecordColumns, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (n,) marks of the demands of n pairs; demands of the same title have the same, whatever their ids are."""
    unique, inverse = np.unique(rows, return_inverse=True)
    titles = demands.take(unique).table.column("title_key").to_pylist()
    ids = demands.ids
    marks = [held_out_mark(title or ids[row]) for title, row in zip(titles, unique.tolist(), strict=True)]
    return np.array(marks, dtype=np.float64)[inverse]


def split_pairs(
    demands: RecordColumns, rows: NDArray[np.int64], share: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which of n pairs to learn from and which are held out, given the rows of their demands.

    A pair whose demand is not held out but shares its text with one that is belongs to neither. Of more than
    `MAX_HELD_OUT` pairs those of the demands with the lowest marks stay held out; the others are not learned from.
    """
    marks = demand_marks(demands, rows)
    held = marks < share
    group = demands.identity_groups()[rows]
    learned = np.flatnonzero(~np.isin(group, group[held]))
    places = np.flatnonzero(held)
    places = places[np.argsort(marks[places], kind="stable")]
    if len(places) > MAX_HELD_OUT:
        last = marks[places[MAX_HELD_OUT - 1]]
        places = places[marks[places] < last] if marks[places[0]] < last else places[:MAX_HELD_OUT]
    return learned, np.sort(places)
