"""Offline evaluation: every system on every split, each figure with its interval."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from data.judged import JudgedPairs
from data.splits import SPLITS, Folds, folds
from eval.bootstrap import Estimate, Judged, estimate_all
from eval.systems import Corpus, Predicted, System

Table = dict[str, dict[str, dict[str, Estimate]]]


def cross_validate(
    corpus: Corpus,
    systems: dict[str, System],
    splits: Sequence[str] = SPLITS,
    progress: Callable[[str], None] = lambda _: None,
) -> Table:
    """Return figures[split][system][metric]; a row is predicted by the model of the fold that did not see it.

    A row's ranking from different folds comes from different models; NDCG is over the rows of one demand, as they are.
    """
    pairs = corpus.pairs
    demand_group, pair_group = pairs.demand_group(), pairs.pair_group()
    figures: Table = {}
    for split in splits:
        parts = folds(split, pairs.levels, demand_group, pair_group)
        figures[split] = {}
        for name, system in systems.items():
            progress(f"{split}: {name}")
            figures[split][name] = _figures(pairs, np.arange(len(pairs)), out_of_fold(system, parts))
    return figures


def out_of_fold(system: System, parts: Folds) -> Predicted:
    """Return for every row what the model of the fold that did not see it says."""
    n = sum(len(test) for _, test in parts)
    ranking, levels = np.zeros(n), np.zeros(n, dtype=np.int64)
    for train, test in parts:
        predicted = system.fit_predict(train, test)
        ranking[test], levels[test] = predicted.ranking, predicted.levels
    return Predicted(ranking, levels)


def train_and_test(
    corpus: Corpus,
    systems: dict[str, System],
    n_train: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Table:
    """Return figures for the rows from `n_train` on, fitted on those before; `warm` demands had judgements, `cold` not.

    A demand is known by its id, its title or its content. A part without rows is left out.
    """
    pairs = corpus.pairs
    train, test = np.arange(n_train), np.arange(n_train, len(pairs))
    group = pairs.demand_group()
    warm = np.isin(group[test], group[train])
    figures: Table = {part: {} for part, mask in (("warm", warm), ("cold", ~warm)) if mask.any()}
    for name, system in systems.items():
        progress(f"test: {name}")
        predicted = system.fit_predict(train, test)
        for part in figures:
            mask = warm if part == "warm" else ~warm
            figures[part][name] = _figures(
                pairs, test[mask], Predicted(predicted.ranking[mask], predicted.levels[mask])
            )
    return figures


def joined(train: JudgedPairs, test: JudgedPairs) -> JudgedPairs:
    """Return the rows of both, `train` first; they must share their lists of records, as `load_judged` gives them."""
    return JudgedPairs(
        train.demands,
        train.achievements,
        np.concatenate([train.demand_rows, test.demand_rows]),
        np.concatenate([train.achievement_rows, test.achievement_rows]),
        np.concatenate([train.levels, test.levels]),
    )


def as_json(figures: Table) -> dict[str, dict[str, dict[str, dict[str, float | None]]]]:
    """Return the table with plain numbers; a figure that the rows do not allow is null."""
    return {
        split: {
            name: {
                metric: {key: None if np.isnan(number) else round(number, 6) for key, number in asdict(value).items()}
                for metric, value in metrics.items()
            }
            for name, metrics in systems.items()
        }
        for split, systems in figures.items()
    }


def _figures(pairs: JudgedPairs, rows: NDArray[np.intp], predicted: Predicted) -> dict[str, Estimate]:
    return estimate_all(Judged(pairs.demand_rows[rows], pairs.levels[rows], predicted.levels, predicted.ranking))
