"""How much a demand says of what it needs: those who could help answer a clear demand more readily than a vague one."""

from typing import TYPE_CHECKING

import numpy as np

from data.simulator.demand_texts import DemandWriter
from data.simulator.naming import firm_names

if TYPE_CHECKING:
    from data.simulator.world import Float, World

WEIGHTS = {
    "subject": 0.35,
    "figures": 0.20,
    "content": 0.15,
    "budget": 0.15,
    "deadline": 0.05,
    "cooperation": 0.05,
    "maturity": 0.05,
}
"""Shares of a demand's clarity, by what its text and fields say in the end: a part that was left out counts nothing."""

LEAST_READINESS = 0.2
MOST_READINESS = 1.2
"""By what the chance of a contact is multiplied for a demand that says nothing, and for one that says everything."""


def clarity_of(world: "World", seed: int) -> "Float":
    """Return (demands,) in [0, 1] how much each demand says, as it is written for this seed."""
    writer = DemandWriter(world.lexicon, world.demands, world.firms, firm_names(world.lexicon, world.firms, seed), seed)
    rows = (writer.stated(number) for number in range(len(world.demands)))
    completeness = [sum(weight for name, weight in WEIGHTS.items() if parts_stated[name]) for parts_stated in rows]
    return np.array(completeness, dtype=np.float32)


def readiness(clarity: "Float") -> "Float":
    """Return by what the chance of a contact is multiplied, same shape as `clarity`."""
    return np.asarray(LEAST_READINESS + (MOST_READINESS - LEAST_READINESS) * clarity, dtype=np.float32)
