"""Skill learned from closed work: a rate by worker and field, shrunken to the worker's, and that to everybody's."""

from collections import Counter
from collections.abc import Iterable, Mapping

PRIOR = 5.0
"""Closed cases that the more general rate counts for."""


class SkillRates:
    """Success rates by worker and field, learned from closed cases: (worker, field, succeeded)."""

    def __init__(self, closed: Iterable[tuple[str, str, bool]]) -> None:
        cases = list(closed)
        self._n = Counter((worker, field) for worker, field, _ in cases)
        self._won = Counter((worker, field) for worker, field, won in cases if won)
        self._n_worker = Counter(worker for worker, _, _ in cases)
        self._won_worker = Counter(worker for worker, _, won in cases if won)
        self.overall = (sum(won for _, _, won in cases) + 1.0) / (len(cases) + 2.0)

    def rate(self, worker: str, field: str) -> float:
        """Return the expected success rate of a worker in a field, in (0, 1)."""
        general = _shrunken(self._won_worker[worker], self._n_worker[worker], self.overall)
        return _shrunken(self._won[worker, field], self._n[worker, field], general)

    def closed(self, worker: str, field: str) -> tuple[int, int]:
        """Return how many cases of a field a worker closed, and how many of them succeeded."""
        return self._n[worker, field], self._won[worker, field]


def blended(rate: float, overall: float, expertise: float, highest: float) -> float:
    """Return a skill in [0, 1]: half the results of closed work, half the likeness of earlier deals to the text.

    `rate` counts relative to `overall`, the rate of all; `expertise` relative to the highest of the brokers, 0 if none has any.
    """
    relative = rate / (rate + overall)
    return 0.5 * relative + 0.5 * (expertise / highest if highest > 0 else 0.0)


def relative_speeds(durations: Mapping[str, list[float]]) -> dict[str, float]:
    """Return by worker a skill in [0, 1] from how long their closed cases took, shrunken: 0.5 is everybody's mean."""
    everything = [hours for own in durations.values() for hours in own]
    if not everything:
        return {}
    mean = sum(everything) / len(everything)
    found = {}
    for worker, own in durations.items():
        expected = (sum(own) + PRIOR * mean) / (len(own) + PRIOR)
        found[worker] = mean / (mean + expected) if mean + expected > 0 else 0.5
    return found


def _shrunken(won: int, n: int, general: float) -> float:
    return (won + PRIOR * general) / (n + PRIOR)
