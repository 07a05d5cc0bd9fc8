"""Better parameters for the ranker within a time budget, by Optuna; a study goes on where it was interrupted."""

import time
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.learning import TuningRanges
from matcher.learning.fit import Examples
from models.ranking.ordinal import RankerParameters

if TYPE_CHECKING:
    import optuna

STUDIES_FILE = "tuning.db"
CLIP = 1e-6
DEFAULTS = "defaults"  # marks the trial of the default parameters


@dataclass(frozen=True)
class Tuned:
    """The best parameters found, the trials so far (all sittings), and the mean log-loss of the best and the defaults."""

    parameters: RankerParameters
    trials: int
    loss: float
    default_loss: float


def tune(
    examples: Examples,
    group: NDArray[np.int64],
    minutes: float,
    studies: Path,
    parameters: RankerParameters | None = None,
    threads: int = 1,
    ranges: TuningRanges | None = None,
) -> Tuned:
    """Return the parameters with the least loss on demands that a trial did not learn from.

    The loss is the log-loss of exceeding each grade, mean over grades and folds of demands: a proper score, for
    order and probabilities alike. Only `examples` are seen: what is held out for evaluation must not be among them. The
    first trial is the default parameters, so that the result is never worse than they are on these folds. A trial that
    is worse than the median after a fold is given up. The study is kept in the SQLite file `studies` under a name made from the
    examples and ranges: called again with the same ones it goes on, with others it begins again.

    Args:
        examples: what the ranker will be trained on.
        group: (n,) numbers of the demands of its n pairs.
        minutes: time budget of this sitting, above 0; the trial under way is finished.
        studies: file of the studies, made if missing.
        parameters: whose seed (of ranker, search and folds) and position correction are kept.
        threads: for LightGBM.
        ranges: where to search, by default those of the product.

    Raises:
        InputError: `minutes` is not above 0, or there are fewer demands than folds.

    """
    import optuna

    if not minutes > 0:
        raise InputError(f"--tune is {minutes:g} minutes; it must be above 0")
    kept = parameters or RankerParameters()
    ranges = ranges or TuningRanges()
    folds = _folds(group, kept.seed, ranges)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    studies.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=_digest(examples, kept, ranges),
        storage=f"sqlite:///{studies}",
        sampler=optuna.samplers.TPESampler(seed=kept.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
        direction="minimize",
        load_if_exists=True,
    )
    defaults = RankerParameters()
    complete = (optuna.trial.TrialState.COMPLETE,)
    if not any(DEFAULTS in trial.user_attrs for trial in study.get_trials(states=complete)):
        study.enqueue_trial({name: getattr(defaults, name) for name in SEARCHED}, user_attrs={DEFAULTS: True})
    end = time.monotonic() + 60.0 * minutes

    def objective(trial: "optuna.Trial") -> float:
        tried = _suggested(trial, kept, ranges)
        if tried.trees * tried.num_leaves > ranges.leaves_in_all:
            raise optuna.TrialPruned
        losses = []
        for number, (train, test) in enumerate(folds):
            losses.append(_loss(examples, tried, train, test, threads))
            trial.report(float(np.mean(losses)), number)
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(losses))

    while True:
        study.optimize(objective, n_trials=1)
        if time.monotonic() >= end and study.get_trials(states=complete):
            break
    known = [trial.value for trial in study.get_trials(states=complete) if DEFAULTS in trial.user_attrs]
    best = study.best_trial
    return Tuned(
        replace(kept, **best.params),
        len(study.trials),
        float(best.value if best.value is not None else np.nan),
        float(known[0] if known and known[0] is not None else np.nan),
    )


SEARCHED = {
    "trees": True,
    "learning_rate": True,
    "num_leaves": False,
    "min_data_in_leaf": True,
    "feature_fraction": False,
    "bagging_fraction": False,
    "lambda_l2": True,
}
"""The parameters searched; whether by their logarithm."""


def _suggested(trial: "optuna.Trial", kept: RankerParameters, ranges: TuningRanges) -> RankerParameters:
    found: dict[str, Any] = {}
    for name, by_logarithm in SEARCHED.items():
        default, (low, high) = getattr(RankerParameters(), name), getattr(ranges, name)
        suggest = trial.suggest_int if isinstance(default, int) else trial.suggest_float
        found[name] = suggest(name, min(low, default), max(high, default), log=by_logarithm)
    return replace(kept, **found)


def _folds(
    group: NDArray[np.int64], seed: int, ranges: TuningRanges
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return (train, test) rows of each fold; whole demands, about `ranges.rows` rows in all."""
    groups, demand, sizes = np.unique(group, return_inverse=True, return_counts=True)
    if len(groups) < ranges.folds:
        raise InputError(f"tuning needs outcomes of at least {ranges.folds} demands, there are {len(groups)}")
    order = np.random.default_rng(seed).permutation(len(groups))
    taken = order[: max(ranges.folds, int(np.searchsorted(np.cumsum(sizes[order]), ranges.rows)) + 1)]
    fold = np.full(len(groups), -1, dtype=np.int64)
    fold[taken] = np.arange(len(taken)) % ranges.folds
    of_row = fold[demand]
    return [(np.flatnonzero((of_row >= 0) & (of_row != k)), np.flatnonzero(of_row == k)) for k in range(ranges.folds)]


def _loss(
    examples: Examples,
    parameters: RankerParameters,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    threads: int,
) -> float:
    """Return the mean over grades of the weighted log-loss of exceeding it, on both sets of features of the test rows."""
    ranker = examples.fit(parameters, threads, train)
    pairs, n = examples.pairs, len(examples.pairs)
    exceeds = ranker.predict(examples.features[np.concatenate([test, test + n])])
    losses = []
    for grade in range(int(pairs.grade.max())):
        weight = np.tile(pairs.weight_for_threshold(grade)[test], 2)
        probability = np.clip(ranker.above(exceeds, grade), CLIP, 1 - CLIP)
        happened = np.tile(pairs.grade[test] > grade, 2)
        if weight.sum() > 0:
            losses.append(np.average(-np.log(np.where(happened, probability, 1 - probability)), weights=weight))
    return float(np.mean(losses))


def _digest(examples: Examples, kept: RankerParameters, ranges: TuningRanges) -> str:
    """Return a name that examples with the same features, grades and weights, searched in the same ranges, share."""
    digest = sha256(f"{kept.seed}:{kept.correct_positions}:{','.join(examples.names)}:{ranges}".encode())
    for part in (examples.features, examples.pairs.grade, examples.pairs.weight):
        digest.update(np.ascontiguousarray(part).tobytes())
    return f"ranker-{digest.hexdigest()[:16]}"
