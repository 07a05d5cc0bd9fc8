"""Offline evaluation: every system on every split, each figure with its interval."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from data.files.judged import JudgedPairs
from data.splits import SPLITS, Folds, folds
from eval.metrics.bootstrap import Estimate, Judged, estimate_all
from eval.offline.systems import Corpus, Predicted, System

Table = dict[str, dict[str, dict[str, Estimate]]]
Progress = Callable[[str], None]


def quiet(_: str) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Part:
    """Rows of the judged pairs that were predicted by systems which had not seen them, all arrays (n,).

    `known_demand` and `known_achievement` tell whether their training rows held the row's demand and its achievement;
    `fold` numbers the model that predicted it. `predicted` holds what each system says.
    """

    rows: NDArray[np.intp]
    known_demand: NDArray[np.bool_]
    known_achievement: NDArray[np.bool_]
    fold: NDArray[np.int64]
    predicted: dict[str, Predicted]

    def take(self, chosen: NDArray[np.intp]) -> "Part":
        """Return the given rows of the part."""
        predicted = {name: one.take(chosen) for name, one in self.predicted.items()}
        masks = (self.known_demand[chosen], self.known_achievement[chosen], self.fold[chosen])
        return Part(self.rows[chosen], *masks, predicted)

    def judged(self, pairs: JudgedPairs, system: str) -> Judged:
        """Return the rows with what one system says of them."""
        one = self.predicted[system]
        return Judged(pairs.demand_rows[self.rows], pairs.levels[self.rows], one.levels, one.ranking)


Parts = dict[str, Part]


def cross_validated(
    corpus: Corpus, systems: dict[str, System], splits: Sequence[str] = SPLITS, progress: Progress = quiet
) -> Parts:
    """Return for each split all rows, each predicted by the model of the fold that did not see it."""
    pairs = corpus.pairs
    demand_group, pair_group, text_group = pairs.demand_group(), pairs.pair_group(), _text_groups(corpus)
    parts: Parts = {}
    for split in splits:
        cut = folds(split, pairs.levels, demand_group, pair_group)
        known_demand, known_achievement = np.zeros((2, len(pairs)), dtype=np.bool_)
        fold = np.zeros(len(pairs), dtype=np.int64)
        for number, (train, test) in enumerate(cut):
            known_demand[test] = np.isin(demand_group[test], demand_group[train])
            known_achievement[test] = np.isin(text_group[test], text_group[train])
            fold[test] = number
        predicted = {}
        for name, system in systems.items():
            progress(f"{split}: {name}")
            predicted[name] = out_of_fold(system, cut)
        parts[split] = Part(np.arange(len(pairs)), known_demand, known_achievement, fold, predicted)
    return parts


def predict_test(corpus: Corpus, systems: dict[str, System], n_train: int, progress: Progress = quiet) -> Parts:
    """Return the rows from `n_train` on, fitted on those before: `warm` demands had judgements, `cold` ones not.

    A demand is known by its id, its title or its content. A part without rows is left out.
    """
    pairs = corpus.pairs
    train, test = np.arange(n_train), np.arange(n_train, len(pairs))
    group, text_group = pairs.demand_group(), _text_groups(corpus)
    predicted = {}
    for name, system in systems.items():
        progress(f"test: {name}")
        predicted[name] = system.fit_predict(train, test)
    warm = np.isin(group[test], group[train])
    seen = np.isin(text_group[test], text_group[train])
    everything = Part(test, warm, seen, np.zeros(len(test), dtype=np.int64), predicted)
    cuts = (("warm", np.flatnonzero(warm)), ("cold", np.flatnonzero(~warm)))
    return {name: everything.take(chosen) for name, chosen in cuts if len(chosen)}


def figures_of(pairs: JudgedPairs, parts: Parts) -> Table:
    """Return figures[part][system][metric], each with its interval."""
    return {
        name: {system: estimate_all(part.judged(pairs, system)) for system in part.predicted}
        for name, part in parts.items()
    }


def cross_validate(
    corpus: Corpus, systems: dict[str, System], splits: Sequence[str] = SPLITS, progress: Progress = quiet
) -> Table:
    """Return figures[split][system][metric]; a row is predicted by the model of the fold that did not see it.

    A row's ranking from different folds comes from different models; NDCG is over the rows of one demand, as they are.
    """
    return figures_of(corpus.pairs, cross_validated(corpus, systems, splits, progress))


def out_of_fold(system: System, parts: Folds) -> Predicted:
    """Return for every row what the model of the fold that did not see it says."""
    n = sum(len(test) for _, test in parts)
    ranking, levels, probability = np.zeros(n), np.zeros(n, dtype=np.int64), np.full(n, np.nan)
    for train, test in parts:
        predicted = system.fit_predict(train, test)
        ranking[test], levels[test] = predicted.ranking, predicted.levels
        if predicted.probability is not None:
            probability[test] = predicted.probability
    return Predicted(ranking, levels, None if np.isnan(probability).any() else probability)


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


def _text_groups(corpus: Corpus) -> NDArray[np.int64]:
    """Return (n,) numbers of the rows' achievements; those with the same id, title or body have one."""
    return corpus.achievements.cards.identity_groups()[corpus.pairs.achievement_rows]
