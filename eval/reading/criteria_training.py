"""Fit the models that read conditions, on marked policies; measure them on policies that they were not fitted on."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from eval.reading.criteria_evaluation import Result, evaluate
from eval.reading.criteria_gold import Card, Mark
from knowledge_graph.criteria.clauses import MODELS, Features
from knowledge_graph.criteria.figures import mask
from knowledge_graph.criteria.reading import commas_of, read_criteria, runs_of
from knowledge_graph.criteria.sections import split_sentences

Example = tuple[Features, bool]
PENALTY = {"boundary": 1.0, "criterion": 0.3, "hard": 1.0}
SMALLEST = 0.01
# below this share of a text under quotes a marker chose what to mark, and silence says nothing
COVERED = 0.5


def examples_of(card: Card, marks: Sequence[Mark]) -> dict[str, list[Example]]:
    """Return what one marked policy teaches each model.

    A comma inside a quote is no boundary, one between two quotes is; a run of clauses that a quote covers is a criterion
    of its kind; a run that none touches is no criterion, where the marker went through the whole text.
    """
    masked = mask(card.text)
    spans = [(place, mark) for mark in marks if mark.source == card.source for place in _chosen(mark, marks)]
    found: dict[str, list[Example]] = {model: [] for model in MODELS}
    covered = np.zeros(len(card.text), dtype=bool)
    for (low, high), _ in spans:
        covered[low:high] = True
    thorough = covered.sum() > COVERED * max(1, len(card.text))
    for sentence in split_sentences(card.text):
        cuts = []
        for comma in commas_of(masked, sentence):
            inside = any(low <= comma.at < high for (low, high), _ in spans)
            between = not inside and covered[max(0, comma.at - 1)] and covered[min(len(covered) - 1, comma.at + 1)]
            if comma.forced is None and (inside or between):
                found["boundary"].append((comma.features, not inside))
            if not inside if comma.forced is None else comma.forced:
                cuts.append(comma.at)
        for run in runs_of(masked, sentence, cuts):
            share = covered[run.start : run.end].mean()
            if share >= 0.5:
                found["criterion"].append((run.features, True))
                owner = max(spans, key=lambda span: min(run.end, span[0][1]) - max(run.start, span[0][0]))[1]
                if not run.figures:
                    found["hard"].append((run.features, owner.kind == "hard"))
            elif thorough and share < 0.1:
                found["criterion"].append((run.features, False))
    return found


def _chosen(mark: Mark, marks: Sequence[Mark]) -> list[tuple[int, int]]:
    """Return the position of a quote; of a repeated quote the position of its turn."""
    same = [other for other in marks if other.quote == mark.quote and other.source == mark.source]
    turn = same.index(mark)
    return [mark.places[min(turn, len(mark.places) - 1)]] if mark.places else []


def fit(examples: Sequence[Example], penalty: float) -> Features:
    """Return the weights of a logistic regression on the examples, small ones left out."""
    from sklearn.linear_model import LogisticRegression

    names = sorted({name for features, _ in examples for name in features})
    column = {name: place for place, name in enumerate(names)}
    matrix = np.zeros((len(examples), len(names)), dtype=np.float32)
    for row, (features, _) in enumerate(examples):
        for name, value in features.items():
            matrix[row, column[name]] = value
    labels = np.array([label for _, label in examples])
    if labels.all() or not labels.any():
        return {"bias": 5.0 if labels.all() else -5.0}
    model = LogisticRegression(C=penalty, max_iter=3000, fit_intercept=False).fit(matrix, labels)
    return {
        name: round(float(weight), 3)
        for name, weight in zip(names, model.coef_[0], strict=True)
        if abs(weight) >= SMALLEST
    }


def fit_all(cards: Mapping[str, Card], marks: Sequence[Mark]) -> dict[str, Features]:
    """Return the weights of all models, fitted on the marked policies."""
    by_policy: dict[str, list[Mark]] = {}
    for mark in marks:
        by_policy.setdefault(mark.policy_id, []).append(mark)
    pooled: dict[str, list[Example]] = {model: [] for model in MODELS}
    for policy_id, group in sorted(by_policy.items()):
        for model, found in examples_of(cards[policy_id], group).items():
            pooled[model] += found
    return {model: fit(pooled[model], PENALTY[model]) for model in MODELS}


def cross_validate(cards: Mapping[str, Card], marks: Sequence[Mark], folds: int = 10) -> Result:
    """Return how well policies are read by models fitted on the policies of the other folds."""
    policies = sorted({mark.policy_id for mark in marks})
    total = Result()
    for fold in range(min(folds, len(policies))):
        held = set(policies[fold::folds])
        weights = fit_all(cards, [mark for mark in marks if mark.policy_id not in held])
        part = evaluate(
            cards,
            [mark for mark in marks if mark.policy_id in held],
            lambda card, weights=weights: read_criteria(card.text, card.source, card.region, weights),  # type: ignore[misc]
        )
        total.add(part)
    return total


def save(weights: Mapping[str, Features], path: Path) -> None:
    """Write weights where `clauses.shipped_weights` reads them."""
    path.write_text(json.dumps(weights, ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")
