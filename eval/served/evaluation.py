"""The served evaluation: models that know nothing of the asked demands' outcomes, their lists, and the figures."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from eval.metrics.bootstrap import Lift
from eval.offline.findings import numbers
from eval.served.exposed import shown_items
from eval.served.lists import SERVED, SYSTEMS, ServedList, baseline_lists, engine_list
from eval.served.losses import fate_of
from eval.served.metrics import ServedFigures, ShownItem, served_figures
from eval.served.task import ServedTask
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.ranking.scorer import Scorer

# Fits what a training would fit, without the outcomes of the demands of a fold of the task.
FitScorer = Callable[[MatchingModel, ServedTask, int], Scorer]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class ServedResult:
    """Lists by system, in the order of the task's `asked`, what they come to, and where good items were lost."""

    task: ServedTask
    lists: dict[str, list[ServedList]]
    figures: dict[str, ServedFigures]
    losses: Counter[str]

    def lifts(self) -> dict[str, dict[str, Lift]]:
        """Return by system and metric how much what is served gains over it, draw by draw."""
        ours = self.figures[SERVED]
        return {name: ours.less(other) for name, other in self.figures.items() if name != SERVED}

    def as_json(self) -> dict[str, dict[str, dict[str, dict[str, float | None]]]]:
        """Return {"served": {SYSTEM: {METRIC: {"value", "low", "high"}}}}; null where what is known allows no figure."""
        return {
            "served": {
                system: {metric: numbers(estimate) for metric, estimate in figures.estimates().items()}
                for system, figures in self.figures.items()
            }
        }


def evaluate_served(
    task: ServedTask, model: MatchingModel, fit: FitScorer, progress: Progress = lambda _: None
) -> ServedResult:
    """Ask the real engine, and the baselines beside it, for every demand of the task.

    `model` holds the task's records, without a scorer; `fit` makes one for each fold without what the fold must not know.
    """
    lists: dict[str, dict[str, ServedList]] = {name: {} for name in SYSTEMS}
    losses: Counter[str] = Counter()
    shown: list[ShownItem] = []
    numbers = {one.demand.demand_id: number for number, one in enumerate(task.asked)}
    folds = sorted({one.fold for one in task.asked})
    for fold in folds:
        progress(f"fold {fold + 1} of {len(folds)}")
        scorer = fit(model, task, fold)
        engine = Engine(replace(model, scorer=scorer))
        for one in task.of_fold(fold):
            key = one.demand.demand_id
            lists[SERVED][key] = engine_list(engine, one.demand, task.text_of)
            shown += _shown(task, numbers[key], lists[SERVED][key], scorer)
            wanted = [text for text, level in one.levels.items() if level >= task.good]
            losses += fate_of(engine, one.demand, wanted, task.text_of, shown=bool(lists[SERVED][key].texts))
            for name, found in baseline_lists(engine, one.demand, task.text_of, len(lists[SERVED])).items():
                lists[name][key] = found
    ordered = {name: [found[one.demand.demand_id] for one in task.asked] for name, found in lists.items()}
    levels = [one.levels for one in task.asked]
    figures = {name: served_figures(found, levels, task.good) for name, found in ordered.items()}
    if task.shown:
        figures[SERVED] = figures[SERVED].with_ece_of(shown, len(task.asked))
    return ServedResult(task, ordered, figures, losses)


def served_by(
    task: ServedTask, model: MatchingModel, fit: FitScorer, progress: Progress = lambda _: None
) -> ServedFigures:
    """Return what the lists of the engine alone come to, with the scorers that `fit` makes."""
    lists: dict[str, ServedList] = {}
    shown: list[ShownItem] = []
    numbers = {one.demand.demand_id: number for number, one in enumerate(task.asked)}
    for fold in sorted({one.fold for one in task.asked}):
        progress(f"fold {fold + 1}")
        scorer = fit(model, task, fold)
        engine = Engine(replace(model, scorer=scorer))
        for one in task.of_fold(fold):
            lists[one.demand.demand_id] = engine_list(engine, one.demand, task.text_of)
            shown += _shown(task, numbers[one.demand.demand_id], lists[one.demand.demand_id], scorer)
    asked = [lists[one.demand.demand_id] for one in task.asked]
    figures = served_figures(asked, [one.levels for one in task.asked], task.good)
    return figures.with_ece_of(shown, len(asked)) if task.shown else figures


def _shown(task: ServedTask, number: int, served: ServedList, scorer: Scorer) -> Iterator[ShownItem]:
    """Yield what is known of the items that demand `number` of those asked is shown."""
    one = task.asked[number]
    yield from shown_items(number, served, one.levels, task.shown.get(one.demand.demand_id), scorer, task.good)
