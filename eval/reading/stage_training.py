"""Fit the model that estimates an achievement's stage, and measure it by cross-validation on records with a stage."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.records import Achievement
from knowledge_graph.maturity.stage import (
    LEAST_PROBABILITY,
    STAGES,
    StageModel,
    attributes_of,
    bigrams_of,
    read_model,
    values_of,
)

FOLDS, SEEDS = 10, 5
LEAST_RECORDS = 5  # of a pair of characters, to be learned
LEAST_ATTRIBUTE = 3
REGULARISATION = 3.0  # C, chosen by the same cross-validation among 1, 3 and 10
_DIGITS = 3
Example = tuple[Achievement, int]


@dataclass(frozen=True)
class StageFigures:
    """Macro-F1 over the three stages, mean and deviation over `SEEDS` divisions into folds.

    `said` is the share of records on which the model does not abstain, `right_said` its accuracy there.
    """

    records: int
    macro_f1: float
    deviation: float
    majority: float
    accuracy: float
    said: float
    right_said: float

    def as_dict(self) -> dict[str, float]:
        """Return the figures as plain values for JSON."""
        return {name: round(value, 4) for name, value in vars(self).items()}


def load_examples(path: Path) -> list[Example]:
    """Return the achievements of a CSV file whose stage is one of the three, with its number.

    Columns: id, title, organization, form, transfer_mode, abstract, maturity_stage.

    Raises:
        InputError: a column is missing or no record has a stage.

    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = ("id", "title", "organization", "form", "transfer_mode", "abstract", "maturity_stage")
    missing = [name for name in wanted if rows and name not in rows[0]]
    if missing:
        raise InputError(f"{path} has no column {missing[0]!r}; it needs {', '.join(wanted)}")
    found = [
        (
            Achievement(
                achievement_id=row["id"],
                title=row["title"],
                holder=row["organization"],
                form=row["form"],
                transfer_modes=row["transfer_mode"].replace(" ", "；"),
                content=row["abstract"],
            ),
            STAGES.index(row["maturity_stage"]),
        )
        for row in rows
        if row["maturity_stage"] in STAGES
    ]
    if not found:
        raise InputError(f"{path} has no record whose maturity_stage is one of {', '.join(STAGES)}")
    return found


def fit(examples: Sequence[Example]) -> StageModel:
    """Return the model fitted on examples, every stage weighing the same, numbers rounded as they ship."""
    return read_model(fitted_text(examples))


def fitted_text(examples: Sequence[Example]) -> str:
    """Return the JSON text of the model fitted on examples."""
    from sklearn.linear_model import LogisticRegression

    records = [record for record, _ in examples]
    counts = Counter(pair for record in records for pair in bigrams_of(record))
    specificity = {
        pair: round(log(1 + len(records) / n), _DIGITS) for pair, n in sorted(counts.items()) if n >= LEAST_RECORDS
    }
    seen = Counter(name for record in records for name in attributes_of(record))
    names = [*sorted(name for name, n in seen.items() if n >= LEAST_ATTRIBUTE), *specificity]
    columns = {name: column for column, name in enumerate(names)}
    matrix = np.zeros((len(records), len(names)))
    for row, record in enumerate(records):
        for name, value in values_of(record, specificity).items():
            if name in columns:
                matrix[row, columns[name]] = value
    stages = [stage for _, stage in examples]
    model = LogisticRegression(C=REGULARISATION, class_weight="balanced", max_iter=1000).fit(matrix, stages)
    weights = dict(zip(names, np.round(model.coef_.T, _DIGITS).tolist(), strict=True))
    attributes = {name: values for name, values in weights.items() if name not in specificity}
    return json.dumps(
        {
            "intercept": np.round(model.intercept_, _DIGITS).tolist(),
            "attributes": attributes,
            "bigrams": {pair: [idf, *weights[pair]] for pair, idf in specificity.items()},
        },
        ensure_ascii=False,
    )


def cross_validate(examples: Sequence[Example], seeds: int = SEEDS) -> StageFigures:
    """Return how well stages of records are estimated by models that have not seen them."""
    from sklearn.metrics import f1_score
    from sklearn.model_selection import StratifiedKFold

    truth = np.array([stage for _, stage in examples])
    f1, right, said, right_said = [], [], [], []
    for seed in range(seeds):
        guess, probability = np.zeros(len(truth), dtype=np.int64), np.zeros(len(truth))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        for known, asked in folds.split(truth[:, None], truth):
            model = fit([examples[place] for place in known])
            for place in asked:
                estimate = model.estimate(examples[place][0])
                guess[place], probability[place] = estimate.stage, estimate.probability
        sure = probability >= LEAST_PROBABILITY
        f1.append(float(f1_score(truth, guess, average="macro")))
        right.append(float((truth == guess).mean()))
        said.append(float(sure.mean()))
        right_said.append(float((truth == guess)[sure].mean()) if sure.any() else 0.0)
    return StageFigures(
        records=len(truth),
        macro_f1=float(np.mean(f1)),
        deviation=float(np.std(f1)),
        majority=_majority_f1(truth),
        accuracy=float(np.mean(right)),
        said=float(np.mean(said)),
        right_said=float(np.mean(right_said)),
    )


def _majority_f1(truth: NDArray[np.int64]) -> float:
    """Return the macro-F1 of saying the commonest stage of every record."""
    from sklearn.metrics import f1_score

    return float(f1_score(truth, np.full(len(truth), np.bincount(truth).argmax()), average="macro"))
