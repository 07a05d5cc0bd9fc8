"""Whole lists that versions serve to held-out demands, scored by the outcomes that no version learned from."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.errors import InputError
from data.records import Demand
from eval.metrics.bootstrap import Estimate
from eval.served.exposed import shown_by_demand, shown_items
from eval.served.lists import ServedList, engine_list
from eval.served.metrics import ServedFigures, served_figures
from matcher.engine import Engine
from matcher.history.graded_pairs import Showings
from matcher.model import MatchingModel
from matcher.ranking.scorer import GOOD_GRADE, Scorer
from training.comparison.pairs import HeldOut, Records
from training.comparison.sample_answers import sample_demands

DEMANDS = 200  # held-out demands that are asked at most
_NOTHING = ServedList((), (), answered=False)


@dataclass(frozen=True)
class ServedLists:
    """The lists of one version for the same demands as another's, and what they come to."""

    figures: ServedFigures
    demands: int

    def estimate(self, metric: str) -> Estimate:
        """Return one figure of `eval.served.metrics.METRICS` with its 95% interval."""
        return self.figures.estimates()[metric]

    def gain(self, metric: str, other: "ServedLists") -> Estimate:
        """Return the paired difference of one figure to another version's."""
        return self.figures.less(other.figures)[metric].difference


class _Items(dict[str, int]):
    """Numbers that tell items apart, given out as they are met."""

    def __missing__(self, record_id: str) -> int:
        return self.setdefault(record_id, len(self))


def served_lists(
    versions: Sequence[tuple[MatchingModel, Scorer]],
    held: HeldOut,
    records: Records,
    showings: Showings | None = None,
) -> list[ServedLists]:
    """Ask each version for the best achievements for the same held-out demands, the real engine over its whole collection.

    Each scorer is one that saw no outcome of these demands. An item without a known outcome is skipped, see
    `eval.served.metrics`; a demand whose text says nothing gets an empty list.

    With `showings`, in rows of the first version's records, the calibration error is that of all ten items, see `shown_items`.
    """
    items = _Items()
    levels = _levels(held.take(held.good()[0]), items)  # as probabilities are calibrated: experts' rows where enough
    demands = sample_demands([records.demands[key] for key in sorted(levels) if key in records.demands], DEMANDS)
    known = [levels[demand.demand_id] for demand in demands]
    numbers = {key: items[key] for key in versions[0][0].achievements.base.cards.ids} if showings else {}
    shown = shown_by_demand(versions[0][0], showings, numbers)
    found = []
    for model, scorer in versions:
        lists = _lists(model, scorer, demands, items)
        figures = served_figures(lists, known, GOOD_GRADE + 1)
        if shown:
            rows = [
                item
                for number, (one, demand) in enumerate(zip(lists, demands, strict=True))
                for item in shown_items(number, one, known[number], shown.get(demand.demand_id), scorer, GOOD_GRADE + 1)
            ]
            figures = figures.with_ece_of(rows, len(lists))
        found.append(ServedLists(figures, len(demands)))
    return found


def _levels(held: HeldOut, items: _Items) -> dict[str, Mapping[int, float]]:
    """Return the mean level (grade + 1) of each item by demand."""
    grades: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for demand_id, achievement_id, grade in zip(
        held.demand_ids, held.achievement_ids, held.grade.tolist(), strict=True
    ):
        grades[demand_id][items[achievement_id]].append(grade + 1)
    return {
        demand_id: {item: float(np.mean(values)) for item, values in of.items()} for demand_id, of in grades.items()
    }


def _lists(model: MatchingModel, scorer: Scorer, demands: Sequence[Demand], items: _Items) -> list[ServedList]:
    stages = model.scorer.first_stages if model.scorer else {}
    engine = Engine(replace(model, scorer=replace(scorer, first_stages=stages)))
    lists = []
    for demand in demands:
        try:
            lists.append(engine_list(engine, demand, items))
        except InputError:
            lists.append(_NOTHING)
    return lists
