"""The question worth asking: what a demander's answer is expected to change in the top ten."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.records import Achievement, Demand
from data.store.clarifications import Clarification, clarified
from matcher.clarification.answers import clarification
from matcher.clarification.questions import Question, candidate_questions, valued
from matcher.engine import Engine
from matcher.rescoring import ScoredCandidates, candidate_pool, rescored

TOP = 10
POOL = 100  # best candidates that are scored again for each answer
READ_RECORDS = 12  # best candidates whose figures are read
MAX_QUESTIONS = 12
LEAST_CHANGE, LEAST_VALUE = 0.05, 1e-4  # of the ten, and of their gain: what changes less than both is not asked
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
_DISCOUNT = 1.0 / np.log2(np.arange(2, TOP + 2))
_MOST = float((15.0 * _DISCOUNT).sum())


def ask(
    engine: Engine,
    demand: Demand,
    records: Sequence[Achievement] = (),
    answered: Iterable[Clarification] = (),
    pool: ScoredCandidates | None = None,
) -> list[Question]:
    """Return the questions about a demand, the one whose answer is worth most first; none where no answer would matter.

    The value of a question is the expected gain of the top ten: with each answer the candidates are scored again, and
    the list ordered with the answer is compared, by the grades scored with it, with the list ordered without. The gain
    is in DCG@10 with gain 2^grade - 1, as a share of ten perfect matches; answers count by their probability, an
    unclear answer gains nothing.

    Args:
        engine: a trained one.
        demand: stored or not, with earlier answers read in.
        records: the best candidates as the store has them; without them no limits of parameters are asked for.
        answered: earlier answers; their questions are not asked again.
        pool: the demand's candidates, if they are known already.

    Raises:
        InputError: the demand has no text to match by, or the bundle has no ranker.

    """
    pool = pool or candidate_pool(engine, demand)
    done = [answer.question_id for answer in answered]
    questions = candidate_questions(demand, pool, engine.model.graph, records, done)[:MAX_QUESTIONS]
    near = pool.first(POOL)
    variants = [_variant(demand, question, option.answer) for question in questions for option in question.options]
    scores = rescored(engine, variants, near)
    before = np.arange(min(TOP, len(near)))
    result, start = [], 0
    for question in questions:
        shares = np.array([option.probability for option in question.options])
        gained = [_gain(row, before) for row in scores[start : start + len(shares)]]
        value, changed = shares @ np.array(gained).reshape(-1, 2) if gained else np.zeros(2)
        result.append(valued(question, float(value), float(changed)))
        start += len(shares)
    telling = [question for question in result if question.changed >= LEAST_CHANGE or question.value >= LEAST_VALUE]
    return sorted(telling, key=lambda question: (-question.value, question.id))


def best_ids(pool: ScoredCandidates, n: int = READ_RECORDS) -> list[str]:
    """Return the ids of a pool's best candidates, whose records `ask` reads for their figures."""
    return pool.found.cards.ids[:n]


def _variant(demand: Demand, question: Question, answer: str) -> Demand:
    """Return the demand as if the answer had been given."""
    return clarified(demand, [clarification(demand, question.id, answer, "", _UNDATED)])


def _gain(grades: NDArray[np.float64], before: NDArray[np.int64]) -> tuple[float, float]:
    """Return what reordering by `grades` (n,) gains over the order `before`, in [0, 1], and how many of the ten change."""
    after = np.argsort(-grades, kind="stable")[: len(before)]
    gains = 2.0**grades - 1.0
    discount = _DISCOUNT[: len(before)]
    gained = float(gains[after] @ discount - gains[before] @ discount) / _MOST
    return gained, float(len(before) - len(np.intersect1d(after, before)))


def find_question(questions: Iterable[Question], question_id: str) -> Question:
    """Return a question by its id.

    Raises:
        InputError: it is not among them.

    """
    for question in questions:
        if question.id == question_id:
            return question
    raise InputError(
        f"the question {question_id[:80]!r} is not among those asked now", f"现在没有提出问题“{question_id[:80]}”"
    )
