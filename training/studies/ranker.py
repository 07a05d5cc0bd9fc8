"""Ways to learn an order from a simulated log, compared with the true order: what position correction is worth."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.files.importer import import_paths
from data.settings import Settings
from data.store.store import Store
from eval.metrics.bootstrap import RESAMPLES, Estimate, Lift, lift_of, resample_weights, summarise
from eval.metrics.levels import ndcg_by_demand
from eval.studies.simulated_truth import SimulatedTruth
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import ViewRows
from matcher.features.table import with_history
from matcher.learning.fit import Examples, training_examples
from matcher.model import MatchingModel
from models.ranking.ordinal import RankerParameters
from training.outcomes.graded_pairs import graded_pairs
from training.pipeline import build, outcome_table

Progress = Callable[[str], None]
HELD_OUT = 5  # one demand in so many is new to the ranker
CANDIDATES = 100  # nearest achievements by encoder, ordered by each ranker
MAX_DEMANDS = 200
BASELINE = "ordinal"
TIMED_ROWS = 200


@dataclass(frozen=True)
class Order:
    """One way to order: its true NDCG@10 on new demands, what it gains on the plain ordinal ranker, and its cost.

    `microseconds` is the time to score 200 rows, one thread, median of several calls; `seconds` that of the fit.
    """

    ndcg: Estimate
    lift: Lift
    trees: int
    microseconds: float
    seconds: float


@dataclass(frozen=True)
class _Problem:
    examples: Examples
    asked: NDArray[np.float32]
    demand: NDArray[np.int64]
    grade: NDArray[np.int64]


def study(
    folder: Path,
    settings: Settings,
    trees: tuple[int, ...] = (50, 150, 300),
    *,
    judgements: bool = False,
    progress: Progress = lambda _: None,
) -> dict[str, Order]:
    """Return how well each way of learning recovers the true order of a folder that `gongxu lab simulate` wrote.

    ordinal: expected grade, positions ignored; ordinal_position: their effect taken out. With the default parameters, and
    ordinal_position once for each number of `trees`.

    Args:
        folder: a simulated platform.
        settings: of the encoder; nothing is written to its home.
        trees: numbers of trees whose quality and latency are compared.
        judgements: whether the experts' judgements are learned from beside the log.
        progress: called with the name of each step.

    """
    with tempfile.TemporaryDirectory(prefix="gongxu-study-") as home:
        apart = settings.model_copy(update={"home": Path(home), "database_url": ""})
        problem = _problem(folder, apart, judgements=judgements, progress=progress)
    scores: dict[str, NDArray[np.float64]] = {}
    costs: dict[str, tuple[int, float, float]] = {}
    for name, fit in _ways(problem.examples, settings.ranker, trees, settings.threads).items():
        progress(f"ranker {name}")
        begin = time.perf_counter()
        score, count = fit()
        seconds = time.perf_counter() - begin
        scores[name] = score(problem.asked)
        costs[name] = (count, _microseconds(score, problem.asked[:TIMED_ROWS]), seconds)
    return _compared(problem, scores, costs)


def _problem(folder: Path, settings: Settings, *, judgements: bool, progress: Progress) -> _Problem:
    """Build the platform, learn from four demands in five, and list candidates with true grades for the others."""
    progress("import")
    with Store.open(settings.store_url) as store:
        import_paths(store, [folder], rejects=settings.home / "rejects")
        built = build(settings, store, progress)
        model = MatchingModel.load(built.directory, threads=settings.threads)
        demands, achievements = model.demands.base, model.achievements.base
        pairs = graded_pairs(store.events(), demands.cards, achievements.cards)
    group = demands.cards.identity_groups()
    new = group % HELD_OUT == 0
    learned = np.flatnonzero(~new[pairs.d] & (judgements | ~pairs.judged))
    pairs = pairs.take(learned)
    progress("history")
    history, examples = training_examples(demands, achievements, pairs, outcome_table(model, pairs))
    progress("features")
    truth = SimulatedTruth(folder)
    vectors = achievements.texts.full.vectors
    d, a, grade = [], [], []
    for row in np.flatnonzero(new)[:MAX_DEMANDS].tolist():
        near = np.argsort(-(vectors @ demands.texts.full.vectors[row]), kind="stable")[:CANDIDATES]
        true = truth.grades(int(demands.cards.ids[row][1:]) - 1)
        d.append(np.full(len(near), row))
        a.append(near)
        grade.append(true[[int(achievements.cards.ids[place][1:]) - 1 for place in near.tolist()]])
    asked, offered, best = (np.concatenate(part).astype(np.int64) for part in (d, a, grade))
    batch = PairBatch(demands, achievements, ViewRows(asked), ViewRows(offered))
    table = with_history(model.label_free_table(batch), history, batch)
    return _Problem(examples, table.select(examples.names), asked, best)


Score = Callable[[NDArray[np.float32]], NDArray[np.float64]]
Fit = Callable[[], tuple[Score, int]]


def _ways(examples: Examples, plain: RankerParameters, trees: tuple[int, ...], threads: int) -> dict[str, Fit]:
    def ordinal(parameters: RankerParameters) -> tuple[Score, int]:
        ranker = examples.fit(parameters, threads)
        return (lambda rows: ranker.expected_grade(ranker.predict(rows))), parameters.trees * len(ranker.boosters_)

    ways: dict[str, Fit] = {
        BASELINE: lambda: ordinal(replace(plain, correct_positions=False)),
        "ordinal_position": lambda: ordinal(plain),
    }
    for count in trees:
        if count != plain.trees:
            ways[f"ordinal_position_{count}"] = partial(ordinal, replace(plain, trees=count))
    return ways


def _microseconds(score: Score, rows: NDArray[np.float32], calls: int = 15) -> float:
    """Return the median time of a call in microseconds, after a first one that compiles."""
    score(rows)
    times = []
    for _ in range(calls):
        begin = time.perf_counter()
        score(rows)
        times.append(time.perf_counter() - begin)
    return float(np.median(times)) * 1e6


def _compared(
    problem: _Problem, scores: dict[str, NDArray[np.float64]], costs: dict[str, tuple[int, float, float]]
) -> dict[str, Order]:
    """Return the true NDCG@10 of each way and its paired difference from the baseline, by bootstrap over demands."""
    _, demand = np.unique(problem.demand, return_inverse=True)
    samples = {}
    for name, score in scores.items():
        _, ndcg = ndcg_by_demand(problem.grade + 1, score, demand.astype(np.int64))
        weights = resample_weights(len(ndcg), RESAMPLES, seed=0)
        samples[name] = weights @ ndcg / weights.sum(axis=1)
    return {
        name: Order(summarise(samples[name]), lift_of(samples[name] - samples[BASELINE]), *costs[name])
        for name in scores
    }
