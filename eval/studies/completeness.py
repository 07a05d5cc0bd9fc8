"""Does completeness tell whether a demand is answered? Fitted and tested on demands of a simulated or a real platform."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.model_selection import KFold

from data.errors import InputError
from data.records import Demand, EventKind, OutcomeEvent
from eval.metrics.bootstrap import RESAMPLES, Estimate, resample_weights, summarise
from eval.metrics.levels import auc
from knowledge_graph.graph import KnowledgeGraph
from matcher.clarification.completeness import PART_NAMES, Weights, stated_parts

FIRST_SHOWN = 20  # results after which a demand had its chance
ANSWERED = frozenset({EventKind.CONTACT, EventKind.MEETING, EventKind.NEGOTIATION, EventKind.DEAL})
# What people who run such platforms would count before any data: log-odds per part.
PRIOR = {
    "material": 0.2, "method": 0.2, "effect": 0.2, "product": 0.2, "application": 0.2, "requirement": 0.3,
    "current": 0.1, "scenario": 0.1, "budget": 0.1, "deadline": 0.05, "cooperation": 0.05,
}  # fmt: skip
PRIOR_STRENGTH = 150.0  # precision of that belief: it takes hundreds of demands to move a part much


@dataclass(frozen=True)
class Fitted:
    """Weights with their figures on demands they did not see: AUC, Brier score (and that of the base rate), reliability.

    `reliability` holds (mean predicted, share answered, demands) for five groups of rising prediction.
    """

    weights: Weights
    demands: int
    auc: Estimate
    brier: Estimate
    brier_of_base_rate: float
    reliability: tuple[tuple[float, float, int], ...]


def answered_demands(events: Iterable[OutcomeEvent]) -> dict[str, bool]:
    """Return for each demand whether its first lists, of `FIRST_SHOWN` results together, led to a contact or further.

    Only the first results count: a firm that asks more often has more chances, whatever it wrote. Demands that were
    shown fewer are left out. Events come in the order of time, those that follow from a list with its request id.
    """
    shown: dict[str, int] = {}
    first: dict[str, set[str]] = {}
    followed: dict[str, set[str]] = {}
    for event in events:
        if event.kind is EventKind.IMPRESSION:
            requests = first.setdefault(event.demand_id, set())
            if event.request_id in requests or shown.get(event.demand_id, 0) < FIRST_SHOWN:
                requests.add(event.request_id)
                shown[event.demand_id] = shown.get(event.demand_id, 0) + 1
        elif event.kind in ANSWERED:
            followed.setdefault(event.demand_id, set()).add(event.request_id)
    return {
        demand_id: bool(requests & followed.get(demand_id, set()))
        for demand_id, requests in first.items()
        if shown[demand_id] >= FIRST_SHOWN
    }


def fit_completeness(
    demands: Sequence[Demand], answered: dict[str, bool], graph: KnowledgeGraph | None, source: str
) -> Fitted:
    """Fit the weights of completeness on demands that had their chance; figures are out of five folds.

    Raises:
        InputError: fewer than 50 such demands, or all or none were answered.

    """
    known = [demand for demand in demands if demand.demand_id in answered]
    outcome = np.array([answered[demand.demand_id] for demand in known], dtype=np.float64)
    if len(known) < 50 or outcome.min() == outcome.max():
        raise InputError(f"{len(known)} demands were shown often enough; fitting needs 50, some answered and some not")
    stated = [stated_parts(demand, graph) for demand in known]
    x = np.array([[bool(parts[name]) for name in PART_NAMES] for parts in stated], dtype=np.float64)
    predicted = np.zeros(len(known))
    for train, test in KFold(5, shuffle=True, random_state=0).split(x):
        predicted[test] = _probability(x[test], _fit(x[train], outcome[train]))
    solution = _fit(x, outcome)
    weights = Weights(
        intercept=round(float(solution[0]), 4),
        parts={name: round(float(value), 4) for name, value in zip(PART_NAMES, solution[1:], strict=True)},
        base_rate=round(float(outcome.mean()), 4),
        fitted_on=source,
    )
    draws = resample_weights(len(known), RESAMPLES, 0)
    brier = summarise(draws @ (predicted - outcome) ** 2 / len(known))
    groups = np.array_split(np.argsort(predicted, kind="stable"), 5)
    reliability = tuple((float(predicted[rows].mean()), float(outcome[rows].mean()), len(rows)) for rows in groups)
    base = float(((outcome.mean() - outcome) ** 2).mean())
    area = summarise(auc(outcome > 0, predicted, draws))
    return Fitted(weights, len(known), area, brier, base, reliability)


def _fit(x: NDArray[np.float64], outcome: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (1 + parts,) intercept and log-odds of parts, none below 0, drawn to `PRIOR`.

    A part must never lower the score: to leave something out would otherwise be advice.
    """
    prior = np.array([PRIOR[name] for name in PART_NAMES])

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = w[0] + x @ w[1:]
        value = float(np.sum(np.logaddexp(0.0, z) - outcome * z) + 0.5 * PRIOR_STRENGTH * np.sum((w[1:] - prior) ** 2))
        residual = 1.0 / (1.0 + np.exp(-z)) - outcome
        return value, np.r_[residual.sum(), x.T @ residual + PRIOR_STRENGTH * (w[1:] - prior)]

    start = np.r_[0.0, prior]
    bounds = [(None, None), *[(0.0, None)] * len(prior)]
    return np.asarray(minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x, dtype=np.float64)


def _probability(x: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-(w[0] + x @ w[1:]))), dtype=np.float64)
