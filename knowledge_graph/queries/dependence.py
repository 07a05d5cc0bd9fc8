"""How much of an industry chain hangs on each of its nodes: own weight, and what is downstream of it, through loops too.

Leaves carry the weight: a_v as the file says, 1 where it does not; a node with others below it is their sum. Leaf u depends
on node v by the share r_uv of its links' weight, the links of the nodes above u counting as its own; what an inner node
gets is divided among the leaves below it. With the share that each step passes on, DAMPING = d,

    x_v = d · Σ_u r_uv (a_u + x_u),

what depends on v directly, plus what depends on that, and so on, each step counting d of the one before. The shares of a
leaf sum to 1 or, without links, to 0: with d < 1 the sum over all paths converges whatever loops there are, and is the
one solution. All of x together is at most d / (1 - d) of all of a.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from data.taxonomy.industry_chain import Chain

DAMPING = 0.5
_ENOUGH = 1e-12  # of the whole, by which a further step may still change it


@dataclass(frozen=True)
class Dependence:
    """Weights of the n nodes of a chain, in its file's unit.

    `own` (n,) is a; `downstream` (n,) is x; of an inner node both are the sums over the leaves below. `leaves` (n,) counts
    these, 1 for a leaf. `shares` (n, n) sparse: what each leaf depends on, in shares of 1.
    """

    own: NDArray[np.float64]
    downstream: NDArray[np.float64]
    leaves: NDArray[np.int64]
    shares: sp.csr_array

    @property
    def relative(self) -> NDArray[np.float64]:
        """(n,) weight of an average leaf of each node, own and downstream, over that of an average leaf of all; >= 0."""
        total = self.own + self.downstream
        leaf = self.leaves == 1
        mean = float(total[leaf].mean()) if leaf.any() else 0.0
        return total / self.leaves / mean if mean > 0 else np.ones(len(total))


def dependence(chain: Chain, damping: float = DAMPING) -> Dependence:
    """Return how much hangs on each node of a chain; `damping` in [0, 1) is the share that a step passes on."""
    n = len(chain.nodes)
    below = _below(chain)
    leaf = np.array([not some for some in chain.children])
    stated = np.array([1.0 if one.weight is None else one.weight for one in chain.nodes])
    own = np.where(leaf, stated, 0.0)
    places = chain.places
    node = np.array([places[link.node] for link in chain.links], dtype=np.int64)
    upstream = np.array([places[link.upstream] for link in chain.links], dtype=np.int64)
    weights = sp.csr_array((np.array([link.weight for link in chain.links]), (node, upstream)), shape=(n, n))
    inherited = sp.csr_array(below.T @ weights)  # (n leaves, n): the links of a leaf and of all above it
    sums = np.asarray(inherited.sum(axis=1)).ravel()
    shares = sp.csr_array(
        sp.diags_array(np.where(leaf & (sums > 0), 1.0 / np.where(sums > 0, sums, 1.0), 0.0)) @ inherited
    )
    counts = np.asarray(below.sum(axis=1)).ravel()
    divided = sp.csr_array(below.T @ sp.diags_array(1.0 / counts))  # (n leaves, n): a node's part for each leaf below
    passed = divided @ shares.T
    found, step = np.zeros(n), own
    while step.sum() > _ENOUGH * max(own.sum(), 1e-300):
        step = damping * (passed @ step)
        found = found + step
    return Dependence(below @ own, below @ found, counts.astype(np.int64), shares)


def _below(chain: Chain) -> sp.csr_array:
    """Return (n, n): 1 where the second node is a leaf at or below the first."""
    rows, columns = [], []
    for place, below in enumerate(chain.children):
        if not below:
            for above in chain.above(place):
                rows.append(above)
                columns.append(place)
    return sp.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(chain.nodes),) * 2)
