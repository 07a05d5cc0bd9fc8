"""What it costs that a worker takes a task: the way, the skill that is missing, the load, and a fair share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.taxonomy.places import distance_km
from matcher.assignment.types import Task, Worker

FAR_KM = 1_000.0
"""From here on the way costs the same: it is a flight in any case."""


@dataclass(frozen=True)
class Weights:
    """What the parts of a cost weigh, each part being in [0, 1] or about it."""

    distance: float = 1.0
    skill: float = 1.0
    field: float = 0.5
    region: float = 1.0
    load: float = 0.5
    fairness: float = 0.25


def pair_costs(tasks: Sequence[Task], workers: Sequence[Worker], weights: Weights) -> NDArray[np.float64]:
    """Return (tasks, workers) float64: the cost without load and fairness; infinite where a worker is excluded.

    An unknown distance counts as the mean of the known ones, 0.5 if there are none.
    """
    way = np.array([[way_of(task, worker) for worker in workers] for task in tasks], dtype=np.float64)
    way = way.reshape(len(tasks), len(workers))
    known = way[~np.isnan(way)]
    way = np.where(np.isnan(way), known.mean() if len(known) else 0.5 * FAR_KM, way)
    costs = weights.distance * np.minimum(way / FAR_KM, 1.0)
    for row, task in enumerate(tasks):
        for column, worker in enumerate(workers):
            costs[row, column] += weights.skill * (1.0 - worker.skill_for(task.id))
            costs[row, column] += weights.field * (not knows(worker, task)) + weights.region * (
                not covers(worker, task)
            )
            if worker.id in task.excluded:
                costs[row, column] = np.inf
    return costs


def place_cost(worker: Worker, taken: int, mean_recent: float, weights: Weights) -> float:
    """Return what the `taken`-th further task (from 0) adds: the more places are taken, the more the next one costs."""
    load = (worker.open + taken + 1) / worker.limit
    share = (worker.recent + taken) / (mean_recent + 1.0)
    return weights.load * load + weights.fairness * min(share, 2.0) / 2.0


def way_of(task: Task, worker: Worker) -> float:
    """Return the distance in kilometres, NaN if a place is unknown."""
    if task.place is None or worker.place is None:
        return float("nan")
    return distance_km(task.place, worker.place)


def knows(worker: Worker, task: Task) -> bool:
    """Tell whether the task's field is among those that the worker states; who states none takes any."""
    return not worker.fields or not task.field or task.field in worker.fields


def covers(worker: Worker, task: Task) -> bool:
    """Tell whether the task's region lies in one of the worker's; who states none covers all."""
    return not worker.regions or not task.region or any(within(task.region, one) for one in worker.regions)


def within(region: str, larger: str) -> bool:
    """Tell whether a six-digit region is another one or lies in it."""
    return region.startswith(larger[:2] if larger[2:] == "0000" else larger[:4] if larger[4:] == "00" else larger)
