"""Recall of the candidate channels, each alone and fused: what the ranker never sees it cannot recommend."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.files.judged import JudgedPairs
from data.text.segment import content_words
from eval.metrics.bootstrap import RESAMPLES, Estimate, resample_weights, summarise
from eval.metrics.levels import recall_at
from eval.offline.systems import Corpus
from matcher.collection.collection import Collection
from matcher.ranking.channels import fuse
from matcher.texts.space import record_text

DEPTHS = (100, 300)
GOOD_LEVEL = 3
DENSE_WEIGHT = 0.5  # of the weighted fusion; the other half is BM25

RecallTable = dict[str, dict[str, Estimate]]


def judged_relevant(pairs: JudgedPairs) -> dict[int, set[int]]:
    """Return for each demand row the achievement rows that an expert graded level 3 or 4."""
    relevant: dict[int, set[int]] = {}
    good = pairs.levels >= GOOD_LEVEL
    for demand, achievement in zip(
        pairs.demand_rows[good].tolist(), pairs.achievement_rows[good].tolist(), strict=True
    ):
        relevant.setdefault(demand, set()).add(achievement)
    return relevant


def true_relevant(pairs: JudgedPairs, truth: Path, grade: int = 4) -> dict[int, set[int]]:
    """Return for each demand row the achievement rows of at least `grade` in a simulator's truth/relevance.csv.

    Raises:
        InputError: the file is missing or lacks a column.

    """
    if not truth.is_file():
        raise InputError(f"{truth} does not exist; `gongxu lab simulate` writes truth/relevance.csv")
    demands = {record.demand_id: row for row, record in enumerate(pairs.demands)}
    achievements = {record.achievement_id: row for row, record in enumerate(pairs.achievements)}
    relevant: dict[int, set[int]] = {}
    with truth.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        missing = [name for name in ("demand_id", "achievement_id", "grade") if name not in (lines.fieldnames or ())]
        if missing:
            raise InputError(f"{truth} lacks the column {missing[0]!r}; `gongxu lab simulate` writes it")
        for line in lines:
            demand, achievement = demands.get(line["demand_id"]), achievements.get(line["achievement_id"])
            if int(line["grade"]) >= grade and demand is not None and achievement is not None:
                relevant.setdefault(demand, set()).add(achievement)
    return relevant


def retrieval_recall(
    corpus: Corpus,
    relevant: dict[int, set[int]],
    max_demands: int = 1000,
    progress: Callable[[str], None] = lambda _: None,
) -> RecallTable:
    """Return recall@100 and @300, each with its 95% interval by bootstrap over demands, for each channel and fusion.

    dense (encoder), lexical (BM25), graph (terms and their neighbours), rrf (reciprocal rank fusion of dense and
    lexical), weighted (half of each of the two scores, scaled to [0, 1] per query) and rrf_graph (all three, what is
    served). `relevant` holds the relevant achievement rows of each demand row; of more than `max_demands` demands a
    fixed random sample is taken.

    Raises:
        InputError: no demand has a relevant achievement.

    """
    if not relevant:
        raise InputError("no demand has a relevant achievement; recall needs at least one")
    progress("indexes")
    collection = Collection.build(corpus.achievements, list(corpus.pairs.achievements), corpus.graph.vocabulary.terms)
    rows = np.array(sorted(relevant), dtype=np.int64)
    if len(rows) > max_demands:
        rows = np.sort(np.random.default_rng(0).choice(rows, max_demands, replace=False))
    progress("search")
    names = ("dense", "lexical", "graph", "rrf", "weighted", "rrf_graph")
    found: dict[str, list[NDArray[np.int64]]] = {name: [] for name in names}
    everything = np.ones(len(collection), dtype=np.bool_)
    depth = max(DEPTHS)
    for row in rows.tolist():
        vector = np.asarray(corpus.demands.texts.full.vectors[row : row + 1])
        near, cosine = (part[0] for part in collection.vectors.search(vector, depth))
        near, cosine = near[near >= 0], cosine[near >= 0]
        words = content_words(record_text(corpus.pairs.demands[row]).full)
        lexical, score = collection.lexical.search(words, depth)
        found["dense"].append(near)
        found["lexical"].append(lexical)
        found["rrf"].append(fuse({"dense": near, "lexical": lexical}).rows)
        found["weighted"].append(_weighted(near, cosine, lexical, score))
        reached = corpus.graph.retrieve(corpus.graph.demand(row), depth, everything)[0]
        found["graph"].append(reached)
        found["rrf_graph"].append(fuse({"dense": near, "lexical": lexical, "graph": reached}).rows)
    wanted = [relevant[row] for row in rows.tolist()]
    weights = resample_weights(len(rows), RESAMPLES, seed=0)
    table = {
        name: {f"recall{k}": _mean(recall_at(wanted, results, k), weights) for k in DEPTHS}
        for name, results in found.items()
    }
    for name, channels in (("union", ("dense", "lexical")), ("union_graph", ("dense", "lexical", "graph"))):
        table[name] = {}
        for k in DEPTHS:
            rows_of = zip(*(found[channel] for channel in channels), strict=True)
            unions = [np.unique(np.concatenate([part[:k] for part in parts])) for parts in rows_of]
            table[name][f"recall{k}"] = _mean(recall_at(wanted, unions, len(channels) * k), weights)
    return table


def _weighted(
    near: NDArray[np.int64], cosine: NDArray[np.float32], lexical: NDArray[np.int64], score: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Return the union of two channels ordered by their weighted scaled scores."""
    total: dict[int, float] = {}
    for rows, scores, weight in ((near, cosine, DENSE_WEIGHT), (lexical, score, 1.0 - DENSE_WEIGHT)):
        if len(rows):
            span = max(float(scores.max() - scores.min()), 1e-9)
            for row, value in zip(rows.tolist(), ((scores - scores.min()) / span).tolist(), strict=True):
                total[row] = total.get(row, 0.0) + weight * value
    return np.array(sorted(total, key=lambda row: (-total[row], row)), dtype=np.int64)


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> Estimate:
    return summarise(np.asarray(weights @ values / weights.sum(axis=1)))


def show_recall(table: RecallTable, title: str, columns: Sequence[str] = ("recall100", "recall300")) -> None:
    """Print the table: channels by depth, each figure with its interval."""
    from data.terminal import Table
    from data.terminal import console as terminal

    shown = Table(title=title)
    shown.add_column("channel")
    for column in columns:
        shown.add_column(column, justify="right")
    for name, figures in table.items():
        cells = [f"{figures[c].value:.3f} [{figures[c].low:.3f}, {figures[c].high:.3f}]" for c in columns]
        shown.add_row(name, *cells)
    terminal().print(shown)
