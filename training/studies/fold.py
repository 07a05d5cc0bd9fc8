"""What a training would fit on part of a folder's judgements: for evaluation on demands that it must not know."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data.errors import NotFoundError
from data.files.judged import JudgedPairs
from data.records import Achievement, Demand
from data.settings import Settings
from eval.offline.parts import WHOLE, Part
from eval.served.evaluation import FitScorer
from eval.served.task import ServedTask
from matcher.engine import Engine
from matcher.features.table import FeatureTable
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.fit import fit_scorer
from matcher.model import MatchingModel
from matcher.ranking.scorer import Scorer
from models.ranking.ordinal import RankerParameters
from training.candidate.asking import asking
from training.candidate.first_stage import fit_first_stages
from training.pipeline import outcome_table


class RecordsById:
    """Records in memory, read by id as a store's are."""

    def __init__(self, demands: Sequence[Demand], achievements: Sequence[Achievement]) -> None:
        self._demands = {record.demand_id: record for record in demands}
        self._achievements = {record.achievement_id: record for record in achievements}

    def demand(self, record_id: str) -> Demand:
        """Return a demand.

        Raises:
            NotFoundError: there is none of that id.

        """
        if record_id not in self._demands:
            raise NotFoundError(f"no demand {record_id!r}")
        return self._demands[record_id]

    def achievement(self, record_id: str) -> Achievement:
        """Return an achievement.

        Raises:
            NotFoundError: there is none of that id.

        """
        if record_id not in self._achievements:
            raise NotFoundError(f"no achievement {record_id!r}")
        return self._achievements[record_id]


def fold_fitter(
    settings: Settings,
    task: ServedTask,
    model: MatchingModel,
    parameters: RankerParameters | None = None,
    part: Part = WHOLE,
    log: GradedPairs | None = None,
) -> FitScorer:
    """Return how the scorer of a fold is fitted: as `training.pipeline.train` fits one, without what the fold must not know.

    It learns a store's whole `log`, in rows of the model's records, or else the task's judged pairs. `part` is left out. The
    features that need no outcome are computed once, for all rows.
    """
    graded, rows_of = _graded(task.learned, model) if log is None else (log, None)
    table = outcome_table(model, graded)
    records = RecordsById(task.demands, task.achievements)

    def fit(model: MatchingModel, task: ServedTask, fold: int) -> Scorer:
        kept = rows_of[task.train[fold]] if rows_of is not None else _not_asked(graded, model, task, fold)
        kept = kept[kept >= 0]
        scorer = fit_scorer(
            model.demands.base,
            model.achievements.base,
            graded.take(kept),
            FeatureTable(table.values[kept], table.names),
            parameters=part.parameters or parameters,
            threads=settings.threads,
            answer_risk=settings.answer_risk,
            blank=part.blank,
            ask=asking(model, records),
        )
        scorer = part.left_out(scorer)
        engine = Engine(replace(model, scorer=scorer))
        stages = fit_first_stages(engine, scorer, records, sides=("achievements",))
        return part.change(replace(scorer, first_stages=stages))

    return fit


def _not_asked(graded: GradedPairs, model: MatchingModel, task: ServedTask, fold: int) -> NDArray[np.intp]:
    """Return the rows of outcomes with demands that the fold's model is not asked for, nor for their equals."""
    cards = model.demands.base.cards
    group = cards.identity_groups()
    asked = [cards.rows[one.demand.demand_id] for one in task.of_fold(fold)]
    return np.flatnonzero(~np.isin(group[graded.d], group[np.array(asked, dtype=np.int64)]))


def _graded(pairs: JudgedPairs, model: MatchingModel) -> tuple[GradedPairs, NDArray[np.intp]]:
    """Return the judged pairs that the model's records hold, and (rows of `pairs`,) where each is among them, or -1."""
    d_of, a_of = model.demands.base.cards.rows, model.achievements.base.cards.rows
    d = np.array([d_of.get(record.demand_id, -1) for record in pairs.demands], dtype=np.int64)[pairs.demand_rows]
    a = np.array([a_of.get(record.achievement_id, -1) for record in pairs.achievements], dtype=np.int64)
    a = a[pairs.achievement_rows]
    held = (d >= 0) & (a >= 0)
    rows_of = np.where(held, np.cumsum(held) - 1, -1).astype(np.intp)
    return GradedPairs(d[held], a[held], pairs.levels[held] - 1, np.ones(int(held.sum()))), rows_of
