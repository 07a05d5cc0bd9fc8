"""What one question brings, on a simulated platform whose truth is known: NDCG@10 with none, a random and the chosen one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.files.judged import load_judged
from data.settings import Settings
from data.store.clarifications import clarified
from eval.metrics.bootstrap import RESAMPLES, Estimate, resample_weights, summarise
from eval.offline.systems import Corpus, build_corpus
from eval.studies.simulated_truth import VAGUE, SimulatedTruth
from matcher.clarification.answers import UNCLEAR, clarification
from matcher.clarification.ask import ask, best_ids
from matcher.collection.collection import Collection
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.fit import fit_scorer
from matcher.model import MatchingModel
from matcher.ranking.diversify import diversify
from matcher.rescoring import ScoredCandidates, candidate_pool
from matcher.texts.space import record_text
from models.ranking.ordinal import RankerParameters

TOP = 10
POLICIES = ("none", "random", "chosen", "best")
"""No question; any of the candidate questions; the one of greatest value; the one that turns out best (out of reach)."""
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """One demand of the study: NDCG@10 by policy, how vague it was, and of the chosen question kind and answer."""

    ndcg: dict[str, float]
    vague: bool
    kind: str
    clear: bool
    questions: int


def simulated_engine(folder: Path, settings: Settings, progress: Progress) -> tuple[Engine, Corpus]:
    """Return an engine over a simulated folder, its ranker fitted on the experts' judgements alone.

    Judged is one demand in ten: all others are new to it.
    """
    (pairs,) = load_judged(folder)
    corpus = build_corpus(pairs, settings, progress)
    d, a = pairs.demand_rows, pairs.achievement_rows
    graded = GradedPairs(d, a, pairs.levels - 1, np.ones(len(pairs)))
    parameters = RankerParameters()
    scorer = fit_scorer(corpus.demands, corpus.achievements, graded, corpus.table, parameters=parameters)
    progress("indexes")
    model = MatchingModel(
        "study",
        corpus.record_encoder,
        Collection.build(corpus.achievements, list(pairs.achievements)),
        Collection.build(corpus.demands, list(pairs.demands)),
        scorer,
        corpus.graph,
    )
    return Engine(model), corpus


def study_questions(
    folder: Path, settings: Settings, sample: int = 200, seed: int = 0, progress: Progress = lambda _: None
) -> list[Asked]:
    """Ask one question about each of `sample` demands that no expert judged, half of them vague, answered by the truth.

    Raises:
        InputError: the folder is none of the simulator's, or holds no demand to ask about.

    """
    truth = SimulatedTruth(folder)
    engine, corpus = simulated_engine(folder, settings, progress)
    pairs = corpus.pairs
    judged = set(pairs.demand_group().tolist())
    group = {int(row): int(number) for row, number in zip(pairs.demand_rows, pairs.demand_group(), strict=True)}
    fresh = [
        row
        for row in range(len(pairs.demands))
        if group.get(row, -1) not in judged and not truth.is_copy(row) and record_text(pairs.demands[row]).full
    ]
    chosen = _sample(fresh, truth, sample, seed)
    if not chosen:
        raise InputError(f"{folder} holds no demand without judgements; simulate more demands")
    asked = []
    for number, row in enumerate(chosen):
        if number % 20 == 0:
            progress(f"questions {number}/{len(chosen)}")
        asked.append(_one(engine, corpus, truth, row))
    return asked


def _sample(fresh: list[int], truth: SimulatedTruth, sample: int, seed: int) -> list[int]:
    order = np.random.default_rng([seed, 1]).permutation(fresh).tolist()
    vague = [row for row in order if truth.wording(row) == VAGUE][: sample // 2]
    return vague + [row for row in order if truth.wording(row) != VAGUE][: sample - len(vague)]


def _one(engine: Engine, corpus: Corpus, truth: SimulatedTruth, row: int) -> Asked:
    pairs = corpus.pairs
    demand = pairs.demands[row]
    grades = truth.grades(row)
    allowed = engine.model.achievements.allowed(Filters())
    ideal = np.sort(grades[allowed])[::-1][:TOP]
    pool = candidate_pool(engine, demand)
    row_of = engine.model.achievements.base.cards.rows
    records = [pairs.achievements[row_of[achievement]] for achievement in best_ids(pool)]
    questions = ask(engine, demand, records, pool=pool)
    none = _ndcg(pool, row_of, grades, ideal)
    after, clear = [], []
    for question in questions:
        answer = truth.answer(row, question)
        clear.append(answer != UNCLEAR)
        if answer == UNCLEAR:
            after.append(none)
            continue
        answered = clarified(demand, [clarification(demand, question.id, answer, "truth", _MOMENT)])
        after.append(_ndcg(candidate_pool(engine, answered), row_of, grades, ideal))
    if not questions:
        return Asked(dict.fromkeys(POLICIES, none), truth.wording(row) == VAGUE, "", False, 0)
    at_random = float(np.mean(after))  # the expectation over all draws, without the draws' noise
    ndcg = {"none": none, "random": at_random, "chosen": after[0], "best": max(none, *after)}
    return Asked(ndcg, truth.wording(row) == VAGUE, questions[0].kind, clear[0], len(questions))


def _ndcg(pool: ScoredCandidates, rows: Mapping[str, int], grades: NDArray[np.int8], ideal: NDArray[np.int8]) -> float:
    """Return NDCG@10 of the list that the engine would show, by true grades of `rows`; 0 where nothing relevant exists."""
    order = np.arange(len(pool), dtype=np.intp)
    shown = diversify(order, pool.found.cards.owners, pool.found.cards.text_ids, TOP)
    best = _dcg(ideal)
    return _dcg(grades[[rows[pool.found.cards.ids[place]] for place in shown.tolist()]]) / best if best else 0.0


def _dcg(grades: NDArray[np.int8]) -> float:
    gains = 2.0 ** grades.astype(np.float64) - 1.0
    return float(gains @ (1.0 / np.log2(np.arange(2, len(gains) + 2))))


def estimates(asked: list[Asked], seed: int = 0) -> dict[str, dict[str, Estimate]]:
    """Return for each part (all, vague, clear demands) each policy's NDCG@10, and its lead over none and random.

    Intervals are 95% by bootstrap over demands; leads are paired.
    """
    parts = {
        "all": asked,
        "vague": [one for one in asked if one.vague],
        "other": [one for one in asked if not one.vague],
    }
    table = {}
    for name, part in parts.items():
        if not part:
            continue
        weights = resample_weights(len(part), RESAMPLES, seed)
        values = {policy: np.array([one.ndcg[policy] for one in part]) for policy in POLICIES}
        values |= {
            "random - none": values["random"] - values["none"],
            "chosen - none": values["chosen"] - values["none"],
            "chosen - random": values["chosen"] - values["random"],
        }
        table[name] = {key: summarise(weights @ value / len(part)) for key, value in values.items()}
    return table
