"""Ways to learn an order from a simulated log, compared with the true order: what position correction and parts are worth."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.files.importer import import_paths
from data.settings import Settings
from data.store.store import Store
from eval.metrics.bootstrap import RESAMPLES, Estimate, Lift, lift_of, resample_weights, summarise
from eval.metrics.levels import ndcg_by_demand
from eval.offline.parts import PARTS
from eval.studies.simulated_truth import SimulatedTruth
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import ViewRows
from matcher.features.table import FeatureTable, with_history
from matcher.learning.fit import Examples, training_examples
from matcher.model import MatchingModel
from matcher.ranking.prior import text_prior
from models.ranking.ordinal import RankerParameters
from training.outcomes.graded_pairs import graded_pairs
from training.pipeline import build, outcome_table

Progress = Callable[[str], None]
HELD_OUT = 5  # one demand in so many is new to the ranker
CANDIDATES = 100  # nearest achievements by encoder, ordered by each ranker
MAX_DEMANDS = 200
BASELINE = "ordinal_position"
LEFT_OUT = tuple(name for name, part in PARTS.items() if part.blank)
"""Parts without which an order can be learned here: those that are features."""
TIMED_ROWS = 200


@dataclass(frozen=True)
class Order:
    """One way to order: its true NDCG@10 on new demands, what it gains on the default, the same on known ones, and its cost.

    `microseconds` is the time to score 200 rows, one thread, median of several calls; `seconds` that of the fit.
    """

    ndcg: Estimate
    lift: Lift
    known_ndcg: Estimate
    known_lift: Lift
    trees: int
    microseconds: float
    seconds: float


@dataclass(frozen=True)
class _Asked:
    """Candidates of some demands: features (n, f), their demand and their true grade (n,)."""

    features: NDArray[np.float32]
    demand: NDArray[np.int64]
    grade: NDArray[np.int64]


@dataclass(frozen=True)
class _Problem:
    """What is learned from, and what is asked: demands whose outcomes are held out, and demands that were learned from.

    `spread` is the deviation of expected grades by rankers that did not see the demand, in which texts weigh.
    """

    examples: Examples
    spread: float
    new: _Asked
    known: _Asked


def study(
    folder: Path,
    settings: Settings,
    trees: tuple[int, ...] = (50, 150, 300),
    without: tuple[str, ...] = (),
    *,
    judgements: bool = False,
    progress: Progress = lambda _: None,
) -> dict[str, Order]:
    """Return how well each way of learning recovers the true order of a folder that `gongxu lab simulate` wrote.

    Lists are in the order in which they are served: by expected grade and what texts add to it. ordinal: positions are
    ignored; ordinal_position: their effect is taken out. With the default parameters, and ordinal_position once for each
    number of `trees` and once without each part.

    Args:
        folder: a simulated platform.
        settings: of the encoder; nothing is written to its home.
        trees: numbers of trees whose quality and latency are compared.
        without: parts (`LEFT_OUT`) that neither training nor scoring knows.
        judgements: whether the experts' judgements are learned from beside the log.
        progress: called with the name of each step.

    Raises:
        InputError: a part is unknown or no feature.

    """
    for name in without:
        if name not in LEFT_OUT:
            raise InputError(f"part {name!r} cannot be left out here; parts: {', '.join(LEFT_OUT)}")
    with tempfile.TemporaryDirectory(prefix="gongxu-study-") as home:
        apart = settings.model_copy(update={"home": Path(home), "database_url": ""})
        problem = _problem(folder, apart, judgements=judgements, progress=progress)
    scores: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    costs: dict[str, tuple[int, float, float]] = {}
    for name, fit in _ways(problem, settings.ranker, trees, without, settings.threads).items():
        progress(f"ranker {name}")
        begin = time.perf_counter()
        score, count = fit()
        seconds = time.perf_counter() - begin
        scores[name] = (score(problem.new.features), score(problem.known.features))
        costs[name] = (count, _microseconds(score, problem.new.features[:TIMED_ROWS]), seconds)
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
    progress("calibration")
    spread = examples.out_of_fold(group[pairs.d], settings.ranker, settings.threads).spread
    progress("features")
    truth = SimulatedTruth(folder)
    vectors = achievements.texts.full.vectors

    def asked(rows: NDArray[np.intp]) -> _Asked:
        d, a, grade = [], [], []
        for row in rows[:MAX_DEMANDS].tolist():
            near = np.argsort(-(vectors @ demands.texts.full.vectors[row]), kind="stable")[:CANDIDATES]
            true = truth.grades(int(demands.cards.ids[row][1:]) - 1)
            d.append(np.full(len(near), row))
            a.append(near)
            grade.append(true[[int(achievements.cards.ids[place][1:]) - 1 for place in near.tolist()]])
        demand, offered, best = (np.concatenate(part).astype(np.int64) for part in (d, a, grade))
        batch = PairBatch(demands, achievements, ViewRows(demand), ViewRows(offered))
        table = with_history(model.label_free_table(batch), history, batch)
        return _Asked(table.select(examples.names), demand, best)

    return _Problem(examples, spread, asked(np.flatnonzero(new)), asked(np.unique(pairs.d)))


Score = Callable[[NDArray[np.float32]], NDArray[np.float64]]
Fit = Callable[[], tuple[Score, int]]


def _ways(
    problem: _Problem, plain: RankerParameters, trees: tuple[int, ...], without: tuple[str, ...], threads: int
) -> dict[str, Fit]:
    examples = problem.examples

    def ordinal(parameters: RankerParameters, blank: tuple[str, ...] = ()) -> tuple[Score, int]:
        ranker = examples.blanked(blank).fit(parameters, threads)

        def score(rows: NDArray[np.float32]) -> NDArray[np.float64]:
            known = FeatureTable(rows, examples.names).blanked(blank).values if blank else rows
            return ranker.expected_grade(ranker.predict(known)) + text_prior(known, examples.names, problem.spread)

        return score, parameters.trees * len(ranker.boosters_)

    ways: dict[str, Fit] = {
        BASELINE: lambda: ordinal(plain),
        "ordinal": lambda: ordinal(replace(plain, correct_positions=False)),
    }
    for count in trees:
        if count != plain.trees:
            ways[f"{BASELINE}_{count}"] = partial(ordinal, replace(plain, trees=count))
    return ways | {f"without {name}": partial(ordinal, plain, PARTS[name].blank) for name in without}


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
    problem: _Problem,
    scores: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    costs: dict[str, tuple[int, float, float]],
) -> dict[str, Order]:
    """Return the true NDCG@10 of each way and its paired difference from the default, by bootstrap over demands."""
    new = _samples(problem.new, {name: first for name, (first, _) in scores.items()})
    known = _samples(problem.known, {name: second for name, (_, second) in scores.items()})
    return {
        name: Order(
            summarise(new[name]),
            lift_of(new[name] - new[BASELINE]),
            summarise(known[name]),
            lift_of(known[name] - known[BASELINE]),
            *costs[name],
        )
        for name in scores
    }


def _samples(asked: _Asked, scores: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return samples of each way's mean NDCG@10 over the demands, the same demands for all."""
    _, demand = np.unique(asked.demand, return_inverse=True)
    samples = {}
    for name, score in scores.items():
        _, ndcg = ndcg_by_demand(asked.grade + 1, score, demand.astype(np.int64))
        weights = resample_weights(len(ndcg), RESAMPLES, seed=0)
        samples[name] = weights @ ndcg / weights.sum(axis=1)
    return samples
