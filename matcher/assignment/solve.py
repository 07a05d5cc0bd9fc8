"""The assignment of least total cost under capacities, by SciPy's solver of the linear assignment problem.

Every free place of a worker is a column that costs a little more than the one before, so that load spreads. Every task has
a column of its own in which it waits: it does so only when no place is left that it may take.
"""

from collections.abc import Sequence

import numpy as np

from matcher.assignment.costs import Weights, pair_costs, place_cost
from matcher.assignment.types import Task, Worker

WAITING = 1e3
"""Least cost of waiting, above that of any pairing; a task of highest priority costs twice as much."""
EXCLUDED = 1e6
DEFAULT_WEIGHTS = Weights()


def assign(
    tasks: Sequence[Task], workers: Sequence[Worker], weights: Weights = DEFAULT_WEIGHTS
) -> dict[str, str | None]:
    """Return by task the worker that takes it, None where nobody can; the order of the arguments does not matter."""
    from scipy.optimize import linear_sum_assignment  # half a second, which no other command shall pay

    tasks = sorted(tasks, key=lambda task: task.id)
    workers = sorted((worker for worker in workers if worker.free), key=lambda worker: worker.id)
    if not tasks or not workers:
        return {task.id: None for task in tasks}
    mean_recent = sum(worker.recent for worker in workers) / len(workers)
    owners, extra = [], []
    for number, worker in enumerate(workers):
        for taken in range(min(worker.free, len(tasks))):
            owners.append(number)
            extra.append(place_cost(worker, taken, mean_recent, weights))
    paired = np.nan_to_num(pair_costs(tasks, workers, weights), posinf=EXCLUDED)
    places = paired[:, owners] + np.array(extra)
    waiting = np.tile([[WAITING * (1.0 + task.priority)] for task in tasks], len(tasks))
    _, columns = linear_sum_assignment(np.hstack([places, waiting]))
    return {
        task.id: workers[owners[column]].id if column < len(owners) else None
        for task, column in zip(tasks, columns.tolist(), strict=True)
    }


def by_age(number: int) -> list[float]:
    """Return the priorities of `number` tasks that are given oldest first."""
    return [1.0 - place / number for place in range(number)]
