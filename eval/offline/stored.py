"""The store as an evaluation sees it: its judged pairs, and the log of the lists that were shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.files.judged import JudgedPairs
from data.records import EventKind
from data.store.store import Store
from eval.metrics.off_policy import examination_curve, new_positions, off_policy, reordered_weights
from eval.offline.findings import Findings, numbers, plain
from eval.offline.systems import Corpus

MIN_CLICKS = 50  # below so many the log is not evaluated
ATTRACTION_FOLDS = 2
PRIOR_VIEWS = 2.0


@dataclass(frozen=True)
class ShownLog:
    """n shown items, each once: rows of demand and achievement, number of the request, position from 1, and the click."""

    d: NDArray[np.int64]
    a: NDArray[np.int64]
    request: NDArray[np.int64]
    position: NDArray[np.int64]
    clicked: NDArray[np.bool_]


def stored_pairs(store: Store) -> JudgedPairs:
    """Return the store's records with all expert judgements that concern them.

    Raises:
        InputError: there is no judgement.

    """
    demands, achievements = tuple(store.demands()), tuple(store.achievements())
    row_d = {record.demand_id: row for row, record in enumerate(demands)}
    row_a = {record.achievement_id: row for row, record in enumerate(achievements)}
    rows = [
        (row_d[event.demand_id], row_a[event.achievement_id], event.grade + 1)
        for event in store.events([EventKind.JUDGEMENT])
        if event.demand_id in row_d and event.achievement_id in row_a
    ]
    if not rows:
        raise InputError(
            "the store holds no expert judgements of its records; import some (`gongxu import judgements.csv`) or name a "
            "folder with --dataset"
        )
    d, a, levels = np.array(rows, dtype=np.int64).T
    return JudgedPairs(demands, achievements, d, a, levels)


def shown_log(store: Store, pairs: JudgedPairs) -> ShownLog:
    """Return what the store's impressions showed of the records, and whether it was clicked or more, by request and pair."""
    row_d = {record.demand_id: row for row, record in enumerate(pairs.demands)}
    row_a = {record.achievement_id: row for row, record in enumerate(pairs.achievements)}
    requests: dict[str, int] = {}
    shown: dict[tuple[int, int, int], int] = {}
    taken_up: set[tuple[int, int, int]] = set()
    silent = (EventKind.JUDGEMENT, EventKind.DECLINE)
    for event in store.events():
        d, a = row_d.get(event.demand_id), row_a.get(event.achievement_id)
        if d is None or a is None or not event.request_id or event.kind in silent:
            continue
        key = (requests.setdefault(event.request_id, len(requests)), d, a)
        if event.kind is not EventKind.IMPRESSION:
            taken_up.add(key)
        elif event.position:
            shown.setdefault(key, event.position)
    columns = np.array([(*key, position) for key, position in shown.items()], dtype=np.int64).reshape(-1, 4)
    clicked = np.array([key in taken_up for key in shown], dtype=np.bool_)
    return ShownLog(columns[:, 1], columns[:, 2], columns[:, 0], columns[:, 3], clicked)


def log_findings(corpus: Corpus, log: ShownLog) -> Findings:
    """Return clicks and estimated attention by position, and what other orders of the same lists would have earned.

    Orders that no outcome taught are compared: the encoder's, the reverse of what was shown, and the one shown. One that
    learned from this very log would be flattered. Empty with fewer than `MIN_CLICKS` clicks.
    """
    if log.clicked.sum() < MIN_CLICKS or not (log.position == 1).any():
        return {}
    pair = log.d * len(corpus.pairs.achievements) + log.a
    curve = examination_curve(pair, log.position, log.clicked)
    positions = [
        {
            "position": place + 1,
            "shown": int((log.position == place + 1).sum()),
            "click_rate": plain(float(log.clicked[log.position == place + 1].mean())),
            "examination": plain(float(curve[place])),
        }
        for place in range(len(curve))
        if (log.position == place + 1).any()
    ]
    found: dict[str, Any] = {"positions": positions, "orders": {}}
    d, a, request, position = log.d, log.a, log.request, log.position
    clicked = log.clicked.astype(np.float64)
    shown_as = new_positions(request, -position.astype(np.float64))
    wanted, offered = corpus.demands.texts.full.vectors, corpus.achievements.texts.full.vectors
    rankings = {
        "shown": -position.astype(np.float64),
        "encoder": np.einsum("nd,nd->n", wanted[d], offered[a], dtype=np.float64),
        "reversed": position.astype(np.float64),
    }
    model = _attraction(d, pair, clicked, curve[position - 1])
    depth = np.arange(1, int(shown_as.max()) + 1)
    known = np.flatnonzero(curve > 0)
    examined = np.interp(depth, known + 1, curve[known])
    for name, ranking in rankings.items():
        target = new_positions(request, ranking)
        weight = reordered_weights(shown_as, target, examined)
        value = off_policy(
            clicked, weight, d, model * examined[shown_as - 1], model * examined[target - 1], resamples=300
        )
        found["orders"][name] = {
            "ips": numbers(value.ips),
            "snips": numbers(value.snips),
            "doubly_robust": numbers(value.doubly_robust),
            "effective": plain(value.effective),
        }
    return found


def _attraction(
    d: NDArray[np.int64], pair: NDArray[np.int64], clicked: NDArray[np.float64], examination: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n,) clicks per look of each row's pair, learned from the other half of the demands' rows where it can be.

    A pair's rate is drawn to the overall one by `PRIOR_VIEWS` looks; rows are halved at random, so that none predicts itself.
    """
    half = np.random.default_rng(0).integers(0, ATTRACTION_FOLDS, len(d))
    _, number = np.unique(pair, return_inverse=True)
    overall = clicked.sum() / examination.sum()
    rate = np.zeros(len(d))
    for fold in range(ATTRACTION_FOLDS):
        here, rest = half == fold, half != fold
        clicks = np.bincount(number[rest], weights=clicked[rest], minlength=number.max() + 1)
        looks = np.bincount(number[rest], weights=examination[rest], minlength=number.max() + 1)
        rate[here] = ((clicks + PRIOR_VIEWS * overall) / (looks + PRIOR_VIEWS))[number[here]]
    return rate
