"""Which of the experts' judgements a model is shown: some of each level, from a few demands that nothing is measured on."""

from collections.abc import Iterable, Mapping

import numpy as np

PER_LEVEL = 2  # examples of each level
SHARE = 3  # at most one demand in so many lends examples


def choose_examples(
    judged: Mapping[str, Mapping[str, int]], seed: int = 0, per_level: int = PER_LEVEL
) -> list[tuple[str, str, int]]:
    """Return (demand's id, achievement's id, level) of examples from levels (1-4) by demand and achievement.

    A demand lends at most one example of each level; demands come in an order that the seed decides, and at most a third of
    them lends any. There are fewer than `per_level` of a level that experts seldom gave.
    """
    order = np.random.default_rng(seed).permutation(len(judged)).tolist()
    demands = sorted(judged)
    wanted = dict.fromkeys((1, 2, 3, 4), per_level)
    chosen: list[tuple[str, str, int]] = []
    for place in order[: len(demands) // SHARE]:
        lent: set[int] = set()
        for achievement_id, level in sorted(judged[demands[place]].items()):
            if level not in lent and wanted.get(level, 0):
                lent.add(level)
                wanted[level] -= 1
                chosen.append((demands[place], achievement_id, level))
    return sorted(chosen, key=lambda one: (-one[2], one[0], one[1]))


def lenders(examples: Iterable[tuple[str, str, int]]) -> frozenset[str]:
    """Return the ids of the demands that lend examples."""
    return frozenset(demand_id for demand_id, _, _ in examples)
