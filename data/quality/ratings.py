"""What evaluations say of a provider: shrunken, weighted by age, with an interval, without those that cannot count."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Literal

SCALES = {"result": "成效", "response": "响应", "skill": "专业", "conduct": "诚信"}
"""Four scales from 1 (poor) to 5 (excellent)."""
SHOWN_FROM = 5
"""Evaluations of a provider from which figures are shown."""
HALF_LIFE_DAYS = 365.0
PRIOR = 3.0
"""Evaluations that the mean of all providers counts as."""
LEAST_DEVIATION = 0.5
Suspicion = Literal["self", "burst", "repeated"]
BURST = 5
BURST_SPAN = timedelta(hours=48)
REPEATED_SPAN = timedelta(days=30)
_FORMS = re.compile(r"(?:股份有限公司|有限责任公司|集团有限公司|有限公司|集团|公司)$")
_Z = 1.96


@dataclass(frozen=True)
class Evaluation:
    """One party's evaluation of a provider; `scores` by the names of `SCALES`."""

    token: str
    provider: str
    evaluator: str
    scores: Mapping[str, int]
    at: datetime


@dataclass(frozen=True)
class Rating:
    """One scale of a provider: shrunken mean and 95% interval."""

    mean: float
    low: float
    high: float


def folded(name: str) -> str:
    """Return a party's name without what two spellings of it differ in: width, spaces, brackets, the legal form."""
    plain = re.sub(r"[\s()（）·.,，]", "", unicodedata.normalize("NFKC", name)).casefold()
    return _FORMS.sub("", plain) or plain


def suspicions(evaluations: Iterable[Evaluation]) -> dict[str, Suspicion]:
    """Return by token what does not count, and why.

    self: the provider evaluates itself. repeated: the same evaluator again within 30 days, all but the last. burst: five or
    more within 48 hours by evaluators who evaluated nobody else, and who agree within one point on each scale.
    """
    found: dict[str, Suspicion] = {}
    by_provider: dict[str, list[Evaluation]] = defaultdict(list)
    evaluated: dict[str, set[str]] = defaultdict(set)
    for one in sorted(evaluations, key=lambda one: (one.at, one.token)):
        provider, evaluator = folded(one.provider), folded(one.evaluator)
        evaluated[evaluator].add(provider)
        if provider == evaluator:
            found[one.token] = "self"
        else:
            by_provider[provider].append(one)
    for given in by_provider.values():
        last: dict[str, Evaluation] = {}
        for one in given:
            before = last.get(folded(one.evaluator))
            if before is not None and one.at - before.at < REPEATED_SPAN:
                found[before.token] = "repeated"
            last[folded(one.evaluator)] = one
        single = [one for one in given if len(evaluated[folded(one.evaluator)]) == 1 and one.token not in found]
        for start, first in enumerate(single):
            window = [one for one in single[start:] if one.at - first.at <= BURST_SPAN]
            if len(window) >= BURST and _agree(window):
                found |= dict.fromkeys((one.token for one in window), "burst")
    return found


def _agree(window: list[Evaluation]) -> bool:
    return all(
        max(one.scores[scale] for one in window) - min(one.scores[scale] for one in window) <= 1 for scale in SCALES
    )


@dataclass(frozen=True)
class Norms:
    """Mean and deviation of a scale over all providers, as of a moment: what few evaluations are drawn towards."""

    mean: Mapping[str, float]
    deviation: Mapping[str, float]


def norms(evaluations: Iterable[Evaluation], now: datetime) -> Norms:
    """Return the norms of all evaluations that count; 3 and 1 where there are none."""
    given = list(evaluations)
    means, deviations = {}, {}
    for scale in SCALES:
        weighted = [(_weight(one, now), one.scores[scale]) for one in given]
        total = sum(weight for weight, _ in weighted)
        means[scale] = sum(weight * score for weight, score in weighted) / total if total else 3.0
        spread = sum(weight * (score - means[scale]) ** 2 for weight, score in weighted)
        deviations[scale] = max(LEAST_DEVIATION, sqrt(spread / total)) if total else 1.0
    return Norms(means, deviations)


def ratings(evaluations: Iterable[Evaluation], normal: Norms, now: datetime) -> dict[str, Rating]:
    """Return the scales of one provider, of the evaluations that count; empty for fewer than five.

    An evaluation weighs half after a year. The mean is drawn towards that of all providers, as by three more evaluations;
    the interval's width is that of as many evaluations as the weights are worth, and of those three.
    """
    given = list(evaluations)
    if len(given) < SHOWN_FROM:
        return {}
    weights = [_weight(one, now) for one in given]
    total = sum(weights)
    worth = total**2 / sum(weight**2 for weight in weights)
    found = {}
    for scale in SCALES:
        summed = sum(weight * one.scores[scale] for weight, one in zip(weights, given, strict=True))
        mean = (summed + PRIOR * normal.mean[scale]) / (total + PRIOR)
        half = _Z * normal.deviation[scale] / sqrt(min(worth, total) + PRIOR)
        found[scale] = Rating(round(mean, 2), round(max(1.0, mean - half), 2), round(min(5.0, mean + half), 2))
    return found


def _weight(one: Evaluation, now: datetime) -> float:
    return float(0.5 ** (max(0.0, (now - one.at).total_seconds()) / 86_400 / HALF_LIFE_DAYS))
